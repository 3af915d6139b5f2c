import Client
import Glibc
import Synchronization
import TestSupport
import Wire

/// Many tenants with quotas and mixed loads, some of them floods, while somebody samples what each has, by the
/// daemon's own figures and by what the kernel has; then the audit records, replayed, have to be the state.
struct TenantsRun {
    private let world: World
    private let options: Options
    private let tenants: [String]

    init(_ world: World, _ options: Options) {
        self.world = world
        self.options = options
        // Nobody else's on this machine: the kernel knows their groups by these names.
        tenants = (0..<options.tenants).map { "t\($0)-\(getpid())-\(options.seed)" }
    }

    func run() throws {
        let admin = ChurnClient("admin", world, seed: options.seed)
        let began = Host.now
        _ = AuditReplay.startDay
        for (index, tenant) in tenants.enumerated() { try make(tenant, index, admin) }
        let load = SharedLoad()
        try Crowd.run(tenants.count) { [world, options, tenants] index in
            let one = TenantLoad(tenants[index], index, world, seed: options.seed &+ UInt64(index) &* 7919)
            do {
                while !load.isOver.load(ordering: .relaxed) {
                    try one.perform()
                    load.see(one.client.counts)
                }
            } catch {
                one.client.wrong("it gave up: \(error)")
            }
            load.counts.withLock { $0.merge(one.client.counts) { $0 + $1 } }
        } meanwhile: {
            defer { load.isOver.store(true, ordering: .relaxed) }
            var sampler = QuotaSampler(tenants, world)
            // A machine that is busy with other things takes longer to make a load of it.
            let last = began + options.seconds + (options.seconds >= Self.leastLoad ? 240 : 0)
            while Host.now < began + options.seconds || (Host.now < last && !load.lacking.isEmpty) {
                try sampler.sample(admin)
                usleep(20_000)
            }
            // What no record tells of has to be found.
            if options.plants { AuditReplay.planted.withLock { $0 = true } }
            say("churn: \(sampler.summary)")
            if sampler.mostSeen == 0 { world.find("no sampled instant had a session") }
        }
        let told = load.counts.withLock { $0 }.sorted { $0.key < $1.key }
        say("churn: " + told.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
        for kind in load.lacking where options.seconds >= Self.leastLoad {
            world.find("there was no \(kind): the load was no load")
        }
        try AuditReplay(tenants, world).compare(admin)
        for tenant in tenants { try end(tenant, admin) }
        say("churn: \(tenants.count) tenants, \(Int(Host.now - began)) s")
    }

    /// Seconds from which on a run has to be one: shorter ones are controls.
    private static let leastLoad = 10.0

    private func make(_ tenant: String, _ index: Int, _ admin: ChurnClient) throws {
        let name = JSONText.object { object in
            object.add("name", tenant)
            object.add("weight", 50 + 50 * (index % 4))
        }
        guard case .answer = try admin.insist(.post, ["tenants"], name).reply else {
            return world.find("the tenant \(tenant) was not made")
        }
        let limits = JSONText.object { object in
            object.object("limits") { limits in
                limits.add("sessions", 3 + index % 3)
                limits.add("processes", 2)
                limits.add("memory", 192 << 20)
                limits.add("cpus", 1500)
                // Of some these are met, of others not.
                limits.add("execs_per_day", index % 4 == 1 ? 20 : 100_000)
                limits.add("creations_per_minute", index % 4 == 2 ? 10 : 1000)
            }
        }
        if case .answer = try admin.insist(.post, ["tenants", tenant, "quotas"], limits).reply { return }
        world.find("the quotas of \(tenant) were not set")
    }

    private func end(_ tenant: String, _ admin: ChurnClient) throws {
        let query = [("all", "true"), ("tenant", tenant), ("limit", "1000")]
        guard case .answer(let page?, _) = try admin.get(["sessions"], query: query) else { return }
        for session in page["sessions"]?.list ?? [] {
            let id = session["id"]?.text ?? ""
            _ = try admin.insist(.delete, ["sessions", id], query: [("force", "true")])
        }
        if case .refused(let why) = try admin.insist(.delete, ["tenants", tenant]).reply {
            world.find("the tenant \(tenant) cannot be removed: \(why)")
        }
        let groups = KernelTenants.groups(of: tenant)
        if !groups.isEmpty { world.find("groups are left of the tenant \(tenant): \(groups)") }
    }
}

/// What the tenants and the one who samples share.
private final class SharedLoad: Sendable {
    let isOver = Atomic(false)
    /// What became of operations, by their names.
    let counts = Mutex<[String: Int]>([:])
    /// What has to happen for it to be a load at all, and has not yet.
    private let missing = Mutex<Set<String>>(["created", "refused create", "exec", "refused exec", "removed"])

