/// What kind of value a JSON text is.
package enum JSONKind: Hashable, Sendable {
    case object, array, string, number, boolean, null
}

/// A member of the outermost object: where its key and its value lie.
package struct JSONMember: Sendable {
    package let key: JSONString
    /// The value as it is written; a string with its quotes.
    package let value: Range<Int>
}

/// Checks that bytes are exactly one JSON value, in one pass and without building anything.
///
/// Strict as RFC 8259 and RFC 3629 are: UTF-8 without surrogates and overlong forms, escaped
/// surrogates in pairs only, nothing before or after the value but the four kinds of white space,
/// no NaN or Infinity. Stricter where parsers disagree: no key twice in one object, at any depth.
///
/// A scanner keeps a little memory from one text to the next, so that scanning allocates nothing.
package struct JSONScanner: Sendable {
    /// Arrays and objects inside one another: one bit of a word for each.
    package static let maximumDepth = UInt64.bitWidth
    /// In bytes: a key is kept as two offsets and a flag in one word.
    package static let maximumLength = Int(Int32.max)

    private var keys = JSONKeys()

    package init() {}

    /// Scans `bytes`; calls `member` for each member of the outermost object, in their order.
    ///
    /// A member is seen before the text behind it is known to be good: use what `member` was given
    /// only once `scan` has returned.
    ///
    /// - Returns: what kind of value the text is.
    /// - Throws: ``JSONError`` at the first byte that no JSON text can have there.
    package mutating func scan(
        _ bytes: Span<UInt8>, member: (JSONMember) -> Void = { _ in }
    ) throws(JSONError) -> JSONKind {
        guard bytes.count <= Self.maximumLength else { throw JSONError(.tooLong, at: Self.maximumLength) }
        keys.reset()
        var nesting = Nesting()
        var at = 0
        skipSpace(bytes, &at)
        let kind = try kind(bytes, at)
        while true {
            if nesting.depth == 1 { nesting.memberStart = at }
            if try enter(bytes, &at, &nesting, &keys) { continue }
            if try leave(bytes, &at, &nesting, &keys, member) { return kind }
        }
    }
}

/// The arrays and objects that are open.
private struct Nesting {
    var depth = 0
    /// Bit 0 is the innermost container: 1 for an object, 0 for an array.
    var objects: UInt64 = 0
    /// The member of the outermost object that is being read.
    var memberKey = JSONString(0, 0, escaped: false)
    var memberStart = 0

    var inObject: Bool { objects & 1 == 1 }

    mutating func open(object: Bool, at offset: Int) throws(JSONError) {
        guard depth < JSONScanner.maximumDepth else { throw JSONError(.tooDeep, at: offset) }
        depth += 1
        objects = objects << 1 | (object ? 1 : 0)
    }

    mutating func close() {
        depth -= 1
        objects >>= 1
    }
}

private func kind(_ bytes: Span<UInt8>, _ at: Int) throws(JSONError) -> JSONKind {
    guard at < bytes.count else { throw JSONError(.ended(.value), at: at) }
    switch bytes[at] {
    case Byte.openBrace: return .object
    case Byte.openBracket: return .array
    case Byte.quote: return .string
    case Byte.minus, Byte.zero...Byte.nine: return .number
    case Byte.t, Byte.f: return .boolean
    case Byte.n: return .null
    default: throw JSONError(.expected(.value, found: bytes[at]), at: at)
    }
}

/// Reads a value, or the front of one: true when it opened a container that is not empty, whose
/// first value comes next; false behind a whole value.
@inline(__always)
private func enter(
    _ bytes: Span<UInt8>, _ at: inout Int, _ nesting: inout Nesting, _ keys: inout JSONKeys
) throws(JSONError) -> Bool {
    guard at < bytes.count else { throw JSONError(.ended(.value), at: at) }
    switch bytes[at] {
    case Byte.quote:
        at += 1
        _ = try skipString(bytes, &at)
    case Byte.openBrace:
        try nesting.open(object: true, at: at)
        keys.open()
        at += 1
        skipSpace(bytes, &at)
        guard at < bytes.count, bytes[at] == Byte.closeBrace else {
            try key(bytes, &at, &nesting, &keys, or: .keyOrClose)
            return true
        }
        at += 1
        try keys.close(bytes)
        nesting.close()
    case Byte.openBracket:
        try nesting.open(object: false, at: at)
        at += 1
        skipSpace(bytes, &at)
        guard at < bytes.count, bytes[at] == Byte.closeBracket else { return true }
        at += 1
        nesting.close()
    case Byte.minus, Byte.zero...Byte.nine: try skipNumber(bytes, &at)
    case Byte.t: try skipLiteral(Literal.true, bytes, &at)
    case Byte.f: try skipLiteral(Literal.false, bytes, &at)
    case Byte.n: try skipLiteral(Literal.null, bytes, &at)
    default: throw JSONError(.expected(.value, found: bytes[at]), at: at)
    }
    return false
}

/// Goes on behind a whole value, through every container that ends there: true at the end of the
/// text, false where the next value begins.
@inline(__always)
private func leave(
    _ bytes: Span<UInt8>, _ at: inout Int, _ nesting: inout Nesting, _ keys: inout JSONKeys,
    _ member: (JSONMember) -> Void
) throws(JSONError) -> Bool {
    while nesting.depth > 0 {
        let inObject = nesting.inObject
        if nesting.depth == 1 && inObject {
            member(JSONMember(key: nesting.memberKey, value: nesting.memberStart..<at))
        }
        skipSpace(bytes, &at)
        let expected: JSONError.Expected = inObject ? .commaOrBrace : .commaOrBracket
        guard at < bytes.count else { throw JSONError(.ended(expected), at: at) }
        let byte = bytes[at]
        if byte == Byte.comma {
            at += 1
            skipSpace(bytes, &at)
            if inObject { try key(bytes, &at, &nesting, &keys, or: .key) }
            return false
        }
        guard byte == (inObject ? Byte.closeBrace : Byte.closeBracket) else {
            throw JSONError(.expected(expected, found: byte), at: at)
        }
        at += 1
        if inObject { try keys.close(bytes) }
        nesting.close()
    }
    skipSpace(bytes, &at)
    guard at == bytes.count else { throw JSONError(.expected(.end, found: bytes[at]), at: at) }
    return true
}

/// Reads a key and its colon, up to where the value begins.
@inline(__always)
private func key(
    _ bytes: Span<UInt8>, _ at: inout Int, _ nesting: inout Nesting, _ keys: inout JSONKeys,
    or expected: JSONError.Expected
) throws(JSONError) {
    guard at < bytes.count else { throw JSONError(.ended(expected), at: at) }
    guard bytes[at] == Byte.quote else { throw JSONError(.expected(expected, found: bytes[at]), at: at) }
    at += 1
    let start = at
    let escaped = try skipString(bytes, &at)
    let key = JSONString(start, at - 1, escaped: escaped)
    try keys.add(key, bytes)
    if nesting.depth == 1 { nesting.memberKey = key }
    skipSpace(bytes, &at)
    guard at < bytes.count else { throw JSONError(.ended(.colon), at: at) }
    guard bytes[at] == Byte.colon else { throw JSONError(.expected(.colon, found: bytes[at]), at: at) }
    at += 1
    skipSpace(bytes, &at)
}
