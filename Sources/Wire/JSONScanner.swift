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

    /// Keys for which memory is kept from one text to the next: 16 KB of it.
    private static let kept = 1024

    private var memory: [JSONKey] = []
    private var notes = JSONNotes(JSONNames())

    package init() {}

    /// - Parameter names: what ``strings(in:of:_:)`` finds.
    package init(noting names: JSONNames) { notes = JSONNotes(names) }

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
        if memory.count > Self.kept { memory = [] }
        var state = State()
        // A variable of its own, as the memory below is lent from this scanner.
        var notes = JSONNotes(JSONNames())
        swap(&notes, &self.notes)
        defer { swap(&notes, &self.notes) }
        notes.begin()
        skipSpace(bytes, &state.at)
        let kind = try kind(bytes, state.at)
        repeat {
            let more = max(64, memory.count)
            memory.append(
                contentsOf: repeatElement(.none, count: state.keys.fit(in: memory.count) ? 0 : more))
        } while try unsafe !memory.withUnsafeMutableBufferPointer { (buffer) throws(JSONError) in
            // Safety: nothing keeps it.
            try advance(bytes, &state, unsafe KeyMemory(buffer), &notes, member)
        }
        notes.end(bytes.count)
        return kind
    }

    /// Calls `body` with every string in `value`, at any depth, that is the value of a member with one of the
    /// names which this scanner notes, in their order, until it returns false.
    ///
    /// - Parameter bytes: the text that was scanned last, and was good.
    package func strings(
        in value: Range<Int>, of bytes: Span<UInt8>, _ body: (JSONString) -> Bool
    ) {
        notes.strings(in: value, of: bytes, body)
    }
}

private struct State {
    var at = 0
    var next = Next.value
    var nesting = Nesting()
    var keys = JSONKeys()
}

/// Goes on to the end, true, or to where more memory is needed, false.
private func advance(
    _ bytes: Span<UInt8>, _ state: inout State, _ memory: KeyMemory, _ notes: inout JSONNotes,
    _ member: (JSONMember) -> Void
) throws(JSONError) -> Bool {
    let names = notes.filter
    var (at, next, nesting, keys) = (state.at, state.next, state.nesting, state.keys)
    while keys.fit(in: memory.count) {
        if next != .value {
            let expected: JSONError.Expected = next == .key ? .key : .keyOrClose
            let word = try key(bytes, &at, &nesting, &keys, memory, or: expected)
            let bits = keyBits(word)
            if names & bits == bits, peek(bytes, at) == Byte.quote { notes.add(at, of: word) }
        }
        if nesting.depth == 1 { nesting.memberStart = at }
        next = try value(bytes, &at, &nesting, &keys, memory)
        if next == .nothing { next = try leave(bytes, &at, &nesting, &keys, memory, member) }
        if next == .nothing { return true }
    }
    state = State(at: at, next: next, nesting: nesting, keys: keys)
    return false
}

/// What is to be read next.
private enum Next {
    /// The end of what is being read, or something behind it.
    case nothing
    case value, key, firstKey
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
        depth &+= 1
        objects = objects << 1 | (object ? 1 : 0)
    }

    mutating func close() {
        depth &-= 1
        objects >>= 1
    }
}

private func kind(_ bytes: Span<UInt8>, _ at: Int) throws(JSONError) -> JSONKind {
    switch peek(bytes, at) {
    case Byte.openBrace: return .object
    case Byte.openBracket: return .array
    case Byte.quote: return .string
    case Byte.minus, Byte.zero...Byte.nine: return .number
    case Byte.t, Byte.f: return .boolean
    case Byte.n: return .null
    default: throw failure(.value, bytes, at)
    }
}

/// Reads a value, or the front of one: of a container that is not empty, up to what comes first in it.
@inline(always)
private func value(
    _ bytes: Span<UInt8>, _ at: inout Int, _ nesting: inout Nesting, _ keys: inout JSONKeys,
    _ memory: KeyMemory
) throws(JSONError) -> Next {
    switch peek(bytes, at) {
    case Byte.quote:
        at &+= 1
        _ = try skipString(bytes, &at)
    case Byte.openBrace:
        try nesting.open(object: true, at: at)
        at &+= 1
        skipSpace(bytes, &at)
        keys.open(memory)
        guard peek(bytes, at) == Byte.closeBrace else { return .firstKey }
        at &+= 1
        try keys.close(memory, bytes)
        nesting.close()
    case Byte.openBracket:
        try nesting.open(object: false, at: at)
        at &+= 1
        skipSpace(bytes, &at)
        guard peek(bytes, at) == Byte.closeBracket else { return .value }
        at &+= 1
        nesting.close()
    case Byte.minus, Byte.zero...Byte.nine: try skipNumber(bytes, &at)
    case Byte.t: try skipLiteral(Literal.true, bytes, &at)
    case Byte.f: try skipLiteral(Literal.false, bytes, &at)
    case Byte.n: try skipLiteral(Literal.null, bytes, &at)
    default: throw failure(.value, bytes, at)
    }
    return .nothing
}

/// Goes on behind a whole value, through every container that ends there, up to what comes next in the
/// one that goes on; nothing comes at the end of the text.
@inline(always)
private func leave(
    _ bytes: Span<UInt8>, _ at: inout Int, _ nesting: inout Nesting, _ keys: inout JSONKeys,
    _ memory: KeyMemory, _ member: (JSONMember) -> Void
) throws(JSONError) -> Next {
    while nesting.depth > 0 {
        let inObject = nesting.inObject
        if nesting.depth == 1 && inObject {
            member(JSONMember(key: nesting.memberKey, value: nesting.memberStart..<at))
        }
        skipSpace(bytes, &at)
        let byte = peek(bytes, at)
        if byte == Byte.comma {
            at &+= 1
            skipSpace(bytes, &at)
            return inObject ? .key : .value
        }
        guard byte == (inObject ? Byte.closeBrace : Byte.closeBracket) else {
            throw failure(inObject ? .commaOrBrace : .commaOrBracket, bytes, at)
        }
        at &+= 1
        if inObject { try keys.close(memory, bytes) }
        nesting.close()
    }
    skipSpace(bytes, &at)
    guard at == bytes.count else { throw JSONError(.expected(.end, found: bytes[at]), at: at) }
    return .nothing
}

/// Reads a key and its colon, up to where the value begins; returns the key's word.
@inline(always)
private func key(
    _ bytes: Span<UInt8>, _ at: inout Int, _ nesting: inout Nesting, _ keys: inout JSONKeys,
    _ memory: KeyMemory, or expected: JSONError.Expected
) throws(JSONError) -> UInt64 {
    guard peek(bytes, at) == Byte.quote else { throw failure(expected, bytes, at) }
    at &+= 1
    let start = at
    let escaped = try skipString(bytes, &at)
    let string = JSONString(start, at &- 1, escaped: escaped)
    let key = JSONKey(key: string, word: keyWord(string, bytes))
    try keys.add(key, memory, bytes)
    if nesting.depth == 1 { nesting.memberKey = string }
    skipSpace(bytes, &at)
    guard peek(bytes, at) == Byte.colon else { throw failure(.colon, bytes, at) }
    at &+= 1
    skipSpace(bytes, &at)
    return key.word
}
