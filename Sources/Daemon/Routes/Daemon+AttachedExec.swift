import API
import Capture
import Sandbox
import Service
import Sessions
import WardenProtocol

// Execs whose streams are the client's connection: they begin with it, wait for it and end with it.

/// A client that waits for its exec to be started.
struct Lead {
    let pending: Pending
    let head: RequestHead
}

extension Daemon {
    func execAttached(_ request: Request) throws(ServiceError) -> Reply {
        // A client that cannot be attached is told so before anything begins.
        _ = try Response.upgrade(request.head, Upgrade(to: Daemon.attachProtocol) { _ in })
        let reader = try request.reader(.attachedExecRequest)
        let id = try session(request)
        var program = try program(reader, request)
        program.keepsInput = reader.flag("stdin") ?? false
        program.outputLimit = try outputLimit(reader, id)
        let spec = ProcessSpec(kind: .exec, timeout: reader.whole("timeout"))
        let run = ProcessRun(.random(), in: id, spec, program, created: DaemonClock.moment)
        let pending = Pending { [weak self] in self?.leaderGone(run) }
        run.lead = Lead(pending: pending, head: request.head)
        try admit(run)
        keeps[id]?.turns.ask(run.id, alone: reader.flag("alone") ?? false) { [weak self] in
            self?.handle(.start, run)
        }
        return .later(pending)
    }

    private func leaderGone(_ run: ProcessRun) {
        run.lead = nil
        run.output?.release()
        handle(.stop(Stop(.operator, grace: 0)), run)
    }

    /// It runs: whoever asked for it gets its streams, from their first byte.
    func beginLead(_ run: ProcessRun) {
        guard let lead = run.lead, let output = run.output else { return }
        run.lead = nil
        let passage = Passage { [weak self] in self?.leaderGone(run) }
        let named = [Header("Corral-Process", run.id.description)]
        let upgrade = Upgrade(to: Daemon.attachProtocol, headers: named) { [weak self] connection in
            passage.isOver =
                self?.attach(
                    connection, to: output, run, [.offset(0), .offset(0)],
                    run.program.keepsInput && run.feed != nil, leads: true) ?? false
        }
        afterRecords {
            do throws(ServiceError) {
                lead.pending.complete(try Response.upgrade(lead.head, upgrade))
            } catch {
                lead.pending.fail(error)
            }
        }
    }

    /// It has ended and never ran.
    func refuseLead(_ run: ProcessRun, _ result: ProcessResult) {
        guard let lead = run.lead else { return }
        run.lead = nil
        guard result.cause == .launchFailed else {
            return lead.pending.fail(
                ServiceError(.gone, "process \(run.id) ended before it ran: \(result.cause.rawValue)"))
        }
        let sentence = "the program could not be started: \(result.problem)"
        switch run.startProblem {
        case .notFound: lead.pending.fail(ServiceError(.notFound, sentence, field: "argv"))
        case .notExecutable: lead.pending.fail(ServiceError(.forbidden, sentence, field: "argv"))
        case .directory: lead.pending.fail(ServiceError(.invalid, sentence, field: "cwd"))
        default: lead.pending.fail(ServiceError(.conflict, sentence))
        }
    }
}

/// From the answer to the client being attached. A client that is gone before that ends its exec as well.
private final class Passage {
    var isOver = false
    private let failed: () -> Void

    init(_ failed: @escaping () -> Void) { self.failed = failed }

    deinit { if !isOver { failed() } }
}
