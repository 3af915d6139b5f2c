/// The most that one tree may have.
package struct TreeLimits: Hashable, Sendable {
    /// Names of every kind, those that are left out as well.
    package var entries: UInt64
    /// Sizes of all files together, in bytes; holes count.
    package var bytes: UInt64
    /// The size of one file, in bytes; holes count.
    package var fileBytes: UInt64
    /// Directories inside each other.
    package var depth: Int

    package init(
        entries: UInt64 = 1_000_000, bytes: UInt64 = 8 << 30, fileBytes: UInt64 = 4 << 30, depth: Int = 256
    ) {
        self.entries = entries
        self.bytes = bytes
        self.fileBytes = fileBytes
        self.depth = depth
    }
}

/// What a tree has, or what was added to it.
package struct TreeCount: Hashable, Sendable {
    package var files: UInt64 = 0
    package var directories: UInt64 = 0
    package var symlinks: UInt64 = 0
    package var hardlinks: UInt64 = 0
    /// Names that a layer removed, or would have where they were not there.
    package var whiteouts: UInt64 = 0
    /// Names that were left out, by kind: `device`, `fifo`, `socket`, `mount`, `other`.
    package var skipped: [String: UInt64] = [:]
    /// Sizes of the files, in bytes; holes count.
    package var bytes: UInt64 = 0

    package init() {}

    package var entries: UInt64 {
        skipped.values.reduce(files + directories + symlinks + hardlinks + whiteouts, +)
    }

    package mutating func add(_ other: TreeCount) {
        files += other.files
        directories += other.directories
        symlinks += other.symlinks
        hardlinks += other.hardlinks
        whiteouts += other.whiteouts
        skipped.merge(other.skipped, uniquingKeysWith: +)
        bytes += other.bytes
    }
}
