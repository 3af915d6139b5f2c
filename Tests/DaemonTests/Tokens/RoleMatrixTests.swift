import API
import Access
import TestSupport
import Testing

/// Every operation by every role, by own, ended, foreign and unknown object: asked of a daemon with tokens, and held
/// against the matrix of docs/access.md. Roles at once, each at a daemon of its own: many answers go on until they are
/// cut off.
@Suite struct RoleMatrixTests {
    private static let unknown = "00000000000000ff"

    /// What is there to ask about.
    private struct Objects {
        let session: String
        let ended: String
        let process: String
        let workspace: String
        let tenant: String
    }

    private static func objects(_ network: NetworkDaemon, _ tenant: String, _ name: String) throws -> Objects
    {
        let daemon = network.daemon
        func made(_ path: String, _ body: String) throws -> String {
            let answer = try daemon.call("POST", "\(path)?tenant=\(tenant)", body)
            try #require(answer.status == 201, "\(String(decoding: answer.bytes, as: UTF8.self))")
            return answer.text("id")
        }
        let (session, ended) = (try made("/v1/sessions", "{}"), try made("/v1/sessions", "{}"))
        try daemon.call("POST", "/v1/sessions/\(ended)/kill", #"{"grace":0}"#)
        let process = try made("/v1/sessions/\(session)/processes", #"{"argv":["/bin/sleep","600"]}"#)
        _ = try made("/v1/workspaces", #"{"name":"\#(name)","bytes":16777216}"#)
        _ = try made("/v1/workspaces/\(name)/snapshots", #"{"name":"s"}"#)
        return Objects(session: session, ended: ended, process: process, workspace: name, tenant: tenant)
    }

    /// Those that take their object away come last, the session's process before the session.
    private static let routes: [APIRoute] = {
        let order = [
            "signalProcess", "stopProcess", "removeSnapshot", "killSession", "removeSession",
            "removeWorkspace",
            "removeTenant",
        ]
        return APIRoute.all.filter { !order.contains($0.name) }
            + order.compactMap { name in APIRoute.all.first { $0.name == name } }
    }()

    /// A body that the operation's own table lets pass, so that nothing is refused for it.
    private static func body(_ route: APIRoute, _ tag: String) -> String? {
        switch route.name {
        case "createTenant", "createWorkspace": #"{"name":"new-\#(tag)"}"#
        case "setTenant": #"{"description":"x"}"#
        case "setQuotas": #"{"limits":{"sessions":100}}"#
        case "resetQuota": #"{"quota":"execs_per_day"}"#
        case "createToken": #"{"role":"viewer"}"#
        case "createSession": "{}"
        default: route.passingBody
        }
    }

    /// The path with the object in it; nil where the operation has no object that ends.
    private static func path(
        _ route: APIRoute, _ relation: AccessMatrix.Relation?, _ own: Objects, _ foreign: Objects,
        by role: Role
    ) -> String? {
        let objects = relation == .foreign ? foreign : own
        var (session, workspace, tenant) = (objects.session, objects.workspace, objects.tenant)
        if relation == .unknown { (session, workspace, tenant) = (unknown, unknown, unknown) }
        if relation == .ended {
            guard route.parameters.contains("session") else { return nil }
            session = own.ended
        }
        var query: [String] = []
        // Two tenants may have workspaces of one name: whoever may look at all of them says whose.
        if relation == .foreign, route.parameters.contains("workspace"),
            AccessMatrix.decision(role, route, relation) == .allowed
        {
            query.append("tenant=\(objects.tenant)")
        }
        // What would follow for ever.
        if route.name == "events" { query.append("until=2020-01-01T00:00:00Z") }
        return route.path(
            of: [
                "session": session, "process": objects.process, "workspace": workspace, "snapshot": "s",
                "tenant": tenant, "token": unknown,
            ], query: query)
    }

    private func answer(
        _ network: NetworkDaemon, _ token: String, _ route: APIRoute, _ path: String, _ tag: String,
        seconds: Int
    ) throws -> NetworkDaemon.Answer {
        let more = route.upgradeLines.flatMap { ["-H", $0] }
        return try network.call(
            token, route.method.rawValue, path, Self.body(route, tag), more, seconds: seconds)
    }

    /// Whether the answer is the one for an object that there is not.
    private static func isUnknown(_ route: APIRoute, _ answer: NetworkDaemon.Answer) -> Bool {
        answer.status == 404
            && ["session", "workspace", "tenant"].contains { answer.text.contains("there is no \($0)") }
    }

    @Test(arguments: Role.allCases)
    func `a daemon answers every question of the matrix as it says`(role: Role) throws {
        let network = try NetworkDaemon()
        try network.tenant("red")
        try network.tenant("blue")
        let token = try network.token(role.rawValue, "red")
        let foreign = try Self.objects(network, "blue", "blue-workspace")
        let own = try Self.objects(network, "red", "red-workspace")
        var asked = 0
        for route in Self.routes {
            let relations: [AccessMatrix.Relation?] =
                AccessMatrix.isAboutObject(route) ? [.unknown, .foreign, .ended, .own] : [nil]
            var unknown: NetworkDaemon.Answer?
            for relation in relations {
                guard let path = Self.path(route, relation, own, foreign, by: role) else { continue }
                let tag = "\(role.rawValue)-\(relation?.rawValue ?? "node")"
                let decision = AccessMatrix.decision(role, route, relation)
                // Only what is answered may go on; a refusal is waited for, however long it takes.
                let answer = try answer(
                    network, token, route, path, tag, seconds: decision == .allowed ? 2 : 120)
                asked += 1
                if relation == .unknown { unknown = answer }
                let what =
                    "\(role.rawValue) \(route.name) \(relation?.rawValue ?? ""): \(answer.status) \(answer.text.prefix(200))"
                switch decision {
                case .forbidden: #expect(answer.status == 403 && answer.code == "forbidden", "\(what)")
                case .hidden:
                    #expect(Self.isUnknown(route, answer), "\(what)")
                    // In the same words as what there is not.
                    let names = [foreign.session, foreign.workspace, foreign.tenant]
                    let words = names.reduce(answer.text) { $0.replacing($1, with: Self.unknown) }
                    #expect(relation != .foreign || words == unknown?.text, "\(what)")
                case .allowed:
                    // 0: it goes on, and was cut off.
                    #expect(![401, 403].contains(answer.status) && !Self.isUnknown(route, answer), "\(what)")
                }
            }
        }
        print("\(role.rawValue): \(asked) questions")
        #expect(asked > 150)
    }
}
