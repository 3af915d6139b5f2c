/// The most that a volume may hold.
package struct VolumeLimits: Hashable, Sendable {
    /// Nil for no limit.
    package var bytes: UInt64?
    /// Files, directories and links of all kinds; nil for no limit.
    package var inodes: UInt64?

    package init(bytes: UInt64? = nil, inodes: UInt64? = nil) {
        self.bytes = bytes
        self.inodes = inodes
    }

    /// The least limit: an empty btrfs subvolume has 16 KiB, and a file system wants some more to move in.
    package static let leastBytes: UInt64 = 64 << 10
    /// The top directory is one.
    package static let leastInodes: UInt64 = 2

    /// - Parameter capacity: what there is in all, in bytes; nil where nobody knows.
    /// - Throws: ``VolumeError/badLimit(_:_:expected:)``.
    func check(capacity: UInt64?) throws(VolumeError) {
        if let bytes, bytes < Self.leastBytes {
            throw .badLimit("bytes", bytes, expected: "at least \(Self.leastBytes)")
        }
        if let bytes, let capacity, bytes > capacity {
            throw .badLimit("bytes", bytes, expected: "at most \(capacity), which is all that there is")
        }
        // Above this the kernel's own arithmetic with signed numbers ends.
        if let bytes, bytes > UInt64(Int64.max) {
            throw .badLimit("bytes", bytes, expected: "at most \(Int64.max)")
        }
        if let inodes, inodes < Self.leastInodes {
            throw .badLimit("inodes", inodes, expected: "at least \(Self.leastInodes)")
        }
    }
}

/// What a volume holds, as far as the kernel counts it.
package struct VolumeUsage: Hashable, Sendable {
    /// What is charged to it, in bytes; nil where nothing counts them.
    package var bytes: UInt64?
    /// Nil where nothing counts them.
    package var inodes: UInt64?

    package init(bytes: UInt64? = nil, inodes: UInt64? = nil) {
        self.bytes = bytes
        self.inodes = inodes
    }
}

/// How near a use is to its limit: what operators are told of.
package enum QuotaMark: Int, Comparable, Hashable, Sendable {
    case below = 0
    case eightyPercent = 80
    case ninetyFivePercent = 95

    /// - Parameter limit: nil for none, below which every use is.
    package init(used: UInt64, limit: UInt64?) {
        guard let limit else {
            self = .below
            return
        }
        // In 128 bits: a use times 100 is too much for 64.
        let share = UInt128(used) * 100
        if share >= UInt128(limit) * 95 {
            self = .ninetyFivePercent
        } else {
            self = share >= UInt128(limit) * 80 ? .eightyPercent : .below
        }
    }

    /// The nearer one of bytes and inodes.
    package init(_ usage: VolumeUsage, of limits: VolumeLimits) {
        self = max(
            QuotaMark(used: usage.bytes ?? 0, limit: limits.bytes),
            QuotaMark(used: usage.inodes ?? 0, limit: limits.inodes))
    }

    /// What to tell when a use is at this mark and was at `last`: nothing on the way down or where it stays.
    package func event(after last: QuotaMark) -> QuotaMark? { self > last ? self : nil }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
