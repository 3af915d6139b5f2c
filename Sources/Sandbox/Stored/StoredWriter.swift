/// Writes values one after another, in the form that ``StoredReader`` reads: little-endian words,
/// and texts and lists with their length before them. No names and no types are written: both sides
/// know what comes next.
package struct StoredWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func byte(_ value: UInt8) { bytes.append(value) }

    package mutating func flag(_ value: Bool) { bytes.append(value ? 1 : 0) }

    package mutating func word(_ value: UInt32) { integer(UInt64(value), bytes: 4) }

    package mutating func long(_ value: UInt64) { integer(value, bytes: 8) }

    package mutating func text(_ value: String) {
        word(UInt32(value.utf8.count))
        bytes += value.utf8
    }

    package mutating func blob(_ value: [UInt8]) {
        word(UInt32(value.count))
        bytes += value
    }

    /// As it is, without a length.
    package mutating func raw(_ value: [UInt8]) { bytes += value }

    private mutating func integer(_ value: UInt64, bytes count: Int) {
        for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }
}
