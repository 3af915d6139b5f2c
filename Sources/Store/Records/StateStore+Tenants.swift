// Recording and reading tenants.

/// What is kept of a tenant.
package struct TenantRecord: Hashable, Sendable {
    package let name: String
    package var description: String
    /// Milliseconds since 1970.
    package let created: Int64
    /// Grows with each change.
    package var version: UInt64
    /// Its own limits as a JSON object, a number or null for each that is stated.
    package var quotas: String
    /// The name of its plan.
    package var plan: String?
    /// Of its own; nil for its plan's.
    package var weight: UInt32?

    package init(
        name: String, description: String, created: Int64, version: UInt64, quotas: String = "{}",
        plan: String? = nil, weight: UInt32? = nil
    ) {
        self.weight = weight
        self.plan = plan
        self.name = name
        self.description = description
        self.created = created
        self.version = version
        self.quotas = quotas
    }
}

private enum TenantQueries {
    static let put = Query(
        "put tenant",
        """
        INSERT INTO tenants (name, created_wall, description, version, quotas, plan, weight)
        VALUES (:name, :created_wall, :description, :version, :quotas, :plan, :weight)
        ON CONFLICT (name) DO UPDATE SET description = excluded.description, version = excluded.version,
            quotas = excluded.quotas, plan = excluded.plan, weight = excluded.weight
        """)
    static let all = Query("list tenants", "SELECT * FROM tenants ORDER BY name")
    static let has = Query("read tenant", "SELECT name FROM tenants WHERE name = :name")
    static let dropSessions = Query(
        "drop a tenant's sessions", "DELETE FROM sessions WHERE tenant = :name AND live = 0")
    static let dropSnapshots = Query(
        "drop a tenant's snapshots", "DELETE FROM snapshots WHERE tenant = :name")
    static let drop = Query("drop tenant", "DELETE FROM tenants WHERE name = :name")
}

extension StateStore {
    /// The tenant of everybody who names none.
    package static let defaultTenant = "default"

    /// Every tenant, sorted by name.
    package func tenants() throws(StoreError) -> [TenantRecord] {
        try database.rows(TenantQueries.all) { (row) throws(StoreError) in
            TenantRecord(
                name: try row.text("name"), description: try row.text("description"),
                created: try row.integer("created_wall"), version: try row.optionalUnsigned("version") ?? 1,
                quotas: try row.text("quotas"), plan: try row.optionalText("plan"),
                weight: try row.optionalUnsigned("weight").map { UInt32(clamping: $0) })
        }
    }

    func put(_ tenant: TenantRecord) throws(StoreError) -> Outcome {
        try database.run(
            TenantQueries.put,
            [
                "name": .text(tenant.name), "created_wall": .integer(tenant.created),
                "description": .text(tenant.description), "version": .optional(tenant.version),
                "quotas": .text(tenant.quotas), "plan": .optional(tenant.plan),
                "weight": .optional(tenant.weight.map { UInt64($0) }),
            ])
        return .done
    }

    /// With the records of its sessions that have ended. One of something that is left outside stops it: then it
    /// breaks the schema's rule that whatever is has a tenant.
    func dropTenant(_ name: String) throws(StoreError) -> Outcome {
        guard try hasTenant(name) else { return .noTenant(name) }
        try database.run(TenantQueries.dropSessions, ["name": .text(name)])
        try database.run(TenantQueries.dropSnapshots, ["name": .text(name)])
        try database.run(TenantQueries.drop, ["name": .text(name)])
        return .done
    }

    func hasTenant(_ name: String) throws(StoreError) -> Bool {
        try database.first(TenantQueries.has, ["name": .text(name)]) { _ in true } ?? false
    }
}
