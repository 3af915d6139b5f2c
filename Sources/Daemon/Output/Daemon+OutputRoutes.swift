import API
import Capture
import Linux
import Sandbox
import Service
import Sessions
import Store
import WardenProtocol
import Wire

extension Daemon {
    // MARK: Logs

    func logs(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("logs").query)
        let run = try process(request)
        guard let output = try outputs(run) else { return .now(.bytes([], type: "application/octet-stream")) }
        let reader: LogReader
        let start = try start(query)
        do throws(CaptureError) {
            reader = try LogReader(rings(query.text("stream"), output), from: start)
        } catch {
            throw ServiceError(.invalid, error.description, field: "offset")
        }
        if query.flag("follow"), run.output === output {
            return .now(LogFollower(reader, of: output, run).response())
        }
        return .now(.bytes(try everything(reader), type: "application/octet-stream"))
    }

    func outputs(_ run: ProcessRun) throws(ServiceError) -> ProcessOutput? {
        do {
            return try output(of: run)
        } catch {
            throw ServiceError(.fault, "what process \(run.id) wrote cannot be read: \(error)")
        }
    }

    private func rings(_ stream: String?, _ output: ProcessOutput) -> [OutputRing] {
        switch stream {
        case "stdout": Array(output.rings.prefix(1))
        case "stderr": Array(output.rings.dropFirst().prefix(1))
        default: output.rings
        }
    }

    private func start(_ query: QueryReader) throws(ServiceError) -> StartPoint {
        let given = ["offset", "tail", "since"].filter { query.text($0) != nil }
        guard given.count <= 1 else {
            throw ServiceError(
                .invalid, "\(given.joined(separator: " and ")) exclude each other", field: given[1])
        }
        if let offset = query.whole("offset") {
            guard let stream = query.text("stream"), stream != "both" else {
                throw ServiceError(
                    .invalid, "an offset is one of one stream", field: "stream", hint: "name it")
            }
            return .offset(offset)
        }
        if let lines = query.whole("tail") { return .lines(Int(clamping: lines)) }
        if let time = query.time("since") {
            return .since(boot(time))
        }
        return .oldest
    }

    /// A moment on the clock of the rings.
    private func boot(_ time: APITime) -> BootTime {
        let age = max(0, DaemonClock.wall - time.milliseconds)
        let now = DaemonClock.now
        return now - min(now, .milliseconds(UInt64(age)))
    }

    /// Of each stream, where something begins that is named by a time or by lines.
    func offsets(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("offsets").query)
        let run = try process(request)
        let rings = try outputs(run)?.rings ?? []
        let start = try start(query)
        var offsets: [UInt64] = []
        do throws(CaptureError) {
            for ring in rings {
                var offset = try ring.offset(of: start)
                if let until = query.time("until") {
                    offset = ring.times.offset(until: boot(until), position: ring.position)
                }
                // Times and lines may lead to what is gone.
                if case .dropped(let range) = ring.window.place(of: offset) {
                    offsets.append(range.upperBound)
                } else {
                    offsets.append(offset)
                }
            }
        } catch {
            throw ServiceError(.fault, error.description)
        }
        return .now(
            .json(
                .object { object in
                    object.add("stdout", offsets.first ?? 0)
                    object.add("stderr", offsets.dropFirst().first ?? 0)
                    // Of the same moment: what is written behind them belongs to no end that was asked for.
                    object.add("stdout_end", rings.first?.position ?? 0)
                    object.add("stderr_end", rings.dropFirst().first?.position ?? 0)
                    object.add(
                        "timed", rings.allSatisfy { $0.position == 0 || !$0.times.entries.isEmpty })
                }))
    }

    private func everything(_ reader: LogReader) throws(ServiceError) -> [UInt8] {
        var reader = reader
        var bytes: [UInt8] = []
        do throws(CaptureError) {
            while true {
                let part = try reader.next(atMost: 1 << 20)
                if part.isEmpty { return bytes }
                bytes += part
            }
        } catch {
            throw ServiceError(.fault, error.description)
        }
    }

    // MARK: Attach

    func attach(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("attach").query)
        let run = try process(request)
        guard machine(run)?.state != .restarting, let output = try outputs(run) else {
            throw ServiceError(.conflict, "process \(run.id) has no output to attach to")
        }
        let starts = ["stdout", "stderr"].map { name -> StartPoint in
            query.whole(name).map { .offset($0) } ?? (run.output === output ? .now : .oldest)
        }
        for (ring, start) in zip(output.rings, starts) {
            if case .offset(let offset) = start, offset > ring.position {
                throw ServiceError(
                    .invalid, CaptureError.beyond(offset: offset, position: ring.position).description,
                    field: "stdout")
            }
        }
        let takesInput = query.flag("stdin") && run.feed != nil
        let leads = query.flag("lead") && run.output === output
        let isTimed = query.flag("times")
        let upgrade = Upgrade(to: Daemon.attachProtocol) { [weak self] connection in
            _ = self?.attach(connection, to: output, run, starts, takesInput, leads: leads, isTimed: isTimed)
        }
        handle(.used, run.session)
        return .now(try Response.upgrade(request.head, upgrade))
    }

    /// Milliseconds since 1970 of a moment of the rings, by what the host's calendar says now: where that was
    /// set since, the moment is shown as the new one has it.
    private static func calendar(_ time: BootTime) -> UInt64 {
        UInt64(max(1, DaemonClock.moment(time).wall))
    }

    static let attachProtocol = "corral-attach/1"

    /// - Returns: whether it is attached.
    func attach(
        _ connection: Upgraded, to output: ProcessOutput, _ run: ProcessRun, _ starts: [StartPoint],
        _ takesInput: Bool, leads: Bool, isTimed: Bool = false
    ) -> Bool {
        let client = AttachedClient(self, run, connection, leading: leads ? output : nil)
        var calendar: ((BootTime) -> UInt64)?
        if isTimed { calendar = { Daemon.calendar($0) } }
        do {
            let early = connection.takeEarly(connection.early.count)
            let reader = try output.attach(
                try connection.socket.value.duplicate(), from: starts, behind: early, leads: leads,
                calendar: calendar, delegate: client)
            connection.onStop = { [weak reader] in reader?.detach() }
            if takesInput { reader.acceptInput() }
            return true
        } catch {
            log.line(.warning, "a client could not be attached: \(error)", session: run.session.description)
            return false
        }
    }
}

