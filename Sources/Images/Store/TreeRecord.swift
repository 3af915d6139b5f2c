package import Wire

/// Where a stored tree came from: `tree.json` beside its root.
package struct TreeRecord: Hashable, Sendable {
    static let sizeLimit = 1 << 20

    /// Which kind of source: `directory`, `tar`, `docker-archive` or `oci-layout`.
    package var kind: String
    /// The path that was given.
    package var source: String
    /// SHA-256 of the image's manifest, where it had one.
    package var manifest: String?
    /// Such as `linux/amd64`, where the source says so.
    package var platform: String?
    /// Seconds since 1970.
    package var imported: UInt64
    package var bytes: UInt64
    package var entries: UInt64
    /// What was left out, by kind.
    package var skipped: [String: UInt64]
    package var environment: [String]
    package var entrypoint: [String]
    package var command: [String]
    package var directory: String?

    init(kind: String, source: String, imported: UInt64) {
        self.kind = kind
        self.source = source
        self.imported = imported
        (bytes, entries, skipped) = (0, 0, [:])
        (environment, entrypoint, command) = ([], [], [])
    }

    package var json: JSONText {
        JSONText.object { record in
            record.add("kind", kind)
            record.add("source", source)
            record.add("manifest", manifest)
            record.add("platform", platform)
            record.add("imported", imported)
            record.add("bytes", bytes)
            record.add("entries", entries)
            record.object("skipped") { kinds in
                for (kind, number) in skipped.sorted(by: { $0.key < $1.key }) { kinds.add(kind, number) }
            }
            record.array("env") { list in environment.forEach { list.add($0) } }
            record.array("entrypoint") { list in entrypoint.forEach { list.add($0) } }
            record.array("cmd") { list in command.forEach { list.add($0) } }
            record.add("workdir", directory)
        }
    }

    package init(_ text: [UInt8], file: String) throws(ImageError) {
        let fields = try JSONFields(parsing: text, file: file)
        kind = try fields.text("kind")
        source = try fields.text("source")
        manifest = try fields.optionalText("manifest")
        platform = try fields.optionalText("platform")
        imported = try fields.number("imported")
        bytes = try fields.number("bytes")
        entries = try fields.number("entries")
        skipped = try fields.counts("skipped")
        environment = try fields.texts("env")
        entrypoint = try fields.texts("entrypoint")
        command = try fields.texts("cmd")
        directory = try fields.optionalText("workdir")
    }
}
