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

@inline(__always)
func skipSpace(_ bytes: Span<UInt8>, _ at: inout Int) {
    while at < bytes.count, bytes[at] <= 0x20 {
        switch bytes[at] {
        case 0x20, 0x0A, 0x0D, 0x09: at &+= 1
        default: return
        }
    }
}

/// Words of letters, the first one lowest, as `skipLiteral` compares them.
enum Literal {
    static let `true`: UInt64 = 0x65_75_72_74
    static let `false`: UInt64 = 0x65_73_6C_61_66
    static let null: UInt64 = 0x6C_6C_75_6E
}

@inline(__always)
func skipLiteral(_ literal: UInt64, _ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    var letters = literal
    while letters != 0 {
        guard at < bytes.count else { throw JSONError(.ended(.literal), at: at) }
        guard bytes[at] == UInt8(truncatingIfNeeded: letters) else {
            throw JSONError(.expected(.literal, found: bytes[at]), at: at)
        }
        at += 1
        letters >>= 8
    }
}

func skipNumber(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    if bytes[at] == Byte.minus { at += 1 }
    if at < bytes.count && bytes[at] == Byte.zero {
        at += 1
    } else {
        try skipDigits(bytes, &at)
    }
    if at < bytes.count && bytes[at] == Byte.point {
        at += 1
        try skipDigits(bytes, &at)
    }
    // Bit 5 is the difference between the two cases of a letter.
    guard at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") else { return }
    at += 1
    if at < bytes.count && (bytes[at] == Byte.plus || bytes[at] == Byte.minus) { at += 1 }
    try skipDigits(bytes, &at)
}

/// At least one digit.
@inline(__always)
private func skipDigits(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    guard at < bytes.count else { throw JSONError(.ended(.digit), at: at) }
    guard isDigit(bytes[at]) else { throw JSONError(.expected(.digit, found: bytes[at]), at: at) }
    repeat { at += 1 } while at < bytes.count && isDigit(bytes[at])
}

@inline(__always)
private func isDigit(_ byte: UInt8) -> Bool { byte &- Byte.zero < 10 }

/// Reads a string from behind its opening quote to behind its closing one; true when it holds an
/// escape.
func skipString(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> Bool {
    var escaped = false
    while true {
        skipPlain(bytes, &at)
        guard at < bytes.count else { throw JSONError(.ended(.quote), at: at) }
        switch bytes[at] {
        case Byte.quote:
            at += 1
            return escaped
        case Byte.backslash:
            escaped = true
            try skipEscape(bytes, &at)
        case 0..<0x20:
            throw JSONError(.controlCharacter(bytes[at]), at: at)
        case 0x80...:
            repeat { try skipSequence(bytes, &at) } while at < bytes.count && bytes[at] >= 0x80
        default:
            at += 1
        }
    }
}

/// Eight bytes at a time for as long as none of them needs a look.
@inline(__always)
func skipPlain(_ bytes: Span<UInt8>, _ at: inout Int) {
    let last = bytes.count &- 8
    var here = at
    while here <= last {
        // Safety: the line above has made sure of eight bytes from `here`, which is never negative.
        let word = unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: here, as: UInt64.self)
        let marks = notable(UInt64(littleEndian: word))
        guard marks == 0 else {
            at = here &+ marks.trailingZeroBitCount &>> 3
            return
        }
        here &+= 8
    }
    at = here
}

/// The high bit of each byte that is a quote, a backslash, below 32 or above 127. Above the lowest
/// such byte it may mark others as well, because subtraction borrows; only the lowest is used.
@inline(__always)
private func notable(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let quote = word ^ (ones &* UInt64(Byte.quote))
    let backslash = word ^ (ones &* UInt64(Byte.backslash))
    let control = (word &- ones &* 0x20) & ~word
    return (word | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | control) & highs
}

/// One escape, from its backslash on; a surrogate pair counts as one.
private func skipEscape(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) {
    let start = at
    at += 1
    guard at < bytes.count else { throw JSONError(.ended(.escape), at: at) }
    switch bytes[at] {
    case Byte.quote, Byte.backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), Byte.f, Byte.n,
        UInt8(ascii: "r"), Byte.t:
        at += 1
    case UInt8(ascii: "u"):
        at += 1
        let unit = try hexUnit(bytes, &at)
        guard 0xD800...0xDFFF ~= unit else { return }
        guard unit < 0xDC00, bytes.count - at >= 2, bytes[at] == Byte.backslash,
            bytes[at + 1] == UInt8(ascii: "u")
        else { throw JSONError(.loneSurrogate, at: start) }
        at += 2
        guard 0xDC00...0xDFFF ~= (try hexUnit(bytes, &at)) else { throw JSONError(.loneSurrogate, at: start) }
    default:
        throw JSONError(.expected(.escape, found: bytes[at]), at: at)
    }
}

private func hexUnit(_ bytes: Span<UInt8>, _ at: inout Int) throws(JSONError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
        guard at < bytes.count else { throw JSONError(.ended(.hexDigit), at: at) }
        guard let digit = hexDigit(bytes[at]) else {
            throw JSONError(.expected(.hexDigit, found: bytes[at]), at: at)
        }
        unit = unit << 4 | digit
        at += 1
    }
    return unit
}

func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case Byte.zero...Byte.nine: UInt32(byte - Byte.zero)
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}

/// One character of two to four bytes (the table of RFC 3629, section 4).
@inline(__always)
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
