/// How the scanner reads its text: one byte or eight at a time, with one test of the end for each.

/// The byte at `at`, or 0 behind the end.
///
/// No JSON text holds a byte 0, so "behind the end" need not be told from "not what is expected"
/// before there is an error to describe.
@inline(always)
func peek(_ bytes: Span<UInt8>, _ at: Int) -> UInt8 {
    // Safety: offsets begin at 0 and grow, and this one is below the count.
    at < bytes.count ? unsafe bytes[unchecked: at] : 0
}

/// Eight bytes, the first one lowest. They must all be there.
@inline(always)
func load(_ bytes: Span<UInt8>, _ at: Int) -> UInt64 {
    precondition(at >= 0 && at &+ 8 <= bytes.count, "eight bytes are read where fewer are left")
    // Safety: the line above.
    return unsafe loadUnchecked(bytes, at)
}

/// - Safety: eight bytes must be there from `at` on.
@unsafe @inline(always)
private func loadUnchecked(_ bytes: Span<UInt8>, _ at: Int) -> UInt64 {
    UInt64(littleEndian: unsafe bytes.bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: at, as: UInt64.self))
}

@inline(always)
func skipSpace(_ bytes: Span<UInt8>, _ at: inout Int) {
    if peek(bytes, at) <= 0x20 { at = endOfSpace(bytes, at) }
}

/// By value, as everything that is not inlined: an offset whose address is taken would live in memory.
@inline(never)
private func endOfSpace(_ bytes: Span<UInt8>, _ start: Int) -> Int {
    var at = start
    let blanks: UInt64 = 0x2020_2020_2020_2020
    while true {
        switch peek(bytes, at) {
        case 0x20:
            // Indentation.
            at &+= 1
            while at &+ 8 <= bytes.count, load(bytes, at) == blanks { at &+= 8 }
        case 0x0A, 0x0D, 0x09: at &+= 1
        default: return at
        }
    }
}

/// Skips the bytes of a string that mean themselves, eight at a time for as long as none of them
/// needs a look. Stops early after 64 bytes, and in front of the last seven bytes of the text.
@inline(always)
func skipPlain(_ bytes: Span<UInt8>, _ at: inout Int) {
    let last = min(bytes.count, at &+ 64) &- 8
    while at <= last {
        // Safety: the line above.
        let marks = notable(unsafe loadUnchecked(bytes, at))
        guard marks == 0 else {
            at &+= marks.trailingZeroBitCount &>> 3
            return
        }
        at &+= 8
    }
}

/// A place from `start` on up to which every byte means itself, at most 64 bytes in front of where that ends.
///
/// The compiler makes vector instructions of the inner loop, which has no way out and knows its length.
@inline(never)
func nearEndOfPlain(_ bytes: Span<UInt8>, _ start: Int) -> Int {
    var at = start
    while at &+ 64 <= bytes.count {
        var marks: UInt8 = 0
        for index in 0..<64 {
            // Safety: the line of the outer loop.
            let byte = unsafe bytes[unchecked: at &+ index]
            // The high bit of a letter of ASCII is 0, and stays so in what is not below what is subtracted.
            marks |= byte | (byte &- 0x20) | ((byte ^ Byte.quote) &- 1) | ((byte ^ Byte.backslash) &- 1)
        }
        guard marks < 0x80 else { return at }
        at &+= 64
    }
    return at
}

/// Skips bytes up to a quote or a backslash: the way through a string that was scanned.
@inline(always)
func skipToMark(_ bytes: Span<UInt8>, _ at: inout Int) {
    let last = bytes.count &- 8
    while at <= last {
        // Safety: the line above.
        let word = unsafe loadUnchecked(bytes, at)
        let marks =
            zeros(word ^ (ones &* UInt64(Byte.quote))) | zeros(word ^ (ones &* UInt64(Byte.backslash)))
        guard marks & highs == 0 else {
            at &+= (marks & highs).trailingZeroBitCount &>> 3
            return
        }
        at &+= 8
    }
    while at < bytes.count, bytes[at] != Byte.quote, bytes[at] != Byte.backslash { at &+= 1 }
}

/// Skips bytes up to a quote, or to `end`.
@inline(always)
func skipToQuote(_ bytes: Span<UInt8>, _ at: inout Int, _ end: Int) {
    let last = min(end, bytes.count) &- 8
    while at <= last {
        // Safety: the line above.
        let marks = zeros(unsafe loadUnchecked(bytes, at) ^ (ones &* UInt64(Byte.quote))) & highs
        guard marks == 0 else {
            at &+= marks.trailingZeroBitCount &>> 3
            return
        }
        at &+= 8
    }
    while at < end, bytes[at] != Byte.quote { at &+= 1 }
}

private let ones: UInt64 = 0x0101_0101_0101_0101
private let highs: UInt64 = 0x8080_8080_8080_8080

/// The high bit of each byte that is zero. Above the lowest such byte it may mark others as well,
/// because subtraction borrows; only the lowest is used. The other bits mean nothing.
@inline(always)
private func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }

/// The same for each byte that is a quote, a backslash, below 32 or above 127.
@inline(always)
private func notable(_ word: UInt64) -> UInt64 {
    let quotes = zeros(word ^ (ones &* UInt64(Byte.quote)))
    let backslashes = zeros(word ^ (ones &* UInt64(Byte.backslash)))
    let controls = (word &- ones &* 0x20) & ~word
    return (word | quotes | backslashes | controls) & highs
}
