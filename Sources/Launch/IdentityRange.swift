package import Sandbox

/// The ids of the host that a launcher may give to sandboxes, two each, as the slots that stand for them.
///
/// All launchers of a host take slots from one file, whatever ranges they were given. For one id to be one slot
/// in all of them, a slot is half the distance of an id from the start of its block: blocks have 65,536 ids, and
/// one of them begins at 200,000, which is the range of those who were told nothing.
package struct IdentityRange: Hashable, Sendable {
    package static let standard = IdentityRange(start: Int(Identity.rangeStart), slots: 0..<block / 2)
    private static let block = 65_536

    /// The first id of the block.
    private let start: Int
    package let slots: Range<Int>

    private init(start: Int, slots: Range<Int>) {
        self.start = start
        self.slots = slots
    }

    /// - Parameter ids: of one block; where the first is odd it is left out, and so is a last one without a pair.
    package init(ids: ClosedRange<UInt64>) throws(ValueError) {
        guard ids.lowerBound > 0, ids.upperBound < UInt64(UInt32.max) - 1 else {
            throw ValueError("\(Self.text(ids)) is not a range of ids; expected 1 to 4294967293")
        }
        let (first, last) = (Int(ids.lowerBound), Int(ids.upperBound))
        let origin = Int(Identity.rangeStart)
        // Rounded down, also below 200,000.
        let distance = first - origin
        let number = distance >= 0 ? distance / Self.block : -((-distance + Self.block - 1) / Self.block)
        start = origin + number * Self.block
        let end = start + Self.block
        guard last < end else {
            throw ValueError(
                "\(Self.text(ids)) goes past \(end - 1); expected ids of one block, such as \(first)-\(end - 1) or "
                    + "\(end)-\(end + Self.block - 1)")
        }
        slots = (first - start + 1) / 2..<(last + 1 - start) / 2
        guard !slots.isEmpty else {
            throw ValueError(
                "\(Self.text(ids)) has no two ids of one slot; expected an even number first, such as 200000-200001"
            )
        }
    }

    private static func text(_ ids: ClosedRange<UInt64>) -> String { "\(ids.lowerBound)-\(ids.upperBound)" }

    /// - Parameter slot: one of ``slots``.
    package func identity(_ slot: Int) -> Identity {
        precondition(slots.contains(slot), "the slot is not of this range")
        let id = UInt32(start + 2 * slot)
        return .pair(initID: id, processID: id + 1)
    }
}
