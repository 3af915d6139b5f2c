extension Migration {
    /// What a snapshot counts as in its tenant's disk quota; null for those of before, which count as their workspace.
    static let eighth = Migration(
        version: 8,
        text: """
            ALTER TABLE snapshots ADD COLUMN bytes INTEGER CHECK (bytes >= 0);
            """)
}
