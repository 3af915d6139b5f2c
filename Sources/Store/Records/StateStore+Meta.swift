/// What the store knows of itself, by key.
package enum MetaKey: String, CaseIterable, Sendable {
    /// 16 hexadecimal digits, made with the file: two state directories are never the same instance.
    case instance
    /// The kernel's boot in which a daemon last used it.
    case boot
    /// Number and digest of the last audit record that was dropped because of its age.
    case audit
    /// Until when the disk of tenants is counted: a boot, a moment of its clock and one of the clock for people.
    case disk
}

private enum MetaQueries {
    static let set = Query(
        "set meta",
        """
        INSERT INTO meta (key, value) VALUES (:key, :value)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value
        """)
    static let get = Query("read meta", "SELECT value FROM meta WHERE key = :key")
    static let addTenant = Query(
        "insert tenant", "INSERT INTO tenants (name, created_wall) VALUES (:name, :created)")
}

extension StateStore {
    package func value(of key: MetaKey) throws(StoreError) -> String? {
        try database.first(MetaQueries.get, ["key": .text(key.rawValue)]) { (row) throws(StoreError) in
            try row.text("value")
        }
    }

    package func set(_ key: MetaKey, _ value: String) throws(StoreError) {
        try database.run(MetaQueries.set, ["key": .text(key.rawValue), "value": .text(value)])
    }

    func addTenant(_ name: String, at wall: Int64) throws(StoreError) {
        try database.run(MetaQueries.addTenant, ["name": .text(name), "created": .integer(wall)])
    }
}
