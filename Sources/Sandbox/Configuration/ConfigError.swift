/// A configuration file that could not be used: where, and what was expected there.
///
///     profiles/x.yaml:12:5: limits.memory: "64MB" is not a size; expected ...
package struct ConfigError: Error, Hashable, Sendable {
    /// As the caller named it.
    package let file: String
    /// From 1.
    package let line: Int
    /// From 1, in characters.
    package let column: Int
    /// The path of the key, such as `limits.memory` or `binds[2].path`; empty when the problem is
    /// not one key's.
    package let key: String
    /// A clause about the key or the file: what is wrong and what was expected.
    package let problem: String

    package init(file: String, line: Int, column: Int, key: String, problem: String) {
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        self.problem = problem
    }
}

extension ConfigError: CustomStringConvertible {
    package var description: String {
        "\(file):\(line):\(column): \(key.isEmpty ? "" : "\(key): ")\(problem)"
    }
}

/// A text that is not the value it should be. The description is a clause that fits behind the
/// name of a key or an option: `"64MB" is not a size; expected ...`.
package struct ValueError: Error, Hashable, Sendable {
    package let problem: String

    package init(_ problem: String) { self.problem = problem }
}

extension ValueError: CustomStringConvertible {
    package var description: String { problem }
}

/// `text` between quotation marks, fit for one line of a terminal: control characters and quotation
/// marks are escaped, and a long text is cut.
package func quoted(_ text: String) -> String {
    let limit = 80
    var result = "\""
    for (count, scalar) in text.unicodeScalars.enumerated() {
        if count == limit { return result + "\"..." }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default:
            if scalar == "\"" || scalar == "\\" { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
    }
    return result + "\""
}
