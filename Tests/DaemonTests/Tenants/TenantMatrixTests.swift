import API
import TestSupport
import Testing

/// Every operation on a session or a workspace, from the API's table, by own, foreign, ended and unknown object.
@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct TenantMatrixTests {
    private static let unknown = "00000000000000ff"
    /// A workspace that there is, as long as what takes the place of a session's id.
    private static let workspace = "blues-workspace1"
    private static let routes = APIRoute.all.filter(\.isAboutOneOfATenant)

    private func answer(
        _ shared: SharedDaemon, _ uid: UInt32?, _ route: APIRoute, session: String, process: String
    ) throws -> SharedDaemon.Answer {
        let path = route.path(
            of: ["session": session, "process": process, "workspace": session, "snapshot": "s"])
        let more = route.upgradeLines.flatMap { ["-H", $0] }
        return try shared.call(uid, route.method.rawValue, path, route.passingBody, more, seconds: 5)
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
