/// One step of the schema, from the version before to its own.
///
/// A step that was ever released is never changed: the next one corrects it.
struct Migration: Sendable {
    /// `PRAGMA user_version` after it.
    let version: Int64
    let text: String

    /// In the order in which they are applied: versions 1, 2, 3 and so on.
    static let all = [
        first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, eleventh,
    ]

    static func latest(_ migrations: [Migration]) -> Int64 { migrations.last?.version ?? 0 }
}

extension Database {
    /// Brings the schema up to date, each step in a transaction of its own: a step that fails leaves the
    /// version before it.
    func migrate(from version: Int64, with migrations: [Migration]) throws(StoreError) {
        for migration in migrations where migration.version > version {
            try transaction { () throws(StoreError) in
                try execute("migration \(migration.version)", migration.text)
                try execute("migration \(migration.version)", "PRAGMA user_version = \(migration.version)")
            }
        }
    }
}
