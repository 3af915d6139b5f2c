extension Migration {
    /// Refusals that were too many for a record each are counted in one.
    static let ninth = Migration(
        version: 9, text: "ALTER TABLE audit ADD COLUMN count INTEGER CHECK (count > 0);")
}
