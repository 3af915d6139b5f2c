/// The id of a JSON-RPC request, kept to tell which answer is its own.
///
/// Ids are equal when they mean the same, however they are written: a plugin's JSON library may write
/// `"é"` as `"\u00e9"`, and `1.0` as `1`. What an id means decides, and the frame passes as it is.
package enum RPCID: Hashable, Sendable {
    /// The longest that is kept, in bytes. Ids are counters or random words.
    package static let longest = 256

    /// A whole number, exact in a double or in 64 bits.
    case number(Int64)
    /// A string's meaning, UTF-8.
    case string([UInt8])
    /// Anything else, as it is written: `null`, a fraction, a number beyond 64 bits, an array.
    case other([UInt8])

    /// - Parameter value: the place of the id, in a scanned text.
    /// - Returns: nil when it is longer than ``longest``.
    package init?(_ value: Range<Int>, in bytes: Span<UInt8>) {
        if let string = JSONString(value, in: bytes) {
            var letters: [UInt8] = []
            string.letters(in: bytes) { letter in
                letters.append(letter)
                return letters.count <= Self.longest
            }
            guard letters.count <= Self.longest else { return nil }
            self = .string(letters)
            return
        }
        guard value.count <= Self.longest else { return nil }
        if let number = wholeNumber(value, bytes) {
            self = .number(number)
            return
        }
        let text = value.map { bytes[$0] }
        if let double = Double(String(decoding: text, as: UTF8.self)), double.magnitude <= 0x1p53,
            let number = Int64(exactly: double)
        {
            self = .number(number)
        } else {
            self = .other(text)
        }
    }
}

extension RPCID: CustomStringConvertible {
    /// As JSON, to be read by a person.
    package var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .string(let letters): "\"\(String(decoding: letters, as: UTF8.self))\""
        case .other(let text): String(decoding: text, as: UTF8.self)
        }
    }
}

/// Digits with a sign or without one, up to 18 of them: nearly every id there is, without allocation.
private func wholeNumber(_ value: Range<Int>, _ bytes: Span<UInt8>) -> Int64? {
    let negative = bytes[value.lowerBound] == Byte.minus
    let digits = (value.lowerBound + (negative ? 1 : 0))..<value.upperBound
    guard (1...18).contains(digits.count) else { return nil }
    var number: Int64 = 0
    for index in digits {
        let digit = bytes[index] &- Byte.zero
        guard digit < 10 else { return nil }
        number = number * 10 + Int64(digit)
    }
    return negative ? -number : number
}
