/// How big an image is, and when it grows. All in bytes.
package struct ImagePolicy: Hashable, Sendable {
    /// What a new image has.
    package var initial: UInt64
    /// What is added at a time.
    package var step: UInt64
    /// What is kept free for writers, so that they meet their own limits and not the image's end.
    package var headroom: UInt64
    /// The most that the image may have.
    package var bound: UInt64
    /// Whether the disk's room is set aside for all of the image. Where the disk has no room for a hole, what was
    /// written is lost after its writer was told that all was well; an image without holes is full before that.
    package var isReserved: Bool

    package init(
        initial: UInt64 = 512 << 20, step: UInt64 = 512 << 20, headroom: UInt64 = 256 << 20,
        bound: UInt64 = 64 << 30, isReserved: Bool = true
    ) {
        self.initial = initial
        self.step = step
        self.headroom = headroom
        self.bound = bound
        self.isReserved = isReserved
    }

    /// As much as usual of what an image may have in all.
    package init(upTo bound: UInt64) {
        let usual = ImagePolicy()
        self.init(
            initial: min(usual.initial, bound), step: usual.step, headroom: min(usual.headroom, bound / 4),
            bound: bound)
    }

    /// The kernel makes no btrfs smaller or bigger that has less (BTRFS_IOC_RESIZE).
    package static let least: UInt64 = 256 << 20
    /// Loop devices and btrfs count in blocks of this size.
    private static let block: UInt64 = 1 << 20

    /// - Throws: ``VolumeError/badLimit(_:_:expected:)``.
    func check() throws(VolumeError) {
        if initial < Self.least {
            throw .badLimit("an image's first size", initial, expected: "at least \(Self.least)")
        }
        if bound < initial || bound > UInt64(Int64.max) {
            throw .badLimit("an image's bound", bound, expected: "\(initial) to \(Int64.max)")
        }
        if step < Self.block { throw .badLimit("an image's step", step, expected: "at least \(Self.block)") }
    }

    /// Less than this for metadata, in its chunks and for new ones, and the next write may not find any (ENOSPC),
    /// however much room chunks of data still have: the kernel keeps a part of it for itself.
    private static let metadataReserve: UInt64 = 16 << 20

    /// Whether metadata may end before data does.
    package func isShortOfMetadata(_ room: BtrfsRoom) -> Bool {
        let chunks = room.data + room.metadata
        let unallocated = room.size > chunks ? room.size - chunks : 0
        let spare = room.metadata > room.metadataUsed ? room.metadata - room.metadataUsed : 0
        return unallocated + spare < Self.metadataReserve
    }

    /// What writers can still have. Chunks of metadata are no room for files.
    package func free(_ room: BtrfsRoom) -> UInt64 {
        let taken = room.dataUsed + room.metadata
        return room.size > taken ? room.size - taken : 0
    }

    /// The size that an image should have: as much more in whole steps that there is ``headroom``, one where
    /// metadata is short, and never more than ``bound``.
    package func size(_ room: BtrfsRoom) -> UInt64 {
        let free = free(room)
        let isShort = isShortOfMetadata(room)
        if free >= headroom, !isShort { return room.size }
        let steps = max(free < headroom ? (headroom - free - 1) / step + 1 : 0, isShort ? 1 : 0)
        let (more, tooMuch) = steps.multipliedReportingOverflow(by: step)
        let (grown, alsoTooMuch) = room.size.addingReportingOverflow(more)
        let size = tooMuch || alsoTooMuch ? bound : min(grown, bound)
        return max(room.size, size / Self.block * Self.block)
    }
}
