import Client
import TestSupport
import Wire

// Sessions that stand still for a while, where this host has what it takes.

extension ChurnClient {
    /// Has every process of a session stop where it is.
    func pause(_ index: Int) throws {
        let groups = Leftovers.freezers(of: sessions[index].id)
        count(groups.isEmpty ? "pause, refused" : "pause")
        let reply = try insist(.post, ["sessions", sessions[index].id, "pause"]).reply
        switch reply {
        case .answer(let found?, _) where found["state"]?.text == "paused" && !groups.isEmpty:
            sessions[index].isPaused = true
            try compareStanding(index, groups)
        case .refused(let why)
        where why.status == 409 && groups.isEmpty && "\(why)".contains("cannot be paused here"):
            break
        default:
            if mayBeLost(sessions[index]) { return try look(index) }
            wrong("\(sessions[index].name) was not paused: \(reply)")
        }
    }

    /// It takes no exec, and the kernel says that nothing in it moves. A group that is gone went with its warden.
    private func compareStanding(_ index: Int, _ groups: [String]) throws {
        let stands = eventually(within: 120) {
            groups.allSatisfy { File.text("\($0)/cgroup.events")?.contains("frozen 1") ?? true }
        }
        let body = JSONText.object { $0.add("shell", "true") }
        let (reply, _) = try insist(.post, ["sessions", sessions[index].id, "exec"], body)
        if mayBeLost(sessions[index]) { return try look(index) }
        if !stands { wrong("\(sessions[index].name) is paused and goes on") }
        guard case .refused(let why) = reply, why.status == 409 else {
            return wrong("\(sessions[index].name) is paused and answers an exec: \(reply)")
        }
    }

    func resume(_ index: Int) throws {
        count("resume")
        let (reply, again) = try insist(.post, ["sessions", sessions[index].id, "resume"])
        switch reply {
        case .answer(let found?, _) where found["state"]?.text == "running":
            sessions[index].isPaused = false
        // The one whose answer was lost was heard.
        case .refused(let why) where why.status == 409 && again: sessions[index].isPaused = false
        default:
            if mayBeLost(sessions[index]) { return try look(index) }
            wrong("\(sessions[index].name) was not resumed: \(reply)")
        }
    }
}