    var lacking: [String] { missing.withLock { $0.sorted() } }

    func see(_ counts: [String: Int]) { missing.withLock { $0.subtract(counts.keys) } }
}

/// What one tenant does.
private final class TenantLoad {
    let client: ChurnClient
    private let tenant: String
    /// Whether it asks for more and more sessions, without a pause.
    private let isFlood: Bool
    private var sessions: [String] = []
    private var query: [(String, String)] { [("tenant", tenant)] }

    init(_ tenant: String, _ index: Int, _ world: World, seed: UInt64) {
        self.tenant = tenant
        isFlood = index % 8 == 0
        client = ChurnClient(tenant, world, seed: seed)
    }

    func perform() throws {
        switch Int.random(in: 0..<10, using: &client.random) {
        case 0...3: try create()
        case 4...7: try exec()
        default: try remove()
        }
        if !isFlood { usleep(UInt32.random(in: 0...100_000, using: &client.random)) }
    }

    private func create() throws {
        let memory = [32, 64, 100].randomElement(using: &client.random) ?? 64
        let body = JSONText.object { object in
            object.object("limits") { limits in
                limits.add("memory", memory << 20)
                limits.add("cpus", 400)
            }
        }
        let reply = try client.insist(.post, ["sessions"], query: query, body).reply
        switch reply {
        case .answer(let found?, _):
            client.count("created")
            let id = found["id"]?.text ?? ""
            client.world.remember(id)
            sessions.append(id)
        case .refused(let why) where isQuota(why.message): client.count("refused create")
        default: client.wrong("a session was not created: \(reply)")
        }
    }

    private func exec() throws {
        guard let id = sessions.randomElement(using: &client.random) else { return }
        let script = ["true", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done", "sleep 0.05"]
            .randomElement(using: &client.random)
        let body = JSONText.object { $0.add("shell", script ?? "true") }
        let reply = try client.insist(.post, ["sessions", id, "exec"], query: query, body).reply
        switch reply {
        case .answer(let found?, _) where found["exit"]?.text == "0": client.count("exec")
        case .refused(let why) where isQuota(why.message): client.count("refused exec")
        default: client.wrong("an exec failed: \(reply)")
        }
    }

    private func remove() throws {
        guard let id = sessions.randomElement(using: &client.random) else { return }
        let query = self.query + [("force", "true")]
        let reply = try client.insist(.delete, ["sessions", id], query: query).reply
        guard case .answer = reply else { return client.wrong("\(id) was not removed: \(reply)") }
        client.count("removed")
        sessions.removeAll { $0 == id }
    }

    /// The refusals that there may be: the tenant's own, with its name.
    private func isQuota(_ message: String) -> Bool { message.hasPrefix("tenant \(tenant) may have ") }
}

/// What the kernel has of a tenant.
private enum KernelTenants {
    private static let isOnV1 = File.exists("/sys/fs/cgroup/memory/memory.limit_in_bytes")
    private static let top = isOnV1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup"
    private static let file = isOnV1 ? "memory.limit_in_bytes" : "memory.max"

