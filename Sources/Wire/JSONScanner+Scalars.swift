/// The bytes that mean something in JSON.
enum Byte {
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let minus = UInt8(ascii: "-")
    static let plus = UInt8(ascii: "+")
    static let point = UInt8(ascii: ".")
    static let zero = UInt8(ascii: "0")
    static let nine = UInt8(ascii: "9")
    static let n = UInt8(ascii: "n")
    static let t = UInt8(ascii: "t")
    static let f = UInt8(ascii: "f")
}

/// Words of letters, the first one lowest, as `skipLiteral` compares them.
enum Literal {
    static let `true`: UInt64 = 0x65_75_72_74
    static let `false`: UInt64 = 0x65_73_6C_61_66
    static let null: UInt64 = 0x6C_6C_75_6E
}

@inline(always)
func skipLiteral(_ literal: UInt64, _ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    var letters = literal
    while letters != 0 {
        guard peek(bytes, at) == UInt8(truncatingIfNeeded: letters) else {
            throw failure(.literal, bytes, at)
        }
        at &+= 1
        letters >>= 8
    }
}

@inline(always)
func skipNumber(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    if peek(bytes, at) == Byte.minus { at &+= 1 }
    if peek(bytes, at) == Byte.zero {
        at &+= 1
    } else {
        try skipDigits(bytes, &at)
    }
    if peek(bytes, at) == Byte.point {
        at &+= 1
        try skipDigits(bytes, &at)
    }
    // Bit 5 is the difference between the two cases of a letter.
    guard peek(bytes, at) | 0x20 == UInt8(ascii: "e") else { return }
    at &+= 1
    let sign = peek(bytes, at)
    if sign == Byte.plus || sign == Byte.minus { at &+= 1 }
    try skipDigits(bytes, &at)
}

/// At least one digit.
@inline(always)
private func skipDigits(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    guard isDigit(peek(bytes, at)) else { throw failure(.digit, bytes, at) }
    repeat { at &+= 1 } while isDigit(peek(bytes, at))
}

@inline(always)
private func isDigit(_ byte: UInt8) -> Bool { byte &- Byte.zero < 10 }

/// Something else than `expected` at a place, or nothing.
@inline(never)
func failure(_ expected: JSONError.Expected, _ bytes: Span<UInt8>, _ at: Int) -> JSONError {
    JSONError(at < bytes.count ? .expected(expected, found: bytes[at]) : .ended(expected), at: at)
}

/// Reads a string from behind its opening quote to behind its closing one; true when it holds an
/// escape.
@inline(always)
func skipString(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> Bool {
    skipPlain(bytes, &at)
    if peek(bytes, at) == Byte.quote {
        at &+= 1
        return false
    }
    let rest = try restOfString(bytes, at)
    at = rest.end
    return rest.escaped
}

/// Where a string ends, from the first byte on that is no letter of ASCII, or that is near the end of
/// the text.
@inline(never)
private func restOfString(
    _ bytes: Span<UInt8>, _ start: Int
) throws(JSONError) -> (end: Int, escaped: Bool) {
    var at = start
    var escaped = false
    while true {
        let byte = peek(bytes, at)
        if byte >= 0x80 {
            try skipSequences(bytes, &at)
        } else if byte == Byte.quote {
            return (at &+ 1, escaped)
        } else if byte == Byte.backslash {
            escaped = true
            try skipEscape(bytes, &at)
        } else if byte < 0x20 {
            guard at < bytes.count else { throw JSONError(.ended(.quote), at: at) }
            throw JSONError(.controlCharacter(byte), at: at)
        } else {
            at = nearEndOfPlain(bytes, at &+ 1)
        }
        skipPlain(bytes, &at)
    }
}

/// One escape, from its backslash on; a surrogate pair counts as one.
@inline(always)
private func skipEscape(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    let start = at
    at &+= 1
    switch peek(bytes, at) {
    case Byte.quote, Byte.backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), Byte.f, Byte.n,
        UInt8(ascii: "r"), Byte.t:
        at &+= 1
    case UInt8(ascii: "u"):
        at &+= 1
        let unit = try hexUnit(bytes, &at)
        guard 0xD800...0xDFFF ~= unit else { return }
        guard unit < 0xDC00, peek(bytes, at) == Byte.backslash, peek(bytes, at &+ 1) == UInt8(ascii: "u")
        else { throw JSONError(.loneSurrogate, at: start) }
        at &+= 2
        guard 0xDC00...0xDFFF ~= (try hexUnit(bytes, &at)) else { throw JSONError(.loneSurrogate, at: start) }
    default: throw failure(.escape, bytes, at)
    }
}

@inline(always)
private func hexUnit(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
        guard let digit = hexDigit(peek(bytes, at)) else { throw failure(.hexDigit, bytes, at) }
        unit = unit << 4 | digit
        at &+= 1
    }
    return unit
}

@inline(always)
func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case Byte.zero...Byte.nine: UInt32(byte - Byte.zero)
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}

/// Characters of several bytes, up to the next one of ASCII.
@inline(always)
private func skipSequences(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    repeat {
        // Most of the world's letters have three bytes: 1110xxxx 10xxxxxx 10xxxxxx. The five bits that
        // must not all be 0 (overlong) nor 01101 (a surrogate) are the four below 1110 and the one below 10.
        while at &+ 8 <= bytes.count {
            let word = load(bytes, at)
            let lead = word & 0x20_0F
            guard word & 0xC0_C0_F0 == 0x80_80_E0, lead != 0, lead != 0x20_0D else { break }
            at &+= 3
        }
        if peek(bytes, at) >= 0x80 { try skipSequence(bytes, &at) }
    } while peek(bytes, at) >= 0x80
}

/// One character of two to four bytes (the table of RFC 3629, section 4).
@inline(always)
private func skipSequence(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    let second: ClosedRange<UInt8>
    let length: Int
    switch bytes[at] {
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: throw JSONError(.invalidUTF8, at: at)
    }
    guard bytes.count - at >= length, second.contains(bytes[at + 1]) else {
        throw JSONError(.invalidUTF8, at: at)
    }
    for offset in 2..<length where bytes[at + offset] & 0xC0 != 0x80 {
        throw JSONError(.invalidUTF8, at: at)
    }
    at += length
}
