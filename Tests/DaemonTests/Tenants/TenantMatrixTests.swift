import API
import TestSupport
import Testing

/// Every operation on a session or a workspace, from the API's table, by own, foreign, ended and unknown object.
@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct TenantMatrixTests {
    private static let unknown = "00000000000000ff"
    /// A workspace that there is, as long as what takes the place of a session's id.
    private static let workspace = "blues-workspace1"
    private static let routes = APIRoute.all.filter {
        !Set($0.parameters).isDisjoint(with: ["session", "workspace"])
    }

    /// A body that the operation's own table lets pass, so that it is the object that is refused.
    static func body(_ route: APIRoute) -> String? {
        switch route.name {
        case "exec", "execAttached", "startProcess": #"{"argv":["/bin/true"]}"#
        case "signalProcess": #"{"signal":"TERM"}"#
        case "resizeTerminal": #"{"columns":80,"rows":24}"#
        case "createSnapshot": #"{"name":"s"}"#
        case "restoreWorkspace": #"{"snapshot":"s"}"#
        case "forkWorkspace": #"{"name":"other"}"#
        case "resizeWorkspace": #"{"bytes":1048576}"#
        case "writeFile", "unpackFiles", "writeWorkspaceFile", "unpackWorkspaceFiles": "x"
        case "makeDirectory", "removeFile", "makeWorkspaceDirectory", "removeWorkspaceFile":
            route.request.map { _ in #"{"path":"d"}"# }
        case "moveFile", "copyFile", "moveWorkspaceFile", "copyWorkspaceFile": #"{"from":"a","to":"b"}"#
        default: route.request.map { _ in "{}" }
        }
    }

    private func answer(
        _ shared: SharedDaemon, _ uid: UInt32?, _ route: APIRoute, session: String, process: String
    ) throws -> SharedDaemon.Answer {
        var path = route.path.replacing("{session}", with: session).replacing("{process}", with: process)
            .replacing("{workspace}", with: session).replacing("{snapshot}", with: "s")
        let needed = route.query.filter { ["path", "from", "to"].contains($0.name) }.map { "\($0.name)=f" }
        if !needed.isEmpty { path += "?\(needed.joined(separator: "&"))" }
        var more: [String] = []
        if case .upgrade = route.answer {
            more = ["-H", "Connection: Upgrade", "-H", "Upgrade: corral-attach/1"]
        }
        return try shared.call(uid, route.method.rawValue, path, Self.body(route), more, seconds: 5)
    }

    @Test func `another tenant's is as unknown as what there is not, in every operation`() throws {
        let shared = try SharedDaemon()
        let foreign = try shared.session(SharedDaemon.blue)
        let ended = try shared.session(SharedDaemon.blue)
        #expect(
            try shared.call(SharedDaemon.blue, "POST", "/v1/sessions/\(ended)/kill", #"{"grace":0}"#).status
                == 200)
        let started = try shared.call(
            SharedDaemon.blue, "POST", "/v1/sessions/\(foreign)/processes", #"{"argv":["/bin/sleep","600"]}"#)
        let process = started.json?["id"]?.text ?? ""
        #expect(started.status == 201, "\(started.text)")
        let made = try shared.call(
            SharedDaemon.blue, "POST", "/v1/workspaces", #"{"name":"\#(Self.workspace)","bytes":16777216}"#)
        #expect(made.status == 201, "\(made.text)")
        #expect(Self.routes.count > 30)
        for route in Self.routes {
            let none = try answer(shared, SharedDaemon.red, route, session: Self.unknown, process: process)
            #expect(none.status == 404, "\(route.name): \(none.status) \(none.text)")
            let isOfSession = route.parameters.contains("session")
            for id in isOfSession ? [foreign, ended] : [Self.workspace] {
                let hidden = try answer(shared, SharedDaemon.red, route, session: id, process: process)
                #expect(hidden.status == 404, "\(route.name): \(hidden.status) \(hidden.text)")
                #expect(hidden.text.replacing(id, with: Self.unknown) == none.text, "\(route.name)")
            }
            // The control: the same request of somebody who may is answered otherwise.
            // One that would remove it is none: what comes behind it has to find it.
            if ["removeSession", "removeWorkspace"].contains(route.name) { continue }
            let seen =
                isOfSession
                ? try answer(shared, nil, route, session: ended, process: process)
                : try answer(shared, SharedDaemon.blue, route, session: Self.workspace, process: process)
            let absent = isOfSession ? "there is no session" : "there is no workspace"
            #expect(none.text.contains(absent), "\(route.name): \(none.text)")
            #expect(!seen.text.contains(absent), "\(route.name): \(seen.text)")
        }
        // Nothing of all that reached it.
        let state = try shared.call(SharedDaemon.blue, "GET", "/v1/sessions/\(foreign)")
        #expect(state.json?["state"]?.text == "running" && state.json?["processes"]?.text == "1")
    }
}
