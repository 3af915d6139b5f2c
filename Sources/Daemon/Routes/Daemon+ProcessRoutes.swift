import API
import Capture
import Linux
import Sandbox
import Service
import Sessions
import WardenProtocol
import Wire

extension Daemon {
    /// The process that the path names.
    func process(_ request: Request) throws(ServiceError) -> ProcessRun {
        let id = try session(request)
        do throws(TableError) {
            let text = request.parameter("process")
            let found = try table.withProcesses(of: id) { (processes) throws(TableError) in
                try processes.find(text)
            }
            if let found, let run = runs[found] { return run }
            throw TableError.unknownProcess(text)
        } catch {
            throw ServiceError(error)
        }
    }

    /// One that runs, as the warden knows it.
    private func running(_ request: Request) throws(ServiceError) -> ProcessRun {
        let run = try process(request)
        guard let machine = machine(run), !machine.hasEnded else {
            throw ServiceError(.gone, "process \(run.id) has ended")
        }
        return run
    }

    func startProcess(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.processRequest)
        let id = try session(request)
        var program = try program(reader, request)
        program.keepsInput = reader.flag("stdin") ?? false
        var name: Name?
        if let text = reader.text("name") {
            do throws(ValueError) {
                name = try Name(text)
            } catch {
                throw ServiceError(.invalid, "name: \(error.problem)", field: "name")
            }
        }
        let spec = ProcessSpec(kind: .managed, name: name, restart: RestartPolicy(reader))
        let run = ProcessRun(.random(), in: id, spec, program, created: DaemonClock.moment)
        try admit(run)
        handle(.start, run)
        // On record, and asked for; whether it came up is seen in its state.
        let pending = Pending()
        afterRecords { [weak self] in
            guard let self else { return }
            pending.complete(shape(run, status: 201))
        }
        return .later(pending)
    }

    func listProcesses(_ request: Request) throws(ServiceError) -> Reply {
        let id = try session(request)
        let found = table[id]?.processes.all.compactMap { runs[$0.id] } ?? []
        return recorded(
            .json(
                .object { object in
                    object.array("processes") { list in
                        for run in found { list.object { write(run, to: &$0) } }
                    }
                }))
    }

    func signalProcess(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.signalRequest)
        let text = reader.text("signal") ?? ""
        guard let number = SignalName.number(text) else {
            throw ServiceError(
                .invalid, "signal: \(quoted(text)) is no signal", field: "signal",
                hint: "a name such as TERM, or a number from 1 to 64")
        }
        let run = try running(request)
        if machine(run)?.state == .restarting {
            throw ServiceError(.conflict, "process \(run.id) does not run: it waits to be started again")
        }
        let pending = Pending()
        signal(run, number) { refusal in
            if let refusal { pending.fail(refusal) } else { pending.complete(.nothing) }
        }
        return .later(pending)
    }

    func stopProcess(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.stopRequest)
        let run = try process(request)
        let grace = reader.whole("grace").map { UInt64.milliseconds($0) }
        return later(run, { .stop(Stop(.operator, grace: grace, ticket: $0)) }) { daemon, _ in
            daemon.shape(run)
        }
    }

    func writeInput(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.inputRequest)
        let run = try running(request)
        guard let feed = run.feed, feed.isOpen else {
            throw ServiceError(
                .conflict, "process \(run.id) takes no input", hint: "start it with stdin")
        }
        guard feed.waiting <= 4 << 20 else {
            throw ServiceError(.limit, "process \(run.id) does not read what was sent before")
        }
        handle(.used, run.session)
        let close = reader.flag("close") ?? false
        let bytes = reader.bytes("data") ?? []
        let pending = Pending()
        let finish = { [weak self] in
            if close { self?.closeInput(run) }
            pending.complete(.nothing)
        }
        if bytes.isEmpty {
            finish()
        } else {
            // Answered when the process's pipe has all of it, so that a client goes no further ahead.
            feed.offer(bytes, from: OneInput(bytes.count, finish))
        }
        return .later(pending)
    }

    /// The process reads the end of its input, once the warden has closed its copy as well.
    func closeInput(_ run: ProcessRun) {
        run.feed?.finish()
        link?.send(.closeInput(run.key)) { _, _ in }
    }

    func resizeTerminal(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.resizeRequest)
        let run = try running(request)
        let size = WindowSize(
            columns: UInt16(clamping: reader.whole("columns") ?? 80),
            rows: UInt16(clamping: reader.whole("rows") ?? 24))
        return try asking(.resize(run.key, size)) { _ in .nothing }
    }
}

/// The bytes of one request, until the process has them.
private final class OneInput: InputSender {
    private var left: Int
    private let done: () -> Void

    init(_ count: Int, _ done: @escaping () -> Void) {
        left = count
        self.done = done
    }

    func inputTaken(_ count: Int) {
        left -= count
        if left == 0 { done() }
    }
}

/// Names of signals (signal(7)).
enum SignalName {
    private static let names: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
        "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "CHLD": 17, "CONT": 18,
        "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26,
        "PROF": 27, "WINCH": 28, "IO": 29, "PWR": 30, "SYS": 31,
    ]

    /// Of `TERM`, `SIGTERM` or `15`.
    static func number(_ text: String) -> Int32? {
        if let number = Int32(text) { return (1...64).contains(number) ? number : nil }
        let name = text.hasPrefix("SIG") ? String(text.dropFirst(3)) : text
        return names[name]
    }
}
