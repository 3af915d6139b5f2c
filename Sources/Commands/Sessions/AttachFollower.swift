import CLinux
import Client
import Linux
import Sandbox

/// Stays with a process when the daemon goes and another one comes: its output is taken up where it was left.
struct AttachFollower {
    let loop: AttachLoop
    let place: ProcessPlace
    /// The daemon's.
    let socket: DaemonAddress
    /// Whether the process waits for us and ends with us.
    let leads: Bool

    /// How long nobody may answer, in nanoseconds.
    private static let patience: UInt64 = 60_000_000_000

    /// Until the run of the process, or our work, is over.
    /// - Parameter first: a connection that is there already.
    func follow(_ first: AttachConnection? = nil) throws(CommandError) -> AttachOutcome {
        var connection = first
        var waitsSince: UInt64?
        // It has ended, and there was nothing to attach to a moment before.
        var end: ProcessEnd?
        while true {
            if let open = connection {
                if waitsSince != nil { loop.notice("the daemon is back") }
                let outcome = loop.run(open)
                guard outcome == .lost else { return outcome }
                try checkInput(open)
                loop.notice("the daemon is gone; waiting for it to come back")
                waitsSince = clinux_boottime()
            }
            do throws(ClientError) {
                connection = try attach()
                if connection != nil { continue }
                if let end { return .ended(end) }
                end = try ended()
                if end != nil { continue }
            } catch {
                connection = nil
                let isTransient = AttachFollower.isTransient(error)
                // One that was never there is not waited for.
                guard isTransient, let waitsSince, clinux_boottime() - waitsSince < Self.patience else {
                    throw CommandError(asking: error)
                }
            }
            if let outcome = loop.pause(milliseconds: 200) { return outcome }
        }
    }

    /// What was on its way when the daemon ended may have arrived, or not.
    private func checkInput(_ connection: AttachConnection) throws(CommandError) {
        guard loop.options.endsInput, !connection.isInputTaken else { return }
        throw CommandError(
            "the daemon ended while input was on its way to process \(place.process), which goes on; "
                + "nobody knows how much of it arrived")
    }

    /// - Returns: nil while there is nothing to attach to: before it has begun, and between two of its runs.
    private func attach() throws(ClientError) -> AttachConnection? {
        var query = [("stdout", "\(loop.offsets[0])"), ("stderr", "\(loop.offsets[1])")]
        if loop.options.takesInput { query.append(("stdin", "true")) }
        if loop.options.stamps { query.append(("times", "true")) }
        if leads { query.append(("lead", "true")) }
        do throws(ClientError) {
            let request = HTTPRequest(.post, place.path("attach"), query: query)
            return AttachConnection(
                try DaemonClient(socket, patience: 60_000).upgrade(request, to: "corral-attach/1"))
        } catch {
            guard case .refused(let refusal) = error else { throw error }
            // Of another run there are not yet so many bytes.
            if refusal.field == "stdout", refusal.status == 400 {
                loop.notice("the process was started anew; what it wrote before is left out from here on")
                loop.offsets = [0, 0]
                return nil
            }
            guard refusal.status == 409 else { throw error }
            return nil
        }
    }

    /// How it ended, where it has.
    private func ended() throws(ClientError) -> ProcessEnd? {
        let process = try ProcessAnswer.ask(DaemonClient(socket), place)
        return process.hasEnded ? ProcessEnd(process) : nil
    }

    private static func isTransient(_ error: ClientError) -> Bool {
        switch error {
        case .cannotConnect, .closed, .timeout, .malformed, .failed: true
        case .refused(let refusal): refusal.status == 503
        default: false
        }
    }

    /// Prints what there is to say, and gives the exit code.
    func finish(_ outcome: AttachOutcome) -> Int32 {
        loop.screen?.restore()
        switch outcome {
        case .ended(let end):
            if let notice = end.notice { loop.notice(notice) }
            return end.exitCode
        case .complete: return ExitCode.success
        case .detached:
            loop.notice("detached; process \(place.process) goes on")
            return ExitCode.success
        case .unread: return loop.endOfPipe()
        case .asked(let number): return ExitCode.signal(number)
        case .failed(let problem):
            loop.notice(problem)
            return ExitCode.ours
        case .lost: return ExitCode.ours
        }
    }
}