    static func groups(of tenant: String) -> [String] {
        File.names(in: top).filter { $0.hasPrefix("corral-tenant-") && $0.hasSuffix("-\(tenant)") }
            .map { "\(top)/\($0)" }
    }

    /// The memory that each of its sessions is limited to, of those that were there all the time of the look; one
    /// that has no limit yet is there with 0.
    static func memory(of tenant: String) -> [UInt64] {
        guard let group = groups(of: tenant).first else { return [] }
        let before = sessions(in: group)
        let limits = before.map { name in
            let text = File.text("\(group)/\(name)/\(file)")?.split(separator: "\n").first
            let bytes = text.flatMap { UInt64($0) } ?? 0
            return (name, bytes > 1 << 50 ? 0 : bytes)
        }
        let after = Set(sessions(in: group))
        return limits.filter { after.contains($0.0) }.map(\.1)
    }

    private static func sessions(in group: String) -> [String] {
        File.names(in: group).filter { $0.hasPrefix("corral-session-") }
    }
}

/// Looks again and again whether anybody has more than they may.
private struct QuotaSampler {
    private let tenants: Set<String>
    private let world: World
    private var samples = 0
    /// Sessions of all tenants in the kernel, at most.
    private(set) var mostSeen = 0

    init(_ tenants: [String], _ world: World) {
        self.tenants = Set(tenants)
        self.world = world
    }

    var summary: String { "\(samples) samples, \(mostSeen) sessions of all tenants at most" }

    mutating func sample(_ admin: ChurnClient) throws {
        guard case .answer(let page?, _) = try admin.get(["quotas"], query: [("all_tenants", "true")]) else {
            return world.find("quotas are not listed")
        }
        var limits: [String: [String: UInt64]] = [:]
        for table in page["tenants"]?.list ?? [] {
            let tenant = table["tenant"]?.text ?? ""
            guard tenants.contains(tenant) else { continue }
            for entry in table["quotas"]?.list ?? [] {
                guard let quota = entry["quota"]?.text, let limit = UInt64(entry["limit"]?.text ?? "") else {
                    continue
                }
                limits[tenant, default: [:]][quota] = limit
                let used = UInt64(entry["used"]?.text ?? "") ?? .max
                if used > limit { world.find("\(tenant) has \(used) of \(quota) and may have \(limit)") }
            }
        }
        var all = 0
        for tenant in tenants {
            let memory = KernelTenants.memory(of: tenant)
            all += memory.count
            if let most = limits[tenant]?["sessions"], memory.count > most {
                world.find("the kernel has \(memory.count) sessions of \(tenant), which may have \(most)")
            }
            if let most = limits[tenant]?["memory"], memory.reduce(0, +) > most {
                world.find("the kernel gives \(tenant) \(memory) bytes, and it may have \(most)")
            }
        }
        mostSeen = max(mostSeen, all)
        samples += 1
    }
}

/// The state as the audit records alone tell it.
private struct AuditReplay {
    /// For the control: a session that no record tells of.
    static let planted = Mutex(false)
    /// In days since 1970, when the run began.
    static let startDay = time(nil) / 86_400

    private let tenants: [String]
    private let world: World

    init(_ tenants: [String], _ world: World) {
        self.tenants = tenants
        self.world = world
    }

    private struct State {
        /// With their versions.
        var tenants: [String: Int] = [:]
        var sessions: Set<String> = []
        /// That were ever made, with how many execs each had.
        var execs: [String: Int] = [:]
    }

    func compare(_ admin: ChurnClient) throws {
        var state = State()
        var after = "0"
        while true {
            let query = [("after", after), ("limit", "1000")]
            guard case .answer(let page?, _) = try admin.get(["audit"], query: query) else {
                return world.find("audit records are not listed")
            }
            for record in page["records"]?.list ?? [] { replay(record, &state) }
            guard let next = page["next"]?.text, !next.isEmpty else { break }
            after = next
        }
        if Self.planted.withLock({ $0 }) { state.sessions.insert("planted") }
        try compareTenants(state, admin)
        try compareSessions(state, admin)
    }

