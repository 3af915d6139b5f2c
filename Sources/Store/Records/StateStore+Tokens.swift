// Recording and reading tokens.

/// What is kept of a token: everything but its secret. Times are in seconds since 1970.
package struct KeptToken: Hashable, Sendable {
    package let id: UInt32
    package let name: String
    package let role: String
    package let tenant: String
    /// SHA-256 of its text, in hexadecimal digits.
    package let digest: String
    package let created: UInt64
    package let expires: UInt64?
    package let revoked: UInt64?

    package init(
        id: UInt32, name: String, role: String, tenant: String, digest: String, created: UInt64,
        expires: UInt64?, revoked: UInt64?
    ) {
        self.id = id
        self.name = name
        self.role = role
        self.tenant = tenant
        self.digest = digest
        self.created = created
        self.expires = expires
        self.revoked = revoked
    }
}

private enum TokenQueries {
    static let put = Query(
        "put token",
        """
        INSERT INTO tokens (id, name, role, tenant, digest, created, expires, revoked)
        VALUES (:id, :name, :role, :tenant, :digest, :created, :expires, :revoked)
        ON CONFLICT (id) DO UPDATE SET revoked = excluded.revoked
        """)
    static let all = Query("list tokens", "SELECT * FROM tokens ORDER BY id")
    static let drop = Query("drop token", "DELETE FROM tokens WHERE id = :id")
}

extension StateStore {
    /// Every token, also those that are over.
    package func tokens() throws(StoreError) -> [KeptToken] {
        try database.rows(TokenQueries.all) { (row) throws(StoreError) in
            KeptToken(
                id: UInt32(clamping: try row.integer("id")), name: try row.text("name"),
                role: try row.text("role"), tenant: try row.text("tenant"), digest: try row.text("digest"),
                created: try row.optionalUnsigned("created") ?? 0,
                expires: try row.optionalUnsigned("expires"), revoked: try row.optionalUnsigned("revoked"))
        }
    }

    /// Of a token that is there, only that it is revoked can change.
    func put(_ token: KeptToken) throws(StoreError) -> Outcome {
        guard try hasTenant(token.tenant) else { return .noTenant(token.tenant) }
        try database.run(
            TokenQueries.put,
            [
                "id": .integer(Int64(token.id)), "name": .text(token.name), "role": .text(token.role),
                "tenant": .text(token.tenant), "digest": .text(token.digest),
                "created": .optional(token.created), "expires": .optional(token.expires),
                "revoked": .optional(token.revoked),
            ])
        return .done
    }

    func dropToken(_ id: UInt32) throws(StoreError) -> Outcome {
        try database.run(TokenQueries.drop, ["id": .integer(Int64(id))])
        return .done
    }
}
