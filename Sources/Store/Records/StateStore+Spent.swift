// Recording and reading what tenants have spent of their quotas.

/// What a tenant has spent of a quota in the window that began last.
package struct SpentRecord: Hashable, Sendable {
    package let tenant: String
    package let quota: String
    /// In seconds since 1970.
    package let start: UInt64
    package let amount: UInt64

    package init(tenant: String, quota: String, start: UInt64, amount: UInt64) {
        self.tenant = tenant
        self.quota = quota
        self.start = start
        self.amount = amount
    }
}

private enum SpentQueries {
    static let put = Query(
        "put spent",
        """
        INSERT INTO spent (tenant, quota, start, amount) VALUES (:tenant, :quota, :start, :amount)
        ON CONFLICT (tenant, quota) DO UPDATE SET start = excluded.start, amount = excluded.amount
        """)
    static let all = Query("list spent", "SELECT * FROM spent ORDER BY tenant, quota")
}

extension StateStore {
    /// Of every tenant and quota, sorted.
    package func spent() throws(StoreError) -> [SpentRecord] {
        try database.rows(SpentQueries.all) { (row) throws(StoreError) in
            SpentRecord(
                tenant: try row.text("tenant"), quota: try row.text("quota"),
                start: try row.optionalUnsigned("start") ?? 0, amount: try row.optionalUnsigned("amount") ?? 0
            )
        }
    }

    func put(_ spent: SpentRecord) throws(StoreError) -> Outcome {
        guard try hasTenant(spent.tenant) else { return .noTenant(spent.tenant) }
        try database.run(
            SpentQueries.put,
            [
                "tenant": .text(spent.tenant), "quota": .text(spent.quota), "start": .optional(spent.start),
                "amount": .optional(spent.amount),
            ])
        return .done
    }
}
