/// A plugin's standard output or errors as lines for a terminal: whole, escaped, and only so many.
struct OutputLines {
    /// The most bytes that are shown in all, and of one line.
    static let most = 64 << 10
    static let longestLine = 1000

    private var line: [UInt8] = []
    private var taken = 0
    /// Bytes that came after the last one that is shown.
    private(set) var dropped = 0

    /// - Returns: the lines that are complete.
    mutating func take(_ bytes: ArraySlice<UInt8>) -> [String] {
        var lines: [String] = []
        let room = bytes.prefix(Self.most - taken)
        dropped += bytes.count - room.count
        taken += room.count
        for byte in room {
            if byte == UInt8(ascii: "\n") {
                lines.append(flush())
            } else {
                line.append(byte)
                if line.count == Self.longestLine { lines.append(flush()) }
            }
        }
        return lines
    }

    /// What is left at the end, where there is something.
    mutating func last() -> String? { line.isEmpty ? nil : flush() }

    private mutating func flush() -> String {
        defer { line = [] }
        return escapedLine(String(decoding: line, as: UTF8.self))
    }
}

/// `text` on one line, without anything that a terminal would obey.
/// - Parameter limit: characters that are shown; what there are more is counted.
func escapedLine(_ text: String, atMost limit: Int = .max) -> String {
    var result = ""
    var count = 0
    for scalar in text.unicodeScalars {
        count += 1
        if count > limit { continue }
        switch scalar.properties.generalCategory {
        case .control where scalar == "\t": result += " "
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return count > limit ? "\(result)... (\(count) characters)" : result
}

/// A JSON text on one line: line ends, which are white space in it, become blanks, and what a terminal
/// would obey becomes an escape. Beyond ASCII there is nothing outside the strings.
func escapedJSON(_ text: [UInt8]) -> [UInt8] {
    var result = ""
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control where scalar.isASCII && scalar != "\u{7F}": result += " "
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        default: result.unicodeScalars.append(scalar)
        }
    }
    return Array(result.utf8)
}
