extension Migration {
    /// What tenants weigh beside others; null for what their plans say.
    static let tenth = Migration(
        version: 10,
        text: "ALTER TABLE tenants ADD COLUMN weight INTEGER CHECK (weight BETWEEN 1 AND 10000);")
}
