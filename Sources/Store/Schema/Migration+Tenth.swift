extension Migration {
    /// Refusals that were too many for a record each are counted in one.
    static let tenth = Migration(
        version: 10, text: "ALTER TABLE audit ADD COLUMN count INTEGER CHECK (count > 0);")
}
