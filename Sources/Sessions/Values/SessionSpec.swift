package import Sandbox

/// What somebody asks for when they create a session. Everything in it has been checked for its form;
/// whether the profile is there and allows it is decided by whoever has the operator's files.
///
/// Two specs are equal when they ask for the same, however they were written: that is how a repeated
/// idempotency key is told from a mistaken one.
package struct SessionSpec: Hashable, Sendable {
    package var name: Name?
    package var tenant: Name
    package var profile: String
    /// Nil for the profile's.
    package var image: String?
    package var labels: Labels
    /// By name, each once.
    package private(set) var environment: [EnvironmentVariable] = []
    /// In the order of ``SessionLimit``, each once.
    package private(set) var limits: [ProfileOverride] = []
    /// In milliseconds; nil where the request says nothing.
    package var ttl: UInt64?
    /// In milliseconds.
    package var idle: UInt64?
    /// In milliseconds.
    package var max: UInt64?
    /// Those that the request wants not to be there, whatever the profile has.
    package var without: Set<Lifespan.Limit> = []
    /// What its files are kept on.
    package var workspace = SessionWorkspace.memory
    /// Whether the request says that its files outlive it; no lifetime changes.
    package var isPersistent: Bool
    /// Nil where the request says nothing.
    package var leases: LeasePolicy?
    package var idempotencyKey: IdempotencyKey?

    /// - Parameter profile: a name, never a path: no file of the client's choice is read.
    package init(
        profile: String, name: Name? = nil, image: String? = nil, tenant: Name = .defaultTenant,
        labels: Labels = Labels(), ttl: UInt64? = nil, idle: UInt64? = nil, max: UInt64? = nil,
        isPersistent: Bool = false, leases: LeasePolicy? = nil, idempotencyKey: IdempotencyKey? = nil
    ) throws(ValueError) {
        try checkSimpleName(profile)
        if let image { try checkSimpleName(image) }
        self.name = name
        self.tenant = tenant
        self.profile = profile
        self.image = image
        self.labels = labels
        self.ttl = ttl
        self.idle = idle
        self.max = max
        self.isPersistent = isPersistent
        self.leases = leases
        self.idempotencyKey = idempotencyKey
    }

    /// The most bytes of names and values together: well below what execve(2) takes.
    package static let environmentLimit = 256 << 10

    /// Adds variables; the last of a name wins.
    package mutating func setEnvironment(_ variables: [EnvironmentVariable]) throws(ValueError) {
        var values: [String: String] = [:]
        for variable in variables { values[variable.name] = variable.value }
        let size = values.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count + 2 }
        guard size <= SessionSpec.environmentLimit else {
            throw ValueError(
                "\(size) bytes of variables are too many; expected at most \(SessionSpec.environmentLimit)")
        }
        environment = values.sorted { $0.key < $1.key }
            .map { EnvironmentVariable(name: $0.key, value: $0.value) }
    }

    /// States limits; the last of a kind wins. Variables and images are no limits and are left out.
    package mutating func setLimits(_ overrides: [ProfileOverride]) {
        var byKind: [SessionLimit: ProfileOverride] = [:]
        for override in overrides {
            if let limit = SessionLimit(of: override) { byKind[limit] = override }
        }
        limits = SessionLimit.allCases.compactMap { byKind[$0] }
    }

    /// What is laid over the profile.
    package var overrides: [ProfileOverride] {
        (image.map { [.image($0)] } ?? []) + limits + environment.map { .variable($0) }
    }

    /// The field in which two specs differ, as requests name it; nil when they ask for the same.
    package func firstDifference(from other: SessionSpec) -> String? {
        if name != other.name { return "name" }
        if tenant != other.tenant { return "tenant" }
        if profile != other.profile { return "profile" }
        if image != other.image { return "image" }
        if labels != other.labels { return "labels" }
        if environment != other.environment { return "env" }
        if limits != other.limits { return "limits" }
        for (limit, name) in [(Lifespan.Limit.ttl, "ttl"), (.idle, "idle"), (.max, "max")]
        where asked(limit) != other.asked(limit) || without.contains(limit) != other.without.contains(limit) {
            return name
        }
        if workspace != other.workspace { return workspace.difference(from: other.workspace) }
        if isPersistent != other.isPersistent { return "persistent" }
        if leases != other.leases { return "leases" }
        return idempotencyKey != other.idempotencyKey ? "idempotency_key" : nil
    }

    private func asked(_ limit: Lifespan.Limit) -> UInt64? {
        switch limit {
        case .ttl: ttl
        case .idle: idle
        case .max: max
        }
    }

    /// What a session made of it lives by.
    /// - Parameter usual: what holds where the request says nothing: the profile's, or the operator's.
    package func lifetimes(over usual: Lifetimes = Lifetimes()) -> Lifetimes {
        func time(_ limit: Lifespan.Limit, _ usual: UInt64?) -> UInt64? {
            without.contains(limit) ? nil : asked(limit) ?? usual
        }
        return Lifetimes(
            ttl: time(.ttl, usual.ttl), idle: time(.idle, usual.idle), max: time(.max, usual.max),
            leases: leases ?? usual.leases)
    }
}
