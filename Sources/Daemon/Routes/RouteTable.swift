import API
import Service

/// Which function answers which operation of the API.
enum RouteTable {
    typealias Handler = @Sendable (Daemon, Request) throws(ServiceError) -> Reply

    /// By the operation's name.
    static let handlers: [String: Handler] = node.merging(sessions) { first, _ in first }
        .merging(processes) { first, _ in first }.merging(files) { first, _ in first }
        .merging(workspaces) { first, _ in first }.merging(workspaceFiles) { first, _ in first }
        .merging(tenants) { first, _ in first }.merging(hostVolumes) { first, _ in first }
        .merging(tokens) { first, _ in first }

    /// Every operation that has a function, in the order of the API's table.
    /// - Parameter mostBody: what the operator lets a body have, in bytes; the operation's own limit may be less.
    static func routes(mostBody: Int = .max) -> [Route<Daemon>] {
        let all = APIRoute.all.compactMap { route in
            handlers[route.name].map { self.route(endpoint(route, mostBody), route.name, $0) }
        }
        let scrape = Endpoint(.get, metricsPath, name: "metricsUnversioned")
        return all + (handlers["metrics"].map { [self.route(scrape, "metrics", $0)] } ?? [])
    }

    /// Where monitoring systems look unless they are told: the operation `metrics` once more, outside of versions.
    static let metricsPath = "/metrics"

    private static func route(
        _ endpoint: Endpoint, _ operation: String, _ handler: @escaping Handler
    ) -> Route<Daemon> {
        Route(endpoint) { (daemon, request) throws(ServiceError) in
            try daemon.answer(operation, request, handler)
        }
    }

    static func endpoint(_ route: APIRoute, _ mostBody: Int = .max) -> Endpoint {
        let method: Endpoint.Method =
            switch route.method {
            case .get: .get
            case .post: .post
            case .put: .put
            case .delete: .delete
            }
        // As bytes: they are read against the operation's own table.
        return Endpoint(
            method, route.path, name: route.name,
            body: route.takesBytes
                ? .stream(limit: nil)
                : route.request == nil ? .none : .bytes(limit: min(route.bodyLimit, mostBody)),
            query: route.query.map(\.name),
            // Names of files may have any.
            controls: route.query.contains { $0.name == "path" }
                ? ["path"] : route.name == "diffWorkspace" ? ["after"] : [])
    }

    private static let node: [String: Handler] = [
        "health": { (daemon, _) throws(ServiceError) in daemon.health() },
        "info": { (daemon, request) throws(ServiceError) in try daemon.info(request) },
        "metrics": { (daemon, request) throws(ServiceError) in try daemon.metrics(request) },
        "listProfiles": { (daemon, _) throws(ServiceError) in try daemon.listProfiles() },
        "listImages": { (daemon, _) throws(ServiceError) in try daemon.listImages() },
        "events": { (daemon, request) throws(ServiceError) in try daemon.events(request) },
    ]

    private static let hostVolumes: [String: Handler] = [
        "createVolume": { (daemon, request) throws(ServiceError) in try daemon.createVolume(request) },
        "listVolumes": { (daemon, request) throws(ServiceError) in try daemon.listVolumes(request) },
        "resizeVolume": { (daemon, request) throws(ServiceError) in try daemon.resizeVolume(request) },
        "removeVolume": { (daemon, request) throws(ServiceError) in try daemon.removeVolume(request) },
    ]

    private static let tenants: [String: Handler] = [
        "listAudit": { (daemon, request) throws(ServiceError) in try daemon.listAudit(request) },
        "verifyAudit": { (daemon, request) throws(ServiceError) in try daemon.verifyAudit(request) },
        "listQuotas": { (daemon, request) throws(ServiceError) in try daemon.listQuotas(request) },
        "usage": { (daemon, request) throws(ServiceError) in try daemon.usage(request) },
        "setQuotas": { (daemon, request) throws(ServiceError) in try daemon.setQuotas(request) },
        "resetQuota": { (daemon, request) throws(ServiceError) in try daemon.resetQuota(request) },
        "createTenant": { (daemon, request) throws(ServiceError) in try daemon.createTenant(request) },
        "listTenants": { (daemon, request) throws(ServiceError) in try daemon.listTenants(request) },
        "inspectTenant": { (daemon, request) throws(ServiceError) in try daemon.inspectTenant(request) },
        "setTenant": { (daemon, request) throws(ServiceError) in try daemon.setTenant(request) },
        "removeTenant": { (daemon, request) throws(ServiceError) in try daemon.removeTenant(request) },
    ]

    private static let tokens: [String: Handler] = [
        "createToken": { (daemon, request) throws(ServiceError) in try daemon.createToken(request) },
        "listTokens": { (daemon, request) throws(ServiceError) in try daemon.listTokens(request) },
        "revokeToken": { (daemon, request) throws(ServiceError) in try daemon.revokeToken(request) },
    ]

