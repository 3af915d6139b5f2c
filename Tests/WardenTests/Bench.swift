import CLinux
import Glibc
import Linux
import Preparation
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@testable import Warden

/// An engine on a loop of the test's own, with what it told.
final class EngineBench {
    let loop: EventLoop
    let engine: Engine
    private(set) var events: [EngineEvent] = []
    private(set) var terminals: [ProcessKey: Held<FileDescriptor>] = [:]
    private var made: [SandboxID] = []

    /// - Parameter initPath: beside the tests, and not where the program is that runs them.
    init(
        _ ceilings: Ceilings = Ceilings(), host: HostSetup? = nil, root: String = Repository.root,
        initPath: String = Product.path("sandbox-init"), readyNetworks: Int = NetworkPool.most
    ) throws {
        loop = try EventLoop()
        engine = try Engine(
            ceilings, Installation(root: root), host: host, initPath: initPath, hasMountNamespace: false,
            readyNetworks: readyNetworks)
        try engine.begin(on: loop) { [unowned self] event in
            if case .terminal(let key, let master) = event { terminals[key] = master }
            events.append(event)
        }
    }

    /// Turns the loop until `condition` holds; fails the test where it does not.
    func wait(
        _ what: Comment, within seconds: Double = 120, sourceLocation: SourceLocation = #_sourceLocation,
        until condition: (EngineBench) throws -> Bool
    ) throws {
        let deadline = Host.now + seconds * Host.patience
        while try !condition(self) {
            if Host.now > deadline {
                try #require(Bool(false), what, sourceLocation: sourceLocation)
                return
            }
            _ = try loop.turn(timeout: 20)
        }
    }

    // MARK: Sandboxes

    func order(_ overrides: [ProfileOverride] = [], profile: String = "offline") -> SessionOrder {
        SessionOrder(
            id: SandboxID(UInt64.random(in: 1 ... .max)), profile: profile, overrides: overrides)
    }

    /// A sandbox that is ready.
    func sandbox(_ overrides: [ProfileOverride] = [], profile: String = "offline") throws -> SandboxID {
        let order = order(overrides, profile: profile)
        try create(order)
        try waitUntilReady(order.id)
        return order.id
    }

    func create(_ order: SessionOrder) throws {
        try engine.create(order)
        made.append(order.id)
    }

    func waitUntilReady(_ id: SandboxID) throws {
        try wait("the sandbox is ready") { bench in
            if let end = bench.end(of: id) {
                Issue.record("the sandbox ended: \(end)")
                return true
            }
            return bench.events.contains { if case .ready(id, _, _, _) = $0 { true } else { false } }
        }
    }

    func end(of id: SandboxID) -> SandboxEnd? {
        for event in events {
            if case .gone(let gone, let end) = event, gone == id { return end }
            if case .stuck(let gone, let end, _) = event, gone == id { return end }
        }
        return nil
    }

    @discardableResult
    func kill(_ id: SandboxID) throws -> SandboxEnd {
        engine.kill(id)
        try wait("the sandbox is gone") { $0.end(of: id) != nil }
        return try #require(end(of: id))
    }

    /// Ends what a test has left running, whatever became of the test.
    func clear() throws {
        for id in made where end(of: id) == nil { engine.kill(id) }
        try wait("everything is gone") { bench in bench.made.allSatisfy { bench.end(of: $0) != nil } }
        loop.removeAll()
    }

    // MARK: Processes

    private var nextProcess: UInt64 = 1

    func key(_ id: SandboxID) -> ProcessKey {
        nextProcess += 1
        return ProcessKey(id, nextProcess)
    }

    /// A process whose output is kept.
    final class Process {
        let key: ProcessKey
        let output: FileDescriptor
        let input: Held<FileDescriptor>?
        var text = ""

        init(_ key: ProcessKey, _ output: consuming FileDescriptor, _ input: Held<FileDescriptor>?) throws {
            self.key = key
            self.output = output
            self.input = input
            try self.output.setNonBlocking()
        }

        func read() {
            var bytes = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = unsafe Glibc.read(output.number, &bytes, bytes.count)
                guard count > 0 else { return }
                text += String(decoding: bytes[..<count], as: UTF8.self)
            }
        }
    }

    /// - Parameter stdin: whether it gets a pipe; else the sandbox's /dev/null.
    func start(
        _ command: ProcessOrder.Command, in id: SandboxID, environment: [String] = [],
        directory: String? = nil, stdin: Bool = false
    ) throws -> Process {
        let key = key(id)
        let output = try Pipe.make()
        _ = try call("fchmod") { [number = output.writing.number] in fchmod(number, 0o666) }
        let input = stdin ? Held(try Pipe.make()) : nil
        let order = ProcessOrder(
            key, command, environment: environment, directory: directory,
            streams: .pipes(stdin ? .given : .none))
        try engine.start(
            order,
            EngineStreams(
                input: input?.value.reading.number ?? -1, output: output.writing.number,
                errors: output.writing.number))
        let writing = try input.map { try Held($0.value.writing.duplicate()) }
        return try Process(key, output.reading, writing)
    }

    func exit(of key: ProcessKey) -> ExitRecord? {
        for case .exited(key, let record) in events { return record }
        return nil
    }

    func problem(of key: ProcessKey) -> StartProblem? {
        for case .startFailed(key, let problem) in events { return problem }
        return nil
    }

    func isRunning(_ key: ProcessKey) -> Bool {
        events.contains { if case .started(key, _) = $0 { true } else { false } } && exit(of: key) == nil
    }

    /// Runs it to its end.
    func run(
        _ words: [String], in id: SandboxID, environment: [String] = [], directory: String? = nil
    ) throws -> (status: ExitRecord.Status, text: String) {
        try finish(start(.arguments(words), in: id, environment: environment, directory: directory))
    }

    func finish(_ process: Process) throws -> (status: ExitRecord.Status, text: String) {
        try wait("the process ends") { bench in
            process.read()
            if let problem = bench.problem(of: process.key) {
                Issue.record("not started: \(problem)")
                return true
            }
            return bench.exit(of: process.key) != nil
        }
        process.read()
        return (exit(of: process.key)?.status ?? .unknown, process.text)
    }
}

/// The refusal of `body`; a test that is not refused fails.
func refusal(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) throws -> Refusal {
    try #require(
        #expect(throws: Refusal.self, sourceLocation: sourceLocation) { try body() },
        sourceLocation: sourceLocation)
}
