import Client
import TestSupport
import Wire

// Operations on sessions, and what has to be true of them.

extension ChurnClient {
    /// - Returns: its place in ``sessions``; nil where a warden's death ended it at once.
    func create() throws -> Int? {
        count("create")
        made += 1
        let name = "\(label)-\(made)"
        let asked = world.wardenDeaths
        let body = JSONText.object { object in
            object.add("name", name)
            object.add("idempotency_key", name)
            object.add("ttl", 3_600_000)
            object.object("labels") { $0.add("client", label) }
        }
        var reply = try insist(.post, ["sessions"], body).reply
        if case .refused = reply, isWardenDoomed || world.wardenDeaths > asked {
            // It was made, and ends with its warden: once it has, that is the answer.
            _ = try eventually(within: 120) {
                reply = try insist(.post, ["sessions"], body).reply
                if case .answer = reply { return true }
                return false
            }
        }
        guard case .answer(let found?, _) = reply else {
            wrong("\(name) was not created: \(reply)")
            return nil
        }
        let id = found["id"]?.text ?? ""
        world.remember(id)
        var session = ModelSession(name: name, id: id, asked: asked, born: world.wardenDeaths)
        compare(found, &session)
        sessions.append(session)
        // The same request once more is the same session.
        if Int.random(in: 0..<4, using: &random) == 0 {
            if case .answer(let again?, _) = try insist(.post, ["sessions"], body).reply,
                again["id"]?.text != id
            {
                wrong("\(name) was made twice: \(id) and \(again["id"]?.text ?? "")")
            }
        }
        return session.cause == nil ? sessions.count - 1 : nil
    }

    /// Whether a session may have been ended by a warden's death, now or in a moment.
    func mayBeLost(_ session: ModelSession) -> Bool {
        isWardenDoomed || world.wardenDeaths > session.asked
    }

    /// Holds what the daemon says against what has to be.
    func compare(_ found: JSONTree, _ session: inout ModelSession) {
        let state = found["state"]?.text ?? ""
        let cause = found["cause"]?.text
        if found["id"]?.text != session.id { wrong("\(session.name) has another id: \(found.brief)") }
        if let known = session.cause {
            guard state == "ended", cause == known else {
                return wrong("\(session.name) ended (\(known)) and is \(state) (\(cause ?? "no cause"))")
            }
            return
        }
        switch state {
        case "running" where !session.isPaused, "paused" where session.isPaused: break
        // Nobody was there to say so.
        case "running", "paused":
            if !mayBeLost(session) {
                wrong("\(session.name) \(session.isPaused ? "was paused" : "has to run") and is \(state)")
            }
        case "stopping", "ended":
            // Where the warden dies in the middle of a launch there is nobody to launch it.
            guard mayBeLost(session), cause == "daemon-restart" || cause == "launch-failed" else {
                return wrong("\(session.name) has to run and is \(state) (\(cause ?? "no cause"))")
            }
            if state == "ended" { session.cause = cause }
        default:
            if !mayBeLost(session) { wrong("\(session.name) has to run and is \(state)") }
        }
    }

    /// Looks at one session, and at all that it was told of its processes.
    func inspect(_ index: Int) throws {
        count("inspect")
        try look(index)
        if sessions[index].cause == nil { try compareProcesses(of: index) }
    }

    /// Looks at the session alone.
    func look(_ index: Int) throws {
        let reply = try get(["sessions", sessions[index].id])
        guard case .answer(let found?, _) = reply else {
            return wrong("\(sessions[index].name) is not there: \(reply)")
        }
        compare(found, &sessions[index])
    }

    /// All sessions of this client, no more and no less.
    func list() throws {
        count("list")
        let query = [("all", "true"), ("label", "client=\(label)")]
        guard case .answer(let page?, _) = try get(["sessions"], query: query) else {
            return wrong("sessions are not listed")
        }
        let found = page["sessions"]?.list ?? []
        let ids = found.map { $0["id"]?.text ?? "" }
        let expected = sessions.map(\.id)
        if ids.sorted() != expected.sorted() {
            wrong("\(ids.sorted()) are listed, and there have to be \(expected.sorted())")
        }
        for entry in found {
            guard let index = sessions.firstIndex(where: { $0.id == entry["id"]?.text }) else { continue }
            compare(entry, &sessions[index])
        }
    }

    func renew(_ index: Int) throws {
        count("renew")
        let reply = try insist(.post, ["sessions", sessions[index].id, "renew"]).reply
        if case .answer = reply { return }
        if mayBeLost(sessions[index]) { return try look(index) }
        wrong("\(sessions[index].name) was not renewed: \(reply)")
    }

    func end(_ index: Int) throws {
        count("kill")
        let path = ["sessions", sessions[index].id, "kill"]
        let (reply, again) = try insist(.post, path, JSONText.object { $0.add("grace", 0) })
        switch reply {
        case .answer(let found?, _):
            let cause = found["cause"]?.text ?? ""
            if found["state"]?.text == "ended", cause == "operator" || mayBeLost(sessions[index]) {
                sessions[index].cause = cause
            } else {
                wrong("\(sessions[index].name) was killed and is \(found.brief)")
            }
        case .refused(let why) where why.status == 409 || why.status == 410:
            // It had ended when the lost request was made again, or with its warden.
            guard again || mayBeLost(sessions[index]) else { return wrong("killed: \(why)") }
            try learnEnd(index)
        default: wrong("\(sessions[index].name) was not killed: \(reply)")
        }
    }

    private func learnEnd(_ index: Int) throws {
        let reply = try get(["sessions", sessions[index].id, "wait"])
        guard case .answer(let found?, _) = reply, let cause = found["cause"]?.text,
            cause == "operator" || mayBeLost(sessions[index])
        else { return wrong("\(sessions[index].name) has to have ended: \(reply)") }
        sessions[index].cause = cause
    }

    func wait(_ index: Int) throws {
        count("wait")
        let reply = try get(["sessions", sessions[index].id, "wait"])
        guard case .answer(let found?, _) = reply else {
            return wrong("\(sessions[index].name) is not waited for: \(reply)")
        }
        compare(found, &sessions[index])
    }

    /// - Parameter forced: of one that may run.
    func remove(_ index: Int, forced: Bool) throws {
        count("rm")
        let session = sessions[index]
        let query = forced ? [("force", "true")] : []
        let (reply, again) = try insist(.delete, ["sessions", session.id], query: query)
        switch reply {
        case .answer: break
        case .refused(let why) where why.status == 404 && again: break
        default: wrong("\(session.name) was not removed: \(reply)")
        }
        sessions.remove(at: index)
        if case .answer(let found, _) = try get(["sessions", session.id]) {
            wrong("\(session.name) was removed and is there: \(found?.brief ?? "")")
        }
    }

    /// At the end, when nobody is killed any more: everything is as it has to be, and then it goes.
    func settle() throws {
        for index in sessions.indices {
            if sessions[index].cause == nil, world.wardenDeaths > sessions[index].born {
                try wait(index)
                if sessions[index].cause == nil { wrong("\(sessions[index].name) outlived its warden") }
            }
            try inspect(index)
            if sessions[index].cause == nil, sessions[index].isPaused { try resume(index) }
            if sessions[index].cause == nil { try settleProcesses(of: index) }
        }
        try list()
        while let last = sessions.indices.last { try remove(last, forced: true) }
        try list()
    }
}
