/// The part of something that a client asks for with `Range` (RFC 9110, section 14).
package enum ByteRange: Hashable, Sendable {
    /// From here to the end.
    case from(UInt64)
    /// Both are part of it.
    case between(UInt64, UInt64)
    /// The last so many.
    case last(UInt64)

    /// - Parameter field: of one range; nil comes of everything that is to be ignored: another unit, more than one
    ///   range, and what is no range at all.
    package init?(_ field: String) {
        // A list may have empty elements, and is no longer than anybody writes it.
        guard field.utf8.count <= 64, let equals = field.utf8.firstIndex(of: UInt8(ascii: "=")),
            field[..<equals].lowercased() == "bytes"
        else { return nil }
        let blanks = [UInt8(ascii: " "), 0x09]
        let text = field.utf8[field.utf8.index(after: equals)...].drop { blanks.contains($0) }
        let parts = text.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        var end = parts[1]
        while let last = end.last, blanks.contains(last) { end.removeLast() }
        switch (parts[0].isEmpty, end.isEmpty) {
        case (true, true): return nil
        case (true, false):
            guard let count = Self.number(end) else { return nil }
            self = .last(count)
        case (false, true):
            guard let first = Self.number(parts[0]) else { return nil }
            self = .from(first)
        case (false, false):
            guard let first = Self.number(parts[0]), let last = Self.number(end), first <= last else {
                return nil
            }
            self = .between(first, last)
        }
    }

    /// Digits alone; what is larger than there can be is as large as there can be.
    private static func number(_ digits: Substring.UTF8View) -> UInt64? {
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt64(Substring(digits)) ?? .max
    }

    /// What it is of `size` bytes; nil where it has none of them.
    package func part(of size: UInt64) -> Range<UInt64>? {
        let range: Range<UInt64>
        switch self {
        case .from(let first): range = min(first, size)..<size
        case .between(let first, let last): range = min(first, size)..<(last < size ? last + 1 : size)
        case .last(let count): range = (count < size ? size - count : 0)..<size
        }
        return range.isEmpty ? nil : range
    }
}
