package import Trees
package import Wire

/// What became of an archive.
package struct UnpackReport: Hashable, Sendable {
    package var count: TreeCount
    /// Bytes that were read.
    package var compressedBytes: UInt64
    /// Bytes of the archive without compression.
    package var plainBytes: UInt64
    /// Their SHA-256, as 64 hexadecimal digits; images call it a layer's diff ID.
    package var plainDigest: String

    /// One line of JSON; docs/images.md has its fields.
    package var json: JSONText {
        JSONText.object { report in
            report.add("entries", count.entries)
            report.add("files", count.files)
            report.add("directories", count.directories)
            report.add("symlinks", count.symlinks)
            report.add("hardlinks", count.hardlinks)
            report.add("whiteouts", count.whiteouts)
            report.object("skipped") { kinds in
                for (kind, number) in count.skipped.sorted(by: { $0.key < $1.key }) {
                    kinds.add(kind, number)
                }
            }
            report.add("bytes", count.bytes)
            report.add("compressedBytes", compressedBytes)
            report.add("plainBytes", plainBytes)
            report.add("plainDigest", plainDigest)
        }
    }
}
