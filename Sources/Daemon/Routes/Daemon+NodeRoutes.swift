import API
import Access
import Configuration
import Linux
import Preparation
import Sandbox
import Service
import Sessions
import Store
import WardenProtocol
import Wire

// What is about no one session.

extension Daemon {
    func health() -> Reply {
        let isConnected = link?.isOpen ?? false
        return .now(
            .json(
                .object { object in
                    object.add("status", isConnected && storeState == .ok ? "ok" : "degraded")
                    object.add("warden", isConnected ? "connected" : "lost")
                    object.add("store", storeState.rawValue)
                }))
    }

    /// With what the warden says of itself, where it does so at once: this is asked to find out what is
    /// wrong.
    func info(_ request: Request) throws(ServiceError) -> Reply {
        let caller = try caller(request)
        let isEverybodys = caller.role.reach(.look) == .all
        let tenant = isEverybodys ? nil : caller.tenant
        // For whoever asks next: what troubles volumes may come with time.
        defer { lookAtDriver() }
        guard let link, link.isOpen else { return .now(info(of: tenant, nil)) }
        var timer: Timer?
        let stop = {
            timer?.cancel()
            timer = nil
        }
        let pending = Pending(onCancel: stop)
        let answer: (NetworkPoolState?) -> Void = { [weak self] networks in
            stop()
            if let self { pending.complete(info(of: tenant, networks)) }
        }
        timer = try? Timer.make(on: loop) { answer(nil) }
        guard timer != nil else { return .now(info(of: tenant, nil)) }
        timer?.fire(atLatest: Timer.now + Daemon.wardenPatience)
        link.send(.status, orLost: { answer(nil) }) { told, _ in
            guard case .status(let status) = told else { return answer(nil) }
            answer(status.networks)
        }
        return .later(pending)
    }

    /// For how long ``info(_:)`` waits for the warden, in nanoseconds.
    private static let wardenPatience: UInt64 = 500_000_000

    /// - Parameter tenant: whose sessions are counted; nil for everybody's.
    private func info(of tenant: Name?, _ networks: NetworkPoolState?) -> Response {
        .json(
            .object { object in
                object.add("version", CorralVersion.current)
                object.add("warden_version", link?.wardenBuild ?? "")
                object.add("kernel", Boot.kernel())
                object.add("state", place.state)
                object.add("sessions", tenant.map { table.liveCount(of: $0) } ?? table.liveCount)
                object.add("sessions_max", table.limit)
                object.add("started", began.text)
                if tenant == nil { object.add("tokens_refused", tokenFailures.total) }
                if link?.isOpen == true { object.object("volumes") { writeVolumes(to: &$0) } }
                if let networks { object.object("networks") { write(networks, to: &$0) } }
                if let lastReload { object.object("reload") { write(lastReload, to: &$0) } }
            })
    }

    private func write(_ networks: NetworkPoolState, to object: inout JSONObjectWriter) {
        object.add("ready", UInt64(networks.ready))
        object.add("most", UInt64(networks.most))
        object.add("taken", networks.taken)
        object.add("missed", networks.missed)
        if !networks.problem.isEmpty { object.add("problem", networks.problem) }
    }

    /// Within the bounds of its table.
    private func write(_ reload: Reload, to object: inout JSONObjectWriter) {
        object.add("number", reload.number)
        object.add("time", APITime(milliseconds: reload.at).description)
        for (name, sentences) in [("changes", reload.changes), ("problems", reload.problems)] {
            object.array(name) { list in
                for sentence in sentences.prefix(256) { list.add(String(sentence.prefix(1000))) }
            }
        }
    }

    func events(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("events").query)
        var scope = EventHub.Scope(tenant: try listed(request)?.description)
        if let text = query.text("session") {
            // It was found, so the caller may know of it, whosever it is.
            scope = eventScope(of: try find(text, request))
        }
        let after = try request.lastEventID()
        return .now(
            events.follow(
                scope, after: after, since: query.time("since")?.milliseconds,
                until: query.time("until")?.milliseconds))
    }

    /// What happens to a session, and to a workspace that outlives it for as long as it has it.
    private func eventScope(of id: SessionID) -> EventHub.Scope {
        var scope = EventHub.Scope(session: id.description)
        if let spec = table[id]?.spec, let name = spec.workspace.name, let keep = keeps[id] {
            let begin = keep.created.wall
            scope.workspace = EventHub.UsedWorkspace(
                name: name.description, tenant: spec.tenant.description,
                time: begin...max(begin, keep.ended?.wall ?? .max))
        }
        return scope
    }

    func listProfiles() throws(ServiceError) -> Reply {
        let installation = try installed()
        let names = try prepared { () throws(PreparationError) in try installation.directories.names(.profile)
        }
        return .now(
            .json(
                .object { object in
                    object.array("profiles") { list in
                        for name in names { list.object { write(profile: name, installation, to: &$0) } }
                    }
                }))
    }

    private func write(profile name: String, _ installation: Installation, to object: inout JSONObjectWriter)
    {
        object.add("name", name)
        var image = ""
        var source = ""
        var problem: String?
        do {
            if let found = try installation.directories.find(name, .profile) {
                source = found.directory == .shipped ? "shipped" : "operator"
            }
            image = try installation.chain(from: installation.profileSource(name)).chain.profile().image
        } catch {
            problem = "\(error)"
        }
        object.add("image", image)
        object.add("source", source)
        if let problem { object.add("problem", problem) }
    }

    func listImages() throws(ServiceError) -> Reply {
        let installation = try installed()
        let described = try prepared { () throws(PreparationError) in
            try installation.names("images", suffix: ".yaml")
        }
        // A store that only root can read is the warden's business.
        let trees = (try? ImageLookup.find()?.names()) ?? []
        let all = Set(described).union(trees).sorted()
        return .now(
            .json(
                .object { object in
                    object.array("images") { list in
                        for name in all {
                            list.object { image in
                                image.add("name", name)
                                image.add("kind", described.contains(name) ? "host" : "tree")
                            }
                        }
                    }
                }))
    }

    private func installed() throws(ServiceError) -> Installation {
        guard let installation else { throw ServiceError(.fault, "profiles and images cannot be found") }
        return installation
    }

    private func prepared<Value>(_ body: () throws(PreparationError) -> Value) throws(ServiceError) -> Value {
        do throws(PreparationError) {
            return try body()
        } catch {
            throw ServiceError(.fault, error.description)
        }
    }

    /// A name that no profile has, told before anything is made; nothing else is judged here.
    func check(_ spec: String) throws(ServiceError) {
        guard let installation else { return }
        // Names only; the list is made for who gave a wrong one, and where something is wrong with the file.
        if !spec.contains("/"), profile(named: spec) != nil { return }
        if let names = try? installation.directories.names(.profile), !names.contains(spec) {
            let hint = nearestMatch(to: spec, in: names).map { "did you mean \($0)?" }
            throw ServiceError(.notFound, "there is no profile \(quoted(spec))", field: "profile", hint: hint)
        }
    }

    /// Nil for a profile that cannot be read, which the warden then refuses with the reason.
    func profile(named name: String) -> Profile? {
        guard let installation else { return nil }
        return try? profiles.profile(name, of: installation)
    }

    func route(_ name: String) -> APIRoute { APIRoute.all.first { $0.name == name } ?? APIRoute.all[0] }
}
