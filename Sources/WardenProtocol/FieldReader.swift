/// Reads the fields of one message, in the order in which they were written. Every reading checks what it
/// takes before it takes it; none traps, whatever the bytes are.
struct FieldReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func byte(_ field: String) throws(WireProblem) -> UInt8 {
        UInt8(truncatingIfNeeded: try integer(field, bytes: 1))
    }

    mutating func flag(_ field: String) throws(WireProblem) -> Bool {
        let value = try byte(field)
        guard value <= 1 else { throw .unknownValue(field, UInt64(value)) }
        return value == 1
    }

    mutating func half(_ field: String) throws(WireProblem) -> UInt16 {
        UInt16(truncatingIfNeeded: try integer(field, bytes: 2))
    }

    mutating func word(_ field: String) throws(WireProblem) -> UInt32 {
        UInt32(truncatingIfNeeded: try integer(field, bytes: 4))
    }

    mutating func long(_ field: String) throws(WireProblem) -> UInt64 { try integer(field, bytes: 8) }

    mutating func longOrNone(_ field: String) throws(WireProblem) -> UInt64? {
        try flag(field) ? try long(field) : nil
    }

    mutating func blob(_ field: String, limit: Int) throws(WireProblem) -> [UInt8] {
        Array(bytes[try range(field, limit)])
    }

    /// UTF-8 without NUL bytes: a text goes to system calls, which would end it there.
    mutating func text(
        _ field: String, limit: Int = WardenFormat.nameLimit
    ) throws(WireProblem) -> String {
        let range = try range(field, limit)
        guard let text = String(validating: bytes[range], as: UTF8.self), !bytes[range].contains(0) else {
            throw .notText(field)
        }
        return text
    }

    mutating func textOrNone(_ field: String) throws(WireProblem) -> String? {
        try flag(field) ? try text(field) : nil
    }

    /// One of the values of an enumeration, by its place among them.
    mutating func choice<Value: CaseIterable>(_ field: String) throws(WireProblem) -> Value {
        let number = try byte(field)
        let all = Array(Value.allCases)
        guard Int(number) < all.count else { throw .unknownValue(field, UInt64(number)) }
        return all[Int(number)]
    }

    /// - Parameter limit: the most elements. Memory for them is taken as they are read.
    mutating func list<Element>(
        _ field: String, limit: Int, _ read: (inout FieldReader) throws(WireProblem) -> Element
    ) throws(WireProblem) -> [Element] {
        let count = try word(field)
        guard count <= limit else { throw .tooLong(field, UInt64(count), limit: limit) }
        var values: [Element] = []
        for _ in 0..<count { values.append(try read(&self)) }
        return values
    }

    /// - Throws: where bytes are left that nothing has read.
    func finish() throws(WireProblem) {
        if position != bytes.count { throw .trailing(bytes.count - position) }
    }

    private mutating func range(_ field: String, _ limit: Int) throws(WireProblem) -> Range<Int> {
        let count = try word(field)
        guard count <= limit else { throw .tooLong(field, UInt64(count), limit: limit) }
        return try take(Int(count), field)
    }

    private mutating func integer(_ field: String, bytes count: Int) throws(WireProblem) -> UInt64 {
        var value: UInt64 = 0
        for index in try take(count, field).reversed() { value = value << 8 | UInt64(bytes[index]) }
        return value
    }

    private mutating func take(_ count: Int, _ field: String) throws(WireProblem) -> Range<Int> {
        guard count <= bytes.count - position else { throw .truncated(field) }
        position += count
        return position - count..<position
    }
}

extension FieldWriter {
    /// As ``FieldReader/choice(_:)`` reads it.
    mutating func choice<Value: CaseIterable & Equatable>(_ value: Value) {
        byte(UInt8(truncatingIfNeeded: Array(Value.allCases).firstIndex(of: value) ?? 0))
    }
}
