import CLinux
import CYardstick
import Glibc
import Linux

/// What stands between the plugin and the host.
enum Middle: String, CaseIterable {
    /// Nothing: the plugin connects to the host itself.
    case direct
    /// A relay in C that copies bytes.
    case plain = "plain C relay"
    case socat
    case corral
}

/// A plugin, a host and what is between them, each a process of its own, waiting to be measured.
struct Conversation: ~Copyable {
    let middle: Middle
    private let children: [Child]
    private let relay: Child?
    /// Numbers of calls go to the host here, until it is closed.
    private var gate: FileDescriptor?
    /// The relay stays for as long as this is open.
    private var life: FileDescriptor?
    private let times: FileDescriptor

    private init(
        _ middle: Middle, _ children: [Child], relay: Child?, gate: consuming FileDescriptor,
        life: consuming FileDescriptor, times: consuming FileDescriptor
    ) {
        self.middle = middle
        self.children = children
        self.relay = relay
        self.gate = consume gate
        self.life = consume life
        self.times = times
    }

    /// - Parameters:
    ///   - pins: the processors of the plugin, the relay and the host; nil for any.
    ///   - directory: for its sockets, one for each conversation.
    static func start(
        _ middle: Middle, _ kind: RelayMessages.Kind, window: Int,
        pins: (plugin: Int?, relay: Int?, host: Int?), directory: String
    ) throws -> Conversation {
        let (up, down) = ("\(directory)/host", "\(directory)/plugin")
        let words = [kind.rawValue, "\(window)"]
        let host = try listen(at: up)
        let gate = try Pipe()
        let times = try Pipe()
        let life = try Pipe()
        var relay: Child?
        if middle != .direct {
            if middle == .socat {
                let program = ["socat", "-b", "65536", "UNIX-LISTEN:\(down)", "UNIX-CONNECT:\(up)"]
                relay = try Child(program, [2, 2, 2], pin: pins.relay)
                // It makes its socket itself; nothing tells when but the socket.
                for _ in 0..<1_000 where unsafe access(down, F_OK) != 0 { usleep(10_000) }
            } else {
                let listener = try listen(at: down)
                let program = ownProgram(middle == .plain ? "plain" : "corral", words, up)
                relay = try Child(program, [listener.number, life.output.number, 2], pin: pins.relay)
            }
        }
        let hostProgram = ownProgram("host", words, up)
        let pluginProgram = ownProgram("plugin", words, middle == .direct ? up : down)
        let ends = [
            try Child(hostProgram, [host.number, gate.output.number, 2, times.input.number], pin: pins.host),
            try Child(pluginProgram, [2, 2, 2], pin: pins.plugin),
        ]
        return Conversation(
            middle, ends + (relay.map { [$0] } ?? []), relay: relay, gate: gate.takeInput(),
            life: life.takeInput(), times: times.takeOutput())
    }

    /// Has the host make `count` calls.
    func calls(_ count: Int) throws -> yardstick_times {
        let gate = gate.numberOrNone
        var number = UInt64(count)
        let source = times.number
        _ = try call("write") { unsafe write(gate, &number, 8) }
        var times = yardstick_times()
        let size = MemoryLayout<yardstick_times>.size
        let got = try call("read") { unsafe read(source, &times, size) }
        guard got == size else { throw Options.Problem("\(middle.rawValue): the host ended early") }
        return times
    }

    /// Nanoseconds of processor time that what is in the middle has used so far.
    func processorTime() throws -> UInt64 { try relay?.processorTime() ?? 0 }

    /// KiB of memory that what is in the middle holds now.
    func memory() throws -> Int { try relay?.memory() ?? 0 }

    /// Ends all processes and waits for them.
    mutating func end() throws {
        gate = nil
        life = nil
        for child in children {
            if let problem = try child.end() { throw Options.Problem("\(middle.rawValue): \(problem)") }
        }
    }
}

private func ownProgram(_ role: String, _ words: [String], _ path: String) -> [String] {
    ["/proc/self/exe", "relay-role", role] + words + [path]
}

private func listen(at path: String) throws(SystemError) -> FileDescriptor {
    let socket = try FileDescriptor.unixSocket(nonBlocking: false)
    try socket.bind(to: path)
    try socket.listen(queue: 4)
    return socket
}

/// What goes in at one end comes out at the other (pipe(2)).
private struct Pipe: ~Copyable {
    let output: FileDescriptor
    let input: FileDescriptor

    init() throws(SystemError) {
        var ends: [CInt] = [-1, -1]
        _ = try call("pipe") { unsafe pipe(&ends) }
        output = FileDescriptor(owning: ends[0])
        input = FileDescriptor(owning: ends[1])
    }

    consuming func takeInput() -> FileDescriptor { input }
    consuming func takeOutput() -> FileDescriptor { output }
}
