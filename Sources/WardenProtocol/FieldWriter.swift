/// Writes the fields of one message.
struct FieldWriter {
    private(set) var bytes: [UInt8] = []

    mutating func byte(_ value: UInt8) { bytes.append(value) }
    mutating func flag(_ value: Bool) { byte(value ? 1 : 0) }
    mutating func half(_ value: UInt16) { integer(UInt64(value), bytes: 2) }
    mutating func word(_ value: UInt32) { integer(UInt64(value), bytes: 4) }
    mutating func long(_ value: UInt64) { integer(value, bytes: 8) }

    mutating func longOrNone(_ value: UInt64?) {
        flag(value != nil)
        if let value { long(value) }
    }

    mutating func text(_ value: String) { blob(Array(value.utf8)) }

    mutating func textOrNone(_ value: String?) {
        flag(value != nil)
        if let value { text(value) }
    }

    mutating func blob(_ value: [UInt8]) {
        word(UInt32(truncatingIfNeeded: value.count))
        bytes += value
    }

    mutating func list<Element>(_ values: [Element], _ write: (inout FieldWriter, Element) -> Void) {
        word(UInt32(truncatingIfNeeded: values.count))
        for value in values { write(&self, value) }
    }

    private mutating func integer(_ value: UInt64, bytes count: Int) {
        for index in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }
}
