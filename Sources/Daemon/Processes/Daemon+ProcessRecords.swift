import Capture
import Sandbox
import Sessions
import Store
import WardenProtocol
import Wire

extension Daemon {
    /// What the store is told of a process's new state.
    func changes(_ note: ProcessNote, _ run: ProcessRun) -> [Change] {
        run.started = note.startedAt.map { DaemonClock.moment($0) }
        let hasEnded = note.state == .ended
        if hasEnded {
            run.ended = DaemonClock.moment(note.since)
            isDue = true
        }
        measure(run)
        if let time = run.usedCPU { spendCPU(time, of: run.session) }
        let standing = standing(note, run)
        let why = note.problem.isEmpty ? note.cause?.rawValue ?? note.state.rawValue : note.problem
        guard run.isRecorded else {
            run.isRecorded = true
            let record = StoredProcess(
                id: run.id.description, session: run.session.description, name: run.spec.name?.description,
                kind: run.spec.kind == .exec ? .exec : .managed, argv: run.requestText, created: run.created,
                standing: standing)
            return [.start(record, why: why)]
        }
        var changes: [Change] = [
            .process(id: run.id.description, standing, at: DaemonClock.moment, why: why)
        ]
        // Of one that waits to be started again as well: what it said is why somebody looks.
        if hasEnded || note.state == .restarting, let output = run.output {
            let (stdout, stderr) = (output.keptBytes(.output), output.keptBytes(.errors))
            run.result = (stdout, stderr)
            changes.append(
                .result(
                    ResultRecord(
                        process: run.id.description, kept: DaemonClock.wall, stdout: stdout, stderr: stderr)))
        }
        return changes
    }

    private func measure(_ run: ProcessRun) {
        guard let output = run.output else { return }
        let written = OutputStream.allCases.compactMap { output.kept($0) }.map {
            ProcessStanding.Output(written: $0.position, cut: $0.dropped)
        }
        if let first = written.first { run.stdout = first }
        if written.count > 1 { run.stderr = written[1] }
    }

    private func standing(_ note: ProcessNote, _ run: ProcessRun) -> ProcessStanding {
        var standing = ProcessStanding(state: note.state.rawValue)
        standing.isLive = note.state != .ended
        standing.cause = note.cause?.rawValue
        switch note.status {
        case .exited(let code): standing.exitCode = Int64(code)
        case .signalled(let number): standing.exitSignal = Int64(number)
        case nil: break
        }
        standing.started = run.started
        standing.ended = run.ended
        if let exit = run.exit {
            standing.peakMemory = UInt64(clamping: exit.peakMemory) << 10
            standing.cpu = UInt64(clamping: exit.userTime + exit.systemTime) * 1000
        }
        standing.usedCPU = run.usedCPU
        standing.stdout = run.stdout
        standing.stderr = run.stderr
        standing.restarts = UInt64(note.restarts)
        standing.problem = note.problem
        standing.failures = UInt64(note.failures)
        standing.nextAt = note.nextAt
        return standing
    }
}

extension ProcessOutput {
    /// Everything of a stream that is kept for good, without what lies between.
    fileprivate func keptBytes(_ stream: OutputStream) -> [UInt8] {
        guard let window = kept(stream) else { return [] }
        let ring = rings[stream.rawValue]
        return [0..<window.head, window.tail..<window.position].flatMap { ring.everything(in: $0) }
    }
}

extension OutputRing {
    /// What is there of a range.
    fileprivate func everything(in range: Range<UInt64>) -> [UInt8] {
        var bytes: [UInt8] = []
        var offset = range.lowerBound
        while offset < range.upperBound {
            let most = Int(min(range.upperBound - offset, 1 << 20))
            guard let reading = try? read(from: offset, atMost: most) else { break }
            switch reading {
            case .bytes(let part):
                bytes += part
                offset += UInt64(part.count)
            case .lost(let range): offset = range.upperBound
            case .nothing, .end: return bytes
            }
        }
        return bytes
    }
}

extension ProcessRun {
    /// The request as the store keeps it: what a later daemon needs to start a managed process once more, and
    /// of an exec what is shown of it.
    var requestText: String {
        JSONText.object { object in
            switch program.command {
            case .shell(let text, _) where spec.kind == .managed: object.add("shell", text)
            case .arguments(let words) where spec.kind == .managed:
                object.array("argv") { list in words.forEach { list.add($0) } }
            default: object.array("argv") { list in program.argv.forEach { list.add($0) } }
            }
            object.object("env") { variables in
                for variable in spec.kind == .managed ? program.environment : [] {
                    let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    variables.add(String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
                }
            }
            if let directory = program.directory { object.add("cwd", directory) }
            if let size = program.terminal {
                object.add("tty", true)
                object.add("columns", Int(size.columns))
                object.add("rows", Int(size.rows))
            }
            if spec.kind == .managed {
                object.add("stdin", program.keepsInput)
                object.add("restart", spec.restart.mode.rawValue)
                object.add("restarts", spec.restart.most)
            } else {
                if let limit = program.outputLimit { object.add("output_limit", limit) }
                if let timeout = spec.timeout { object.add("timeout", timeout) }
            }
        }.description
    }
}
