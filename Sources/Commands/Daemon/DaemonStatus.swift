import Client
import Sandbox
import Tables
import WardenProtocol
import Wire

/// What is known of a daemon and its warden, by asking both.
struct DaemonStatus: Hashable, Sendable {
    enum State: String, Sendable {
        case ok
        /// It serves, but not all of it, or it does not answer.
        case degraded
        case stopped
    }

    var state = State.stopped
    var pid: Int32?
    var wardenPID: Int32?
    /// Versions; nil for what cannot be found out.
    var corrald: String?
    var warden: String?
    var sessions: UInt64?
    var mostSessions: UInt64?
    /// RFC 3339.
    var since: String?
    var directory: String
    var socket: String
    /// What keeps workspaces to their limits, with the reason; nil where nobody has told.
    var volumes: Volumes?
    /// Network namespaces that are made ahead of sessions; nil where nobody has told.
    var networks: NetworkPoolState?
    /// What the operator should know, a sentence each.
    var problems: [String] = []

    static func look(at place: DaemonPlace) throws(CommandError) -> DaemonStatus {
        var status = DaemonStatus(directory: place.state, socket: place.socket)
        status.wardenPID = try place.warden()?.pid
        guard let corrald = try place.corrald() else {
            status.lookAtWarden(place)
            return status
        }
        status.pid = corrald.pid
        do throws(ClientError) {
            let client = DaemonClient(path: place.socket, patience: 10_000)
            let info = try client.ask(HTTPRequest(.get, ["v1", "info"])).json()
            let health = try client.ask(HTTPRequest(.get, ["v1", "health"])).json()
            status.take(DaemonAnswer(info), DaemonAnswer(health))
        } catch {
            status.state = .degraded
            status.problems.append(error.description)
        }
        return status
    }

    /// What went on without a corrald.
    private mutating func lookAtWarden(_ place: DaemonPlace) {
        guard wardenPID != nil, let found = WardenVisit.status(at: place.wardenSocket) else { return }
        warden = found.build
        sessions = UInt64(found.sessions)
        networks = found.networks
        problems.append(
            "corrald does not run; the warden keeps \(sessionCount(UInt64(found.sessions))) for the next one "
                + "(corral daemon run)")
    }

    struct Volumes: Hashable, Sendable {
        /// Nil where there can be none.
        var driver: String?
        var place: String?
        var reason: String
        /// `bytes enforced, inodes counted as bytes`; empty where there can be none.
        var enforced: String

        init(_ answer: DaemonAnswer) {
            driver = answer.text("driver")
            place = answer.text("place")
            reason = answer.text("reason") ?? ""
            enforced = [("bytes", "bytes"), ("inodes", "inodes"), ("tenants' totals", "tenant_total")]
                .compactMap { name, member in answer.text(member).map { "\(name) \($0)" } }
                .joined(separator: ", ")
        }

        var lines: [String] {
            guard let driver else { return ["none: \(reason)"] }
            return [
                "\(driver)\(place.map { ", \($0)" } ?? "")" + (reason.isEmpty ? "" : ": \(reason)"), enforced,
            ]
        }
    }

    /// - Parameters:
    ///   - info: the answer of `/v1/info`.
    ///   - health: that of `/v1/health`.
    mutating func take(_ info: DaemonAnswer, _ health: DaemonAnswer) {
        state = health.text("status") == "ok" ? .ok : .degraded
        corrald = info.text("version")
        warden = info.text("warden_version").flatMap { $0.isEmpty ? nil : $0 }
        sessions = info.text("sessions").flatMap(UInt64.init)
        mostSessions = info.text("sessions_max").flatMap(UInt64.init)
        since = info.text("started")
        volumes = info.object("volumes").map(Volumes.init)
        networks = info.object("networks").map(NetworkPoolState.init)
        problems += info.object("volumes")?.texts("problems").map { "volumes: \($0)" } ?? []
        if let told = info.text("state"), told != directory {
            // The warden that the settings lead to is another daemon's (docs/operators.md).
            wardenPID = nil
            directory = told
        }
        if health.text("warden") == "lost" {
            problems.append("the warden is lost; the daemon's log says why")
        }
        switch health.text("store") {
        case "read-only": problems.append("nothing can be recorded: is the device of the store full?")
        case "set-aside":
            problems.append("the store could not be used and was set aside; the daemon's log says where")
        default: break
        }
        if let corrald, corrald != CorralVersion.current {
            problems.append(
                "corrald is of build \(shown(corrald)) and this corral of \(CorralVersion.current): "
                    + "corral daemon stop and run change that, and sessions go on")
        }
        if let warden, let corrald, warden != corrald {
            problems.append(
                "the warden is of build \(shown(warden)) and corrald of \(shown(corrald)): "
                    + "corral daemon stop --sessions and run change that, and end all sessions")
        }
    }

