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
    var speeds: [Double] = []
    var ratios: [Double] = []
    for round in 0...max(3, min(options.rounds / 15, 11)) {
        let cat = try AttachScene.cat.run().speed
        let own = try attachedSpeed(daemon, session, blocks)
        // The first round finds everything cold.
        if round == 0 { continue }
        speeds.append(own)
        ratios.append(own / cat)
    }
    guard let speed = median(speeds), let ratio = median(ratios) else { return }
    try add("attach/daemon/MB/s", "MB/s", [("speed", speed)], samples: speeds.count, results)
    try add("attach/daemon/ratio", "ratio", [("to cat", ratio)], samples: ratios.count, results)
}

/// MB/s (10^6 bytes) that arrive, frames included, of what dd writes 64 KiB at a time.
private func attachedSpeed(_ daemon: MeasuredDaemon, _ session: String, _ blocks: Int) throws -> Double {
    let writer = "read -r go; exec dd if=/dev/zero bs=64k count=\(blocks) status=none"
    let process = try daemon.client.id(of: SessionCall.start(session, shell: writer))
    // It was answered once it was on record, and may not have come up.
    let request = SessionCall.inspect(session, process)
    while try daemon.client.ask(request).json()["state"]?.text == "starting" { usleep(1000) }
    let upgraded = try DaemonClient(path: daemon.socket).upgrade(
        SessionCall.attach(session, process), to: "corral-attach/1")
    let number = upgraded.socket.number
    _ = try call("fcntl") { fcntl(number, F_SETFL, 0) }
    let begin = monotonicTime()
    try upgraded.socket.writeAll(AttachFrame.input([0x0A], offset: 0, isEnd: true).bytes)
    var room = [UInt8](repeating: 0, count: 256 << 10)
    var sum = upgraded.first.count
    while true {
        var span = room.mutableSpan
        let count = try upgraded.socket.read(into: &span)
        if count == 0 { break }
        sum += count
    }
    let elapsed = monotonicTime() - begin
    // A client that cannot keep up is told what it lost; one that got next to nothing was not attached.
    guard sum > blocks << 12 else { throw Options.Problem("only \(sum) bytes of the output came") }
    return Double(sum) * 1000 / Double(elapsed)
}