/// What an attached client wants of its process.
final class AttachedClient: AttachDelegate {
    private unowned let daemon: Daemon
    private let run: ProcessRun
    /// Counts as the peer's connection for as long as it is there.
    private var connection: Upgraded?
    /// Of the process that waits for this client, and ends with it.
    private var led: ProcessOutput?

    init(_ daemon: Daemon, _ run: ProcessRun, _ connection: Upgraded, leading led: ProcessOutput?) {
        self.daemon = daemon
        self.run = run
        self.connection = connection
        self.led = led
    }

    func received(_ frame: AttachFrame, from reader: AttachedReader) {
        daemon.handle(.used, run.session)
        if let size = frame.size {
            daemon.link?.send(.resize(run.key, WindowSize(columns: size.columns, rows: size.rows))) { _, _ in
            }
        } else if let number = frame.signal {
            daemon.signal(run, Int32(number))
        } else if frame.kind == .leave {
            led?.release()
            led = nil
        } else if frame.kind == .input {
            if !frame.payload.isEmpty {
                if let feed = run.feed {
                    feed.offer(frame.payload, from: reader)
                } else {
                    reader.inputTaken(frame.payload.count)
                }
            }
            if frame.isEnd { daemon.closeInput(run) }
        }
    }

    func ended(_ reader: AttachedReader, _ end: AttachEnd) {
        connection = nil
        guard led != nil else { return }
        led = nil
        switch end {
        // The daemon goes, and the client comes back to the next one.
        case .finished, .detached: break
        case .left, .failed, .refused: daemon.handle(.stop(Stop(.operator, grace: 0)), run)
        }
    }
}