    var exitCode: Int32 {
        switch state {
        case .ok: ExitCode.success
        case .degraded: ExitCode.failure
        case .stopped: ExitCode.stopped
        }
    }

    // MARK: Text

    var lines: [String] {
        var rows = [["status", state.rawValue], ["corral", CorralVersion.current]]
        func program(_ version: String?, _ pid: Int32?) -> String {
            let number = pid.map { " (pid \($0))" } ?? ""
            return (version.map { shown($0) } ?? (pid == nil ? "not running" : "version unknown")) + number
        }
        rows.append(["corrald", program(corrald, pid)])
        // For whoever may not talk to it, corrald has told the version.
        rows.append(["warden", program(warden, wardenPID)])
        if let sessions {
            rows.append(["sessions", "\(sessions)" + (mostSessions.map { " of \($0)" } ?? "")])
        }
        for line in volumes?.lines ?? [] { rows.append(["volumes", shown(line)]) }
        if let networks { rows.append(["networks", shown(networks.line)]) }
        rows += [["state", shown(directory)], ["socket", shown(socket)]]
        if let since { rows.append(["since", WallTime(rfc3339: since)?.local ?? shown(since)]) }
        rows += problems.map { ["problem", $0] }
        return Columns.lines(rows)
    }

    var json: JSONText {
        JSONText.object { object in
            object.add("status", state.rawValue)
            object.add("corral", CorralVersion.current)
            if let corrald { object.add("corrald", corrald) }
            if let pid { object.add("pid", UInt64(clamping: pid)) }
            if let warden { object.add("warden", warden) }
            if let wardenPID { object.add("warden_pid", UInt64(clamping: wardenPID)) }
            if let sessions { object.add("sessions", sessions) }
            if let mostSessions { object.add("sessions_max", mostSessions) }
            object.add("state", directory)
            object.add("socket", socket)
            if let since { object.add("since", since) }
            if let volumes {
                object.object("volumes") { object in
                    if let driver = volumes.driver { object.add("driver", driver) }
                    if let place = volumes.place { object.add("place", place) }
                    object.add("reason", volumes.reason)
                    if !volumes.enforced.isEmpty { object.add("enforced", volumes.enforced) }
                }
            }
            if let networks { object.object("networks") { networks.write(to: &$0) } }
            object.array("problems") { list in for problem in problems { list.add(problem) } }
        }
    }
}

extension NetworkPoolState {
    fileprivate init(_ answer: DaemonAnswer) {
        func number(_ name: String) -> UInt64 { answer.text(name).flatMap(UInt64.init) ?? 0 }
        self.init(
            ready: UInt32(clamping: number("ready")), most: UInt32(clamping: number("most")),
            taken: number("taken"), missed: number("missed"), problem: answer.text("problem") ?? "")
    }

    /// `8 of 8 ready; 40 sessions had one, 2 waited for theirs`.
    fileprivate var line: String {
        let why = problem.isEmpty ? "" : ": \(problem)"
        if most == 0 { return "none ahead of sessions\(why)" }
        return "\(ready) of \(most) ready\(why); \(sessionCount(taken)) had one, \(missed) waited for theirs"
    }

    fileprivate func write(to object: inout JSONObjectWriter) {
        object.add("ready", UInt64(ready))
        object.add("most", UInt64(most))
        object.add("taken", taken)
        object.add("missed", missed)
        if !problem.isEmpty { object.add("problem", problem) }
    }
}

/// `no session`, `1 session`, `3 sessions`.
func sessionCount(_ number: UInt64) -> String {
    switch number {
    case 0: "no session"
    case 1: "1 session"
    default: "\(number) sessions"
    }
}

/// An answer of the daemon, whose tables say what is there.
struct DaemonAnswer {
    private let tree: JSONTree

    init(_ tree: JSONTree) { self.tree = tree }

    private func member(_ name: String) -> JSONTree? {
        guard case .object(let members) = tree.value else { return nil }
        return members.first { $0.key == name }?.value
    }

    func object(_ name: String) -> DaemonAnswer? { member(name).map(DaemonAnswer.init) }

    /// A text, or a number as it is written.
    func text(_ name: String) -> String? { member(name).flatMap(DaemonAnswer.text) }

    func texts(_ name: String) -> [String] {
        guard case .array(let elements)? = member(name)?.value else { return [] }
        return elements.compactMap(DaemonAnswer.text)
    }

    private static func text(_ tree: JSONTree) -> String? {
        switch tree.value {
        case .string(let text), .number(let text): text
        default: nil
        }
    }
}
