import Capture
import Client
import Glibc
import Linux
import TestSupport

// Readers of output, who come, leave and come back.

extension ChurnClient {
    private enum Visit {
        /// It got what it came for, or went away by itself.
        case done
        /// The daemon went, or has nothing to attach to yet.
        case lost
        /// What it got is not what it has to be, and was told.
        case wrong
    }

    /// Attaches to a process, now and then goes away in the middle, and comes back for the rest.
    func attach(_ index: Int) throws {
        let readable = sessions[index].processes.indices.filter { place in
            // Of one that is started again the bytes of a run are not those of another.
            if case .failing = sessions[index].processes[place].kind { return false }
            return true
        }
        guard let place = readable.randomElement(using: &random) else { return }
        let process = sessions[index].processes[place]
        let start = [nil, 0, Int.random(in: 0...process.seen, using: &random)].randomElement(using: &random)
        var view = OutputView(process.output, from: start ?? nil)
        count(view.place == nil ? "attach live" : "attach")
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let most = Int.random(in: 1...process.output.utf8.count, using: &random)
            let moment = Double.random(in: 0...0.1, using: &random)
            guard case .wrong = try visit(index, place, &view, most: most, until: Host.now + moment) else {
                continue
            }
            return
        }
        // Of one that runs and writes no more nothing would come.
        if view.place == nil { return }
        try read(index, place, &view)
    }

    /// Stays until there is nothing more to come.
    private func read(_ index: Int, _ place: Int, _ view: inout OutputView) throws {
        // As long as everything else is waited for: a machine whose disk is busy stands still for a while.
        let deadline = Host.now + 120 * Host.patience
        while !isOver(sessions[index].processes[place], view) {
            if case .wrong = try visit(index, place, &view, most: .max, until: deadline) { return }
            if isOver(sessions[index].processes[place], view) { break }
            // With its warden a session loses what its processes would have written.
            if mayBeLost(sessions[index]) {
                try look(index)
                if sessions[index].cause != nil { return }
            }
            guard Host.now < deadline else {
                return try tellStanding(index, place, view)
            }
            usleep(5000)
        }
        check(index, place, view)
    }

    /// A finding with all that the daemon has to say of it: once the run is over, nobody can ask any more.
    private func tellStanding(_ index: Int, _ place: Int, _ view: OutputView) throws {
        let process = sessions[index].processes[place]
        world.keepProcesses()
        let own = try get(path(index, "processes", process.id))
        let logs = try get(path(index, "processes", process.id, "logs"))
        let session = try get(path(index))
        wrong(
            "the output of \(process.id) does not come further than \(view.place ?? 0) of "
                + "\(process.output.utf8.count): \(process.kind), \(own); its log: \(logs); \(session)")
    }

    private func isOver(_ process: ModelProcess, _ view: OutputView) -> Bool {
        if case .sleeper = process.kind, process.end == nil { return view.isComplete }
        return view.end != nil
    }

    private func check(_ index: Int, _ place: Int, _ view: OutputView) {
        let process = sessions[index].processes[place]
        guard !mayBeLost(sessions[index]) else { return }
        switch process.kind {
        case .exec(let code):
            if view.end?["exit"]?.text != "\(code)" || !view.isComplete {
                wrong("attached to \(process.id), which exits with \(code): \(view.end?.brief ?? "")")
            }
        case .sleeper, .failing:
            // What was killed may have had more to say; what was shown once stays.
            if let end = view.place, end < process.seen {
                wrong("of \(process.id) \(process.seen) bytes were shown before, and now \(end)")
            }
        }
    }

    // MARK: One connection

    /// - Parameters:
    ///   - most: goes away after so many bytes.
    ///   - deadline: goes away then, on the clock of `Host.now`.
    private func visit(
        _ index: Int, _ place: Int, _ view: inout OutputView, most: Int, until deadline: Double
    ) throws -> Visit {
        let process = sessions[index].processes[place]
        let path = ["v1"] + self.path(index, "processes", process.id, "attach")
        let query = view.place.map { [("stdout", "\($0)")] } ?? []
        let client = DaemonClient(path: world.socket, patience: 60_000)
        let connection: UpgradedConnection
        do throws(ClientError) {
            connection = try client.upgrade(HTTPRequest(.post, path, query: query), to: "corral-attach/1")
        } catch {
            switch error {
            // Before it runs there is nothing to attach to.
            case .refused(let why) where why.status == 503 || why.status == 409: return .lost
            case .refused(let why):
                try excused(index, .refused(why), "attach to \(process.id)")
                return .wrong
            case .timeout:
                wrong("no answer to an attach within a minute")
                return .lost
            default: return .lost
            }
        }
        defer { sessions[index].processes[place].seen = max(process.seen, view.place ?? 0) }
        return receive(connection, process, &view, most: most, until: deadline)
    }

    private func receive(
        _ connection: consuming UpgradedConnection, _ process: ModelProcess, _ view: inout OutputView,
        most: Int, until deadline: Double
    ) -> Visit {
        var decoder = AttachDecoder(from: .server)
        decoder.append(connection.first.span)
        let socket = connection.takeSocket()
        let begin = view.place
        var room = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            do throws(AttachFrameError) {
                while let frame = try decoder.next() {
                    guard let problem = view.take(frame) else { continue }
                    wrong("attached to \(process.id): \(problem)")
                    return .wrong
                }
            } catch {
                wrong("attached to \(process.id): \(error)")
                return .wrong
            }
            let got = (view.place ?? 0) - (begin ?? view.place ?? 0)
            if isOver(process, view) || got >= most || Host.now >= deadline { break }
            var ready = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&ready, 1, 10) > 0 else { continue }
            var memory = room.mutableSpan
            var descriptors: UInt64 = 0
            switch socket.receive(into: &memory, closedDescriptors: &descriptors) {
            case .bytes(0), .failed: return .lost
            case .bytes(let count): decoder.append(room.span.extracting(0..<count))
            case .wouldBlock: break
            }
        }
        // Some say so, and some are just gone.
        if Bool.random(using: &random) { _ = socket.send(AttachFrame.leave.bytes.span) }
        return .done
    }
}
