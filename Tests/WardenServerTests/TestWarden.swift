import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

/// A `corral-warden` of the test's own, in a directory of the test's own.
final class TestWarden {
    let directory: TemporaryDirectory
    let program: RunningProgram
    var socket: String { directory("warden.sock") }

    /// - Parameters:
    ///   - directory: of a warden before it, whose successor this one is.
    ///   - allowing: the uid that is served besides root.
    ///   - without: layers that are left out of its sandboxes.
    ///   - prefix: a command that executes what follows it.
    init(
        in directory: TemporaryDirectory? = nil, allowing: UInt32 = geteuid(), _ more: [String] = [],
        openFiles: Int? = nil, user: UInt32? = nil, without: String? = nil,
        prefix: [String] = [], variables: [String: String] = [:]
    ) throws {
        let directory = try directory ?? TemporaryDirectory(mode: user == nil ? 0o755 : 0o777)
        if user != nil { try TestWarden.copyPrograms(to: directory) }
        let path = user == nil ? Product.path("corral-warden") : directory("corral-warden")
        var words = [
            path, "--socket", directory("warden.sock"), "--allow-uid", "\(allowing)",
            "--state", directory("state"),
        ]
        if let openFiles { words = ["prlimit", "--nofile=\(openFiles):\(openFiles)", "--"] + words }
        words = prefix + words
        // The rules of this source tree, wherever the build directory is.
        let data = user == nil ? Repository.root : directory.path
        var environment = Program.environment.merging(["CORRAL_DATA": data]) { $1 }
        environment.merge(variables) { $1 }
        if let without { environment["CORRAL_TEST_WITHOUT"] = without }
        self.directory = directory
        program = try Program(words + more, environment: environment, user: user).start()
        try #require(
            try program.waitForText("serving uid", within: 60), "the warden said: \(program.errorsSoFar)")
    }

    /// Another user may not enter the build directory.
    private static func copyPrograms(to directory: TemporaryDirectory) throws {
        for name in ["corral-warden", "sandbox-init"] {
            try File.write(try File.read(Product.path(name)), to: directory(name), mode: 0o755)
        }
        for name in ["profiles", "images"] {
            let copied = try Program.run(["cp", "-r", Repository.path(name), directory(name)])
            try #require(copied.status == 0, "\(copied.errors)")
            _ = try Program.run(["chmod", "-R", "a+rX", directory(name)])
        }
    }

    /// Ends it in order and says what it wrote.
    func end() throws -> Program.Outcome {
        try program.signal(SIGTERM)
        return try program.wait(timeout: 60)
    }

    func kill() throws -> Program.Outcome {
        try program.signal(SIGKILL)
        return try program.wait(timeout: 60)
    }
}

/// A descriptor of a process, out of an answer or an event.
typealias StreamTable = [StreamRole: Held<FileDescriptor>]

/// What plays corrald: a link on a loop of its own, whose calls wait for their answers.
final class Client: WardenLinkDelegate {
    let loop: EventLoop
    private var holder: WardenLink?
    private(set) var events: [WardenEvent] = []
    private(set) var streams: [ProcessKey: StreamTable] = [:]
    private(set) var lost: String?

