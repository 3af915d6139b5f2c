extension Migration {
    /// Tenants besides the first, which operators make, describe and change.
    static let fourth = Migration(
        version: 4,
        text: """
            ALTER TABLE tenants ADD COLUMN description TEXT NOT NULL DEFAULT '';
            ALTER TABLE tenants ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version >= 1);
            """)
}
