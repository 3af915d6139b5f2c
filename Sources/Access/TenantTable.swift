import Sandbox
package import Sessions

/// One of the parties that share a daemon. Its sessions and workspaces are nobody else's to know of.
package struct Tenant: Hashable, Sendable {
    package let name: Name
    /// For people.
    package var description: String
    /// Milliseconds since 1970.
    package let created: Int64
    /// 1 at first, and one more with each change: whoever changes it may say which one they saw.
    package internal(set) var version: UInt64
    /// The name of its plan; nil for none.
    package var plan: String?
    /// What its sessions together weigh beside those of others, 100 being usual; nil for what its plan says.
    package var weight: UInt32?

    package init(
        _ name: Name, description: String = "", created: Int64, version: UInt64 = 1, plan: String? = nil,
        weight: UInt32? = nil
    ) {
        self.weight = weight
        self.plan = plan
        self.name = name
        self.description = description
        self.created = created
        self.version = version
    }
}

/// Why something is not done about a tenant. The text is a sentence without its full stop.
package enum TenantRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    case exists(Name)
    /// There is none of that name, or it is not the caller's to know.
    case unknown(String)
    /// `default` is always there.
    case builtIn(Name)
    case changed(Name, version: UInt64, seen: UInt64)
    case inUse(Name, sessions: Int, workspaces: Int)
    case tooMany(limit: Int)

    package var description: String {
        switch self {
        case .exists(let name): "there is a tenant \(name) already"
        case .unknown(let text): "there is no tenant \(quoted(text))"
        case .builtIn(let name): "the tenant \(name) is of those who have no other, and stays"
        case .changed(let name, let version, let seen):
            "the tenant \(name) was changed meanwhile: its version is \(version), not \(seen)"
        case .inUse(let name, let sessions, let workspaces):
            "the tenant \(name) has \(sessions) sessions that have not ended and \(workspaces) workspaces"
        case .tooMany(let limit): "\(limit) tenants are the most, and as many are there"
        }
    }
}

/// All tenants of one daemon, as a value.
package struct TenantTable: Sendable {
    package static let limit = 1000

    private var tenants: [Name: Tenant] = [:]

    package init(_ tenants: [Tenant] = []) {
        for tenant in tenants { self.tenants[tenant.name] = tenant }
    }

    package subscript(name: Name) -> Tenant? { tenants[name] }

    /// By name.
    package var all: [Tenant] { tenants.values.sorted { $0.name < $1.name } }

    package func find(_ text: String) throws(TenantRefusal) -> Tenant {
        guard let name = try? Name(text), let tenant = tenants[name] else { throw .unknown(text) }
        return tenant
    }

    /// - Parameter wall: milliseconds since 1970.
    package mutating func create(
        _ name: Name, description: String, plan: String? = nil, weight: UInt32? = nil, at wall: Int64
    ) throws(TenantRefusal) -> Tenant {
        if tenants[name] != nil { throw .exists(name) }
        guard tenants.count < Self.limit else { throw .tooMany(limit: Self.limit) }
        let tenant = Tenant(name, description: description, created: wall, plan: plan, weight: weight)
        tenants[name] = tenant
        return tenant
    }

    /// - Parameter seen: the version that the change is meant for; nil for any.
    package mutating func change(
        _ name: Name, ifVersion seen: UInt64?, _ body: (inout Tenant) -> Void
    ) throws(TenantRefusal) -> Tenant {
        guard var tenant = tenants[name] else { throw .unknown(name.description) }
        if let seen, seen != tenant.version { throw .changed(name, version: tenant.version, seen: seen) }
        body(&tenant)
        tenant.version += 1
        tenants[name] = tenant
        return tenant
    }

    /// - Parameters:
    ///   - sessions: of its sessions, how many have not ended.
    ///   - workspaces: how many it has.
    package mutating func remove(
        _ name: Name, sessions: Int, workspaces: Int
    ) throws(TenantRefusal) -> Tenant {
        guard let tenant = tenants[name] else { throw .unknown(name.description) }
        if name == .defaultTenant { throw .builtIn(name) }
        guard sessions == 0, workspaces == 0 else {
            throw .inUse(name, sessions: sessions, workspaces: workspaces)
        }
        tenants[name] = nil
        return tenant
    }

    /// Puts one back as it was, or takes it away: for a change that could not be recorded.
    package mutating func put(_ tenant: Tenant?, at name: Name) { tenants[name] = tenant }
}
