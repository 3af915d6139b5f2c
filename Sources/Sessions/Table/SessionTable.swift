/// All sessions of a daemon, by id and by name. The one place that adds or removes one.
///
/// A name belongs to one session of its tenant until that has ended; then it can be found by it until
/// somebody else takes the name. An idempotency key belongs to its session for as long as that is here.
package struct SessionTable: Sendable {
    /// What a request to create came to.
    package enum Admission: Hashable, Sendable {
        case new(SessionID)
        /// The same request was made before.
        case existing(SessionID)
    }

    private struct TenantName: Hashable, Sendable {
        let tenant: Name
        let name: Name
    }

    private struct TenantKey: Hashable, Sendable {
        let tenant: Name
        let key: IdempotencyKey
    }

    /// The most that have not ended.
    package private(set) var limit: Int
    private var sessions: [SessionID: Session] = [:]
    private var names: [TenantName: SessionID] = [:]
    private var keys: [TenantKey: SessionID] = [:]
    private var lastNumber: UInt64 = 0
    /// How many have not ended.
    package private(set) var liveCount = 0

    /// - Parameter limit: at least 1.
    package init(limit: Int) { self.limit = Swift.max(1, limit) }

    package var count: Int { sessions.count }

    package subscript(_ id: SessionID) -> Session? { sessions[id] }

    /// From now on so many may live at once, at least 1. What lives already goes on, however many they are.
    package mutating func setLimit(_ limit: Int) { self.limit = Swift.max(1, limit) }

    // MARK: Adding

    /// Takes a session in, or finds the one that the same request made.
    /// - Parameter lifetimes: what it lives by; nil for what the request alone says.
    package mutating func add(
        _ spec: SessionSpec, id: SessionID = .random(), lifetimes: Lifetimes? = nil,
        patience: SessionPatience = .init(), at now: BootTime
    ) throws(TableError) -> Admission {
        if let existing = try existing(for: spec) { return .existing(existing) }
        guard liveCount < limit else { throw .full(limit: limit) }
        let lifetimes = lifetimes ?? spec.lifetimes()
        let machine = SessionMachine(
            lifetimes.lifespan(createdAt: now), leases: lifetimes.leases, patience: patience)
        try insert(Session(id, spec, number: lastNumber + 1, machine))
        return .new(id)
    }

    /// Takes in a session of an earlier daemon's, above the limit if it must be: it is there.
    package mutating func restore(_ session: Session) throws(TableError) { try insert(session) }

    /// The session that the same request made before.
    package func existing(for spec: SessionSpec) throws(TableError) -> SessionID? {
        guard let key = spec.idempotencyKey, let id = keys[TenantKey(tenant: spec.tenant, key: key)],
            let session = sessions[id]
        else { return nil }
        if let field = session.spec.firstDifference(from: spec) {
            throw .keyReused(key, session: id, field: field)
        }
        return id
    }

    private mutating func insert(_ session: Session) throws(TableError) {
        let (id, spec) = (session.id, session.spec)
        guard sessions[id] == nil else { throw .idTaken(id) }
        if let name = spec.name {
            let place = TenantName(tenant: spec.tenant, name: name)
            let holder = names[place].flatMap { sessions[$0] }
            let isFree = holder?.machine.hasEnded ?? true
            if let holder, !isFree, !session.machine.hasEnded { throw .nameTaken(name, by: holder.id) }
            // Of those that ended, the last one has it.
            if isFree, !session.machine.hasEnded || session.number > holder?.number ?? 0 { names[place] = id }
        }
        if let key = spec.idempotencyKey { keys[TenantKey(tenant: spec.tenant, key: key)] = id }
        sessions[id] = session
        lastNumber = Swift.max(lastNumber, session.number)
        if !session.machine.hasEnded { liveCount += 1 }
    }

    // MARK: Events

    /// What is to be done about a session that ``add(_:id:patience:at:)`` has just taken in.
    package mutating func opening(_ id: SessionID) -> [SessionAction] {
        sessions[id]?.machine.opening() ?? []
    }

    /// Nil where there is no such session.
    package mutating func handle(
        _ event: SessionEvent, for id: SessionID, at now: BootTime
    ) -> [SessionAction]? {
        guard let hadEnded = sessions[id]?.machine.hasEnded else { return nil }
        let actions = sessions[id]?.machine.handle(event, at: now)
        if !hadEnded, sessions[id]?.machine.hasEnded == true { liveCount -= 1 }
        return actions
    }

    /// Puts a machine back as it was before an event, of which no record could be made.
    package mutating func revert(_ id: SessionID, to machine: SessionMachine) {
        guard let hasEnded = sessions[id]?.machine.hasEnded else { return }
        sessions[id]?.machine = machine
        liveCount += (hasEnded ? 1 : 0) - (machine.hasEnded ? 1 : 0)
    }

    /// Nil where there is no such session.
    package mutating func withProcesses<Result, Failure: Error>(
        of id: SessionID, _ body: (inout ProcessTable) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard var processes = sessions[id]?.processes else { return nil }
        // Held by nobody else meanwhile, so that a change copies nothing.
        sessions[id]?.processes = ProcessTable()
        defer { sessions[id]?.processes = processes }
        return try body(&processes)
    }

    // MARK: Removing

    /// Forgets a session that has ended, and with it its name and key.
    package mutating func remove(_ id: SessionID) throws(TableError) {
        guard let session = sessions[id] else { throw .unknown(id.description) }
        guard session.machine.hasEnded else { throw .notEnded(id, session.machine.state) }
        drop(session)
    }

    /// Forgets a session of which no first record could be made, as if it had never been added.
    package mutating func withdraw(_ id: SessionID) {
        guard let session = sessions[id] else { return }
        if !session.machine.hasEnded { liveCount -= 1 }
        drop(session)
    }

    private mutating func drop(_ session: Session) {
        let spec = session.spec
        if let name = spec.name {
            let place = TenantName(tenant: spec.tenant, name: name)
            if names[place] == session.id { names[place] = nil }
        }
        if let key = spec.idempotencyKey {
            let place = TenantKey(tenant: spec.tenant, key: key)
            if keys[place] == session.id { keys[place] = nil }
        }
        sessions[session.id] = nil
    }

    // MARK: Finding

    /// The session of a whole id, of a name, or of the beginning of an id that no other has.
    /// - Parameter tenant: whose sessions; nil for everybody's.
    package func find(_ text: String, tenant: Name? = nil) throws(TableError) -> SessionID {
        let prefix = IDPrefix(text)
        if let value = prefix?.exactValue, let session = sessions[SessionID(value: value)],
            belongs(session, to: tenant)
        {
            return session.id
        }
        var candidates = named(text, tenant)
        if candidates.isEmpty, let prefix {
            candidates = sessions.values.filter { prefix.begins($0.id) && belongs($0, to: tenant) }.map(\.id)
        }
        guard let first = candidates.first else { throw .unknown(text) }
        if candidates.count > 1 { throw .ambiguous(text, candidates: candidates.sorted()) }
        return first
    }

    /// Several tenants may each have one of a name.
    private func named(_ text: String, _ tenant: Name?) -> [SessionID] {
        guard let tenant else { return names.filter { $0.key.name.description == text }.map(\.value) }
        guard let name = try? Name(text) else { return [] }
        return names[TenantName(tenant: tenant, name: name)].map { [$0] } ?? []
    }

    /// In the order of their creation.
    package func list(_ filter: SessionFilter = SessionFilter(), tenant: Name? = nil) -> [Session] {
        sessions.values.filter { belongs($0, to: tenant) && filter.passes($0) }
            .sorted { $0.number < $1.number }
    }

    /// What may be forgotten, the first that ended first: what ended before a moment, and of the others the
    /// oldest, so that at most so many are left.
    package func ended(before moment: BootTime, keeping most: Int = .max) -> [SessionID] {
        let ended = sessions.values.compactMap { session in session.machine.end.map { (session, $0.at) } }
            .sorted { ($0.1, $0.0.number) < ($1.1, $1.0.number) }
        let tooMany = ended.count - Swift.min(most, ended.count)
        return ended.enumerated().filter { $0.offset < tooMany || $0.element.1 < moment }
            .map(\.element.0.id)
    }

    /// How many of a tenant's have not ended.
    package func liveCount(of tenant: Name) -> Int {
        sessions.values.count { $0.spec.tenant == tenant && !$0.machine.hasEnded }
    }

    /// The same of every tenant that has any.
    package var liveCounts: [Name: Int] {
        sessions.values.reduce(into: [:]) { counts, session in
            if !session.machine.hasEnded { counts[session.spec.tenant, default: 0] += 1 }
        }
    }

    private func belongs(_ session: Session, to tenant: Name?) -> Bool {
        tenant == nil || session.spec.tenant == tenant
    }
}
