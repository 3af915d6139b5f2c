import FailPoints
import Linux
import Metrics
import Service
import Sessions
import Store

/// Which operations are answered for later, and what the records call them.
enum Audited {
    /// By the operation's name in the API.
    static let names = [
        "createSession": "session.create", "removeSession": "session.remove",
        "renewSession": "session.renew", "pauseSession": "session.pause", "resumeSession": "session.resume",
        "killSession": "session.kill", "exec": "process.exec", "execAttached": "process.exec-attached",
        "startProcess": "process.start", "signalProcess": "process.signal", "stopProcess": "process.stop",
        "attach": "process.attach", "writeFile": "file.write", "unpackFiles": "file.unpack",
        "makeDirectory": "file.mkdir",
        "createTenant": "tenant.create", "setTenant": "tenant.set", "removeTenant": "tenant.remove",
        "setQuotas": "quota.set", "resetQuota": "quota.reset",
        "createWorkspace": "workspace.create", "removeWorkspace": "workspace.remove",
        "resizeWorkspace": "workspace.resize", "forkWorkspace": "workspace.fork",
        "restoreWorkspace": "workspace.restore", "createSnapshot": "snapshot.create",
        "removeSnapshot": "snapshot.remove",
        "moveFile": "file.move", "copyFile": "file.copy", "removeFile": "file.remove",
        "writeWorkspaceFile": "workspace-file.write", "unpackWorkspaceFiles": "workspace-file.unpack",
        "makeWorkspaceDirectory": "workspace-file.mkdir", "moveWorkspaceFile": "workspace-file.move",
        "copyWorkspaceFile": "workspace-file.copy", "removeWorkspaceFile": "workspace-file.remove",
    ]

    /// What passes through an open process is no deed of its own, as what an attached client sends is none.
    static let exempt = ["writeInput", "resizeTerminal"]
}

// Who asked for what, on what, and what became of it: in the transaction of the change itself, so that neither
// is ever there without the other. Never what a request carried: bodies have programs and secrets in them.
extension Daemon {
    /// Answers a request; what is logged and recorded meanwhile has its trace id. An answer that comes later
    /// is sent once what it follows from is on the device.
    func answer(
        _ operation: String, _ request: Request, _ handler: RouteTable.Handler
    ) throws(ServiceError) -> Reply {
        log.trace = request.trace.id
        defer { log.trace = nil }
        counters.add(to: .requests, operation)
        let reply: Reply
        do throws(ServiceError) {
            reply = try audited(operation, request, handler)
        } catch {
            counters.add(to: .refusals, error.code.rawValue)
            throw error
        }
        if case .later(let pending) = reply { answerWhenDurable(pending) }
        return reply
    }

    /// Has an answer that is still to be given wait until what it follows from is on the device.
    func answerWhenDurable(_ pending: Pending) {
        pending.hold { [weak self] in self?.send(pending) }
    }

    private func send(_ pending: Pending) {
        whenDurable { problem in
            FailPoint.pass(.daemonBeforeAnswer)
            pending.release(problem.map { .error(.notRecorded($0)) })
            FailPoint.pass(.daemonAfterAnswer)
        }
    }

    private func audited(
        _ operation: String, _ request: Request, _ handler: RouteTable.Handler
    ) throws(ServiceError) -> Reply {
        guard let what = Audited.names[operation] else {
            try authorise(operation, request)
            return try handler(self, request)
        }
        auditObject = nil
        var entry = AuditEntry(
            wall: DaemonClock.wall, uid: request.peer.uid, tenant: tenantName(ofUID: request.peer.uid),
            what: what,
            object: object(of: request), outcome: "", trace: request.trace.id)
        do throws(ServiceError) {
            try authorise(operation, request)
            let reply = try handler(self, request)
            entry.object = auditObject ?? entry.object
            switch reply {
            case .now(let response): note(entry, outcome(of: response) ?? "done")
            case .later(let pending):
                note(entry, "accepted")
                let accepted = entry
                // A success is in the history of the session; a refusal would be nowhere.
                pending.whenAnswered { [weak self] response in
                    guard let self, let refused = outcome(of: response) else { return }
                    counters.add(to: .refusals, refused)
                    note(accepted, refused)
                }
            case .upload(let sink):
                note(entry, "accepted")
                let accepted = entry
                (sink as? any RefusingSink)?.whenRefused = { [weak self] error in
                    self?.counters.add(to: .refusals, error.code.rawValue)
                    self?.note(accepted, error.code.rawValue)
                }
            }
            return reply
        } catch {
            note(entry, error.code.rawValue)
            throw error
        }
    }

    /// The code of a refusal; nil for anything else.
    private func outcome(of response: Response) -> String? {
        guard response.status >= 400 else { return nil }
        let code = ServiceError.Code.allCases.first { $0.status == response.status }
        return code?.rawValue ?? "refused"
    }

    /// - Parameter outcome: `accepted` for what goes on, `done`, or the code of the refusal.
    private func note(_ entry: AuditEntry, _ outcome: String) {
        var entry = entry
        (entry.wall, entry.outcome) = (DaemonClock.wall, outcome)
        let isRefused = outcome != "done" && outcome != "accepted"
        log.line(
            isRefused ? .info : .debug,
            "\(entry.what) of \(entry.object ?? "-") by uid \(entry.uid ?? 0): \(outcome)",
            trace: entry.trace)
        // That there is no room cannot be recorded either.
        if outcome == ServiceError.Code.full.rawValue { return }
        counters.add(to: .auditRecords)
        journal.add(.audit(entry), then: ())
        // What was accepted is answered for later, and gets to the device then.
        if outcome != "accepted" { isDue = true }
    }

    /// The session that the path names, and the process behind a slash, or the workspace, and the snapshot behind
    /// an @; as it was written where there is none.
    private func object(of request: Request) -> String? {
        if let text = request.parameters["workspace"] {
            return request.parameters["snapshot"].map { "\(shortened(text))@\(shortened($0))" }
                ?? shortened(text)
        }
        if let text = request.parameters["tenant"] { return shortened(text) }
        guard let text = request.parameters["session"] else { return nil }
        let id = (try? find(text, request))?.description ?? shortened(text)
        return request.parameters["process"].map { "\(id)/\(shortened($0))" } ?? id
    }

    private func shortened(_ text: String) -> String { String(decoding: text.utf8.prefix(64), as: UTF8.self) }
}
