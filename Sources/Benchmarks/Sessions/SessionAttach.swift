import Capture
import Client
import Figures
import Glibc
import Linux

/// How fast output goes from a process in a sandbox through corrald to a client that throws it away, beside
/// `cat` between two pipes in the same round.
func measureAttach(_ corrald: String, _ options: Options, _ results: Results) throws {
    let daemon = try MeasuredDaemon(corrald)
    let session = try daemon.client.id(of: SessionCall.create())
    // Less to try it.
    let blocks = options.rounds < 20 ? 1024 : 8192
    var flows: [Flow] = []
    var ratios: [Double] = []
    var shares: [Double] = []
    for round in 0...max(3, min(options.rounds / 15, 11)) {
        let cat = try AttachScene.cat.run().speed
        let (own, share) = try attached(daemon, session, blocks)
        // The first round finds everything cold.
        if round == 0 { continue }
        flows.append(own)
        ratios.append(own.speed / cat)
        shares.append(share)
    }
    guard let speed = median(flows.map(\.speed)), let cost = median(flows.map(\.cost)),
        let ratio = median(ratios), let share = median(shares)
    else { return }
    try add("attach/daemon/MB/s", "MB/s", [("speed", speed)], samples: flows.count, results)
    try add("attach/daemon/ratio", "ratio", [("to cat", ratio)], samples: ratios.count, results)
    try add("attach/daemon/ms", "ms", [("cpu", cost)], samples: flows.count, results)
    try add("attach/daemon/share", "ratio", [("arrived", share)], samples: shares.count, results)
}

/// How fast what dd writes 64 KiB at a time arrives, frames included, and how much of it: nobody waits for this
/// client, so what it is too slow for is lost to it. The processor time is corrald's and the client's.
private func attached(
    _ daemon: MeasuredDaemon, _ session: String, _ blocks: Int
) throws -> (flow: Flow, share: Double) {
    let writer = "read -r go; exec dd if=/dev/zero bs=64k count=\(blocks) status=none"
    let process = try daemon.client.id(of: SessionCall.start(session, shell: writer))
    // It was answered once it was on record, and may not have come up.
    let request = SessionCall.inspect(session, process)
    while try daemon.client.ask(request).json()["state"]?.text == "starting" { usleep(1000) }
    let upgraded = try DaemonClient(path: daemon.socket).upgrade(
        SessionCall.attach(session, process), to: "corral-attach/1")
    let number = upgraded.socket.number
    _ = try call("fcntl") { fcntl(number, F_SETFL, 0) }
    let start = Flow.Start()
    let before = try Child.processorTime(of: daemon.pid)
    try upgraded.socket.writeAll(AttachFrame.input([0x0A], offset: 0, isEnd: true).bytes)
    var room = [UInt8](repeating: 0, count: 256 << 10)
    var sum = upgraded.first.count
    while true {
        var span = room.mutableSpan
        let count = try upgraded.socket.read(into: &span)
        if count == 0 { break }
        sum += count
    }
    let flow = start.flow(of: sum, and: try Child.processorTime(of: daemon.pid) - before)
    // A client that cannot keep up is told what it lost; one that got next to nothing was not attached.
    guard sum > blocks << 12 else { throw Options.Problem("only \(sum) bytes of the output came") }
    return (flow, Double(sum) / Double(blocks << 16))
}