    private func replay(_ record: JSONTree, _ state: inout State) {
        let outcome = record["outcome"]?.text ?? ""
        guard outcome == "accepted" || outcome == "done" else { return }
        let object = record["object"]?.text ?? ""
        switch record["what"]?.text ?? "" {
        case "tenant.create": state.tenants[object] = 1
        case "tenant.set", "quota.set": state.tenants[object, default: 0] += 1
        case "tenant.remove": state.tenants[object] = nil
        case "session.create":
            state.sessions.insert(object)
            state.execs[object] = 0
        case "session.remove": state.sessions.remove(object)
        case "process.exec":
            let session = object.split(separator: "/").first.map(String.init) ?? ""
            state.execs[session, default: 0] += 1
        default: break
        }
    }

    private func compareTenants(_ state: State, _ admin: ChurnClient) throws {
        guard case .answer(let page?, _) = try admin.get(["tenants"]) else {
            return world.find("tenants are not listed")
        }
        var found: [String: Int] = [:]
        for tenant in page["tenants"]?.list ?? [] {
            guard let name = tenant["name"]?.text, name != "default" else { continue }
            found[name] = Int(tenant["version"]?.text ?? "")
        }
        if found != state.tenants { world.find("tenants are \(found), and by the audit \(state.tenants)") }
    }

    private func compareSessions(_ state: State, _ admin: ChurnClient) throws {
        var all: Set<String> = []
        for tenant in tenants {
            let query = [("all", "true"), ("tenant", tenant), ("limit", "1000")]
            guard case .answer(let page?, _) = try admin.get(["sessions"], query: query),
                case .answer(let table?, _) = try admin.get(["quotas"], query: [("tenant", tenant)])
            else { return world.find("the sessions of \(tenant) are not listed") }
            let sessions = page["sessions"]?.list ?? []
            all.formUnion(sessions.map { $0["id"]?.text ?? "" })
            let live = sessions.filter { $0["state"]?.text != "ended" }
            let quotas = table["tenants"]?.list.first?["quotas"]?.list ?? []
            func used(_ quota: String) -> String {
                quotas.first { $0["quota"]?.text == quota }?["used"]?.text ?? ""
            }
            if used("sessions") != "\(live.count)" {
                world.find("\(tenant) has \(live.count) sessions, and by its quota \(used("sessions"))")
            }
            let memory = live.reduce(0) { $0 + (UInt64($1["limits"]?["memory"]?.text ?? "") ?? 0) }
            if used("memory") != "\(memory)" {
                world.find(
                    "the sessions of \(tenant) have \(memory) bytes, and by its quota \(used("memory"))")
            }
            if used("processes") != "0" {
                world.find("\(tenant) has no processes, and by its quota \(used("processes"))")
            }
        }
        if all != state.sessions {
            let (more, less) = (all.subtracting(state.sessions), state.sessions.subtracting(all))
            world.find(
                "of the sessions there are, no record tells of \(more); of the audit's there are not \(less)")
        }
        try compareExecs(state, admin)
    }

    /// Of all tenants together: a session that was removed tells nobody any more whose it was.
    private func compareExecs(_ state: State, _ admin: ChurnClient) throws {
        guard case .answer(let page?, _) = try admin.get(["quotas"], query: [("all_tenants", "true")]) else {
            return world.find("quotas are not listed")
        }
        let spent = (page["node"]?["quotas"]?.list ?? []).first { $0["quota"]?.text == "execs_per_day" }
        let used = Int(spent?["used"]?.text ?? "") ?? -1
        let replayed = state.execs.values.reduce(0, +)
        // A day that ended meanwhile forgets what was spent in it.
        if used > replayed || (used < replayed && !Self.midnightPassed) {
            world.find("execs of today are \(used), and by the audit \(replayed)")
        }
    }

    private static var midnightPassed: Bool { time(nil) / 86_400 != Self.startDay }
}