    /// Connects, and waits until a client before it is gone: programs that other tests start at this moment
    /// have copies of its socket until their exec.
    init(_ socket: String) throws {
        loop = try EventLoop()
        try #require(
            try eventually {
                do throws(WardenLinkError) {
                    holder = try WardenLink.connect(
                        to: socket, build: CorralVersion.current, on: loop, delegate: self)
                    return true
                } catch .refused(let refusal) where refusal.code == .notServed {
                    return false
                }
            })
    }

    deinit { loop.removeAll() }

    var link: WardenLink {
        get throws { try #require(holder) }
    }

    func warden(_ link: WardenLink, tells event: WardenEvent, _ packet: Packet) {
        events.append(event)
        if case .started(let key, _, _, let roles) = event, !roles.isEmpty { keep(key, roles, packet) }
    }

    func warden(_ link: WardenLink, isLostBecause why: String) { lost = why }

    private func keep(_ key: ProcessKey, _ roles: [StreamRole], _ packet: Packet) {
        var table: StreamTable = [:]
        for role in roles {
            switch packet.takeDescriptor() {
            case .some(let descriptor): table[role] = Held(descriptor)
            case .none: Issue.record("no descriptor came for \(role) of \(key)")
            }
        }
        streams[key] = table
    }

    /// Turns the loop until `condition` holds.
    func wait(_ what: String, until condition: () -> Bool) throws {
        let deadline = Host.now + 60 * Host.patience
        while !condition() {
            try #require(Host.now < deadline, "waited in vain for \(what); events: \(events)")
            _ = try loop.turn(timeout: 100)
        }
    }

    /// Closes this side's copy of a descriptor.
    func drop(_ key: ProcessKey, _ role: StreamRole) { streams[key]?[role] = nil }

    /// The answer to a request; not for `list`.
    @discardableResult
    func ask(_ request: WardenRequest, descriptors: [CInt] = []) throws -> WardenAnswer {
        var answer: WardenAnswer?
        try link.send(request, descriptors: descriptors) { [self] found, packet in
            if case .process(let entry) = found { keep(entry.key, entry.roles, packet) }
            answer = found
        }
        try wait("an answer to \(request)") { answer != nil || lost != nil }
        return try #require(answer, "the connection was lost: \(lost ?? "")")
    }

    func refusal(of request: WardenRequest, descriptors: [CInt] = []) throws -> Refusal {
        guard case .refused(let refusal) = try ask(request, descriptors: descriptors) else {
            return Refusal(.malformed, "it was done")
        }
        return refusal
    }

    /// Everything in custody, over all pages.
    func list() throws -> [(session: SessionEntry, processes: [ProcessEntry])] {
        var found: [(session: SessionEntry, processes: [ProcessEntry])] = []
        var after: SandboxID?
        repeat {
            var next: SandboxID??
            try link.send(.list(after: after)) { [self] answer, packet in
                switch answer {
                case .session(let entry): found.append((entry, []))
                case .process(let entry):
                    keep(entry.key, entry.roles, packet)
                    found[found.count - 1].processes.append(entry)
                case .page(let id): next = .some(id)
                default: Issue.record("\(answer) in a list")
                }
            }
            try wait("a page") { next != nil || lost != nil }
            try #require(lost == nil)
            after = next ?? nil
        } while after != nil
        return found
    }

    // MARK: Sessions

    /// Makes a session and waits until it is ready.
    func session(
        _ id: SandboxID, profile: String = "default", overrides: [ProfileOverride] = [],
        workspace: VolumeOrder? = nil, directory: String? = nil, note: [UInt8] = []
    ) throws {
        let order = SessionOrder(
            id: id, profile: profile, overrides: overrides, workspace: workspace, directory: directory,
            note: note)
        let answer = try ask(.create(order))
        try #require(answer == .done, "\(answer)")
        try wait("\(id) to be ready") {
            events.contains {
                switch $0 {
                case .ready(id, _, _, _), .gone(id, _): true
                default: false
                }
            }
        }
        try #require(end(of: id) == nil, "the sandbox ended")
    }

    /// Starts a process and waits until it runs or failed.
    func start(_ order: ProcessOrder, descriptors: [CInt] = []) throws {
        let answer = try ask(.start(order), descriptors: descriptors)
        guard case .process = answer else {
            Issue.record("\(answer)")
            return
        }
        try wait("\(order.key) to start") {
            events.contains {
                switch $0 {
                case .started(order.key, _, _, _), .startFailed(order.key, _): true
                default: false
                }
            }
        }
    }

    func exit(of key: ProcessKey) throws -> ExitRecord {
        var record: ExitRecord?
        try wait("the exit of \(key)") {
            for case .exited(key, let found) in events { record = found }
            return record != nil
        }
        return try #require(record)
    }

    func end(of id: SandboxID) -> SandboxEnd? {
        for case .gone(id, let end) in events { return end }
        return nil
    }

    /// Kills a session and forgets it.
    func finish(_ id: SandboxID) throws {
        try ask(.kill(id))
        try wait("\(id) to be gone") { end(of: id) != nil }
        try #require(try ask(.remove(id)) == .done)
    }

    /// Reads from a terminal until it has shown `text`.
    func terminalText(_ key: ProcessKey, until text: String) throws -> Bool {
        let master = try #require(streams[key]?[.terminal])
        var shown = ""
        return try eventually {
            var request = pollfd(fd: master.value.number, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&request, 1, 50) == 1, request.revents & Int16(POLLIN) != 0 else {
                return false
            }
            var buffer = [UInt8](repeating: 0, count: 1024)
            var room = buffer.mutableSpan
            let count = try master.value.read(into: &room)
            shown += String(decoding: buffer.prefix(count), as: UTF8.self)
            return shown.contains(text)
        }
    }

    /// Everything up to the end of a stream; each read waits.
    func readAll(_ key: ProcessKey, _ role: StreamRole = .output) throws -> String {
        let held = try #require(streams[key]?[role])
        return String(decoding: try held.value.readAll(limit: 32 << 20), as: UTF8.self)
    }
}

/// Numbers that no other test has.
func freshID() -> SandboxID { SandboxID(UInt64.random(in: 1 ... .max)) }
