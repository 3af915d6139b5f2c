/// Text that is not one JSON value as RFC 8259 has it, and where it stops being one.
package struct JSONError: Error, Hashable, Sendable {
    /// What the grammar allows at a place.
    package enum Expected: String, Hashable, Sendable {
        case value = "a value"
        case key = "a key in quotes"
        case keyOrClose = "a key in quotes or }"
        case colon = "a colon"
        case commaOrBrace = "a comma or }"
        case commaOrBracket = "a comma or ]"
        case digit = "a digit"
        case quote = "the closing quote"
        case escape = "one of \" \\ / b f n r t u after the backslash"
        case hexDigit = "a hexadecimal digit"
        case literal = "true, false or null"
        case end = "the end of the text"
    }

    package enum Problem: Hashable, Sendable {
        case expected(Expected, found: UInt8)
        /// The text ends where something is still missing.
        case ended(Expected)
        /// A byte below 32 inside a string (RFC 8259, section 7).
        case controlCharacter(UInt8)
        /// Not UTF-8: overlong, a surrogate, above U+10FFFF or cut (RFC 3629, section 4).
        case invalidUTF8
        /// An escaped surrogate without its other half.
        case loneSurrogate
        /// A key that the same object already has. Parsers disagree on which of the two counts.
        case duplicateKey
        /// More than ``JSONScanner/maximumDepth`` arrays and objects inside one another.
        case tooDeep
        /// Longer than ``JSONScanner/maximumLength``.
        case tooLong
    }

    /// The byte at which the problem shows, counted from 0.
    package let offset: Int
    package let problem: Problem

    package init(_ problem: Problem, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }
}

extension JSONError: CustomStringConvertible {
    /// For example `byte 12: expected a colon, found "x"`.
    package var description: String {
        let what =
            switch problem {
            case .expected(let expected, let found): "expected \(expected.rawValue), found \(name(of: found))"
            case .ended(let expected): "expected \(expected.rawValue), found the end"
            case .controlCharacter(let byte): "\(name(of: byte)) inside a string must be escaped"
            case .invalidUTF8: "not valid UTF-8"
            case .loneSurrogate: "half of a surrogate pair without the other half"
            case .duplicateKey: "the same key a second time in one object"
            case .tooDeep: "more than \(JSONScanner.maximumDepth) arrays and objects inside one another"
            case .tooLong: "longer than \(JSONScanner.maximumLength) bytes"
            }
        return "byte \(offset): \(what)"
    }
}

private func name(of byte: UInt8) -> String {
    switch byte {
    case 0x21..<0x7F: "\"\(Character(UnicodeScalar(byte)))\""
    case 0x20: "a space"
    default: "the byte \(byte)"
    }
}