    private static let sessions: [String: Handler] = [
        "createSession": { (daemon, request) throws(ServiceError) in try daemon.createSession(request) },
        "listSessions": { (daemon, request) throws(ServiceError) in try daemon.listSessions(request) },
        "inspectSession": { (daemon, request) throws(ServiceError) in
            daemon.recorded(daemon.shape(try daemon.session(request)))
        },
        "removeSession": { (daemon, request) throws(ServiceError) in try daemon.removeSession(request) },
        "renewSession": { (daemon, request) throws(ServiceError) in try daemon.renewSession(request) },
        "pauseSession": { (daemon, request) throws(ServiceError) in try daemon.pauseSession(request) },
        "resumeSession": { (daemon, request) throws(ServiceError) in try daemon.resumeSession(request) },
        "killSession": { (daemon, request) throws(ServiceError) in try daemon.killSession(request) },
        "waitForSession": { (daemon, request) throws(ServiceError) in try daemon.waitForSession(request) },
        "sessionStatistics": { (daemon, request) throws(ServiceError) in try daemon.statistics(request) },
    ]

    private static let workspaces: [String: Handler] = [
        "createWorkspace": { (daemon, request) throws(ServiceError) in try daemon.createWorkspace(request) },
        "listWorkspaces": { (daemon, request) throws(ServiceError) in try daemon.listWorkspaces(request) },
        "inspectWorkspace": { (daemon, request) throws(ServiceError) in try daemon.inspectWorkspace(request)
        },
        "removeWorkspace": { (daemon, request) throws(ServiceError) in try daemon.removeWorkspace(request) },
        "resizeWorkspace": { (daemon, request) throws(ServiceError) in try daemon.resizeWorkspace(request) },
        "forkWorkspace": { (daemon, request) throws(ServiceError) in try daemon.forkWorkspace(request) },
        "restoreWorkspace": { (daemon, request) throws(ServiceError) in try daemon.restoreWorkspace(request)
        },
        "createSnapshot": { (daemon, request) throws(ServiceError) in try daemon.createSnapshot(request) },
        "listSnapshots": { (daemon, request) throws(ServiceError) in try daemon.listSnapshots(request) },
        "removeSnapshot": { (daemon, request) throws(ServiceError) in try daemon.removeSnapshot(request) },
        "diffWorkspace": { (daemon, request) throws(ServiceError) in try daemon.diffWorkspace(request) },
    ]

    private static let files: [String: Handler] = [
        "listFiles": { (daemon, request) throws(ServiceError) in try daemon.listFiles(request) },
        "statFile": { (daemon, request) throws(ServiceError) in try daemon.statFile(request) },
        "readFile": { (daemon, request) throws(ServiceError) in try daemon.readFile(request) },
        "archiveFiles": { (daemon, request) throws(ServiceError) in try daemon.archiveFiles(request) },
        "watchFiles": { (daemon, request) throws(ServiceError) in try daemon.watchFiles(request) },
        "unpackFiles": { (daemon, request) throws(ServiceError) in try daemon.unpackFiles(request) },
        "writeFile": { (daemon, request) throws(ServiceError) in try daemon.writeFile(request) },
        "makeDirectory": { (daemon, request) throws(ServiceError) in try daemon.makeDirectory(request) },
        "moveFile": { (daemon, request) throws(ServiceError) in try daemon.moveFile(request) },
        "copyFile": { (daemon, request) throws(ServiceError) in try daemon.copyFile(request) },
        "removeFile": { (daemon, request) throws(ServiceError) in try daemon.removeFile(request) },
    ]

    /// Whose files they are, the request's path says.
    private static let workspaceFiles = Dictionary(
        uniqueKeysWithValues: files.map { (APIRoute.nameForWorkspaces($0.key), $0.value) })

    private static let processes: [String: Handler] = [
        "exec": { (daemon, request) throws(ServiceError) in try daemon.exec(request) },
        "execAttached": { (daemon, request) throws(ServiceError) in try daemon.execAttached(request) },
        "startProcess": { (daemon, request) throws(ServiceError) in try daemon.startProcess(request) },
        "listProcesses": { (daemon, request) throws(ServiceError) in try daemon.listProcesses(request) },
        "inspectProcess": { (daemon, request) throws(ServiceError) in
            daemon.recorded(daemon.shape(try daemon.process(request)))
        },
        "signalProcess": { (daemon, request) throws(ServiceError) in try daemon.signalProcess(request) },
        "stopProcess": { (daemon, request) throws(ServiceError) in try daemon.stopProcess(request) },
        "writeInput": { (daemon, request) throws(ServiceError) in try daemon.writeInput(request) },
        "resizeTerminal": { (daemon, request) throws(ServiceError) in try daemon.resizeTerminal(request) },
        "logs": { (daemon, request) throws(ServiceError) in try daemon.logs(request) },
        "offsets": { (daemon, request) throws(ServiceError) in try daemon.offsets(request) },
        "attach": { (daemon, request) throws(ServiceError) in try daemon.attach(request) },
    ]
}
