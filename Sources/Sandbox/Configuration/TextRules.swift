// What names, paths and variables may look like, wherever they come from: a file or an option.

/// Checks the name of a profile, an image or a seccomp policy: 1 to 64 of `a-z`, `0-9`, `_` and
/// `-`, the first a letter or digit, so that it can stand in a file name as it is and is never an option.
package func checkSimpleName(_ text: String) throws(ValueError) {
    let allowed = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
    let isMark = text.utf8.first == UInt8(ascii: "-") || text.utf8.first == UInt8(ascii: "_")
    guard allowed, !isMark, (1...64).contains(text.utf8.count) else {
        throw ValueError(
            "\(quoted(text)) is not a name; expected 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit"
        )
    }
}

/// Checks a path inside a sandbox: absolute, below `/`, written in its one shortest form, so that
/// two paths are the same place exactly when they are the same text.
package func checkPath(_ text: String) throws(ValueError) {
    let bytes = text.utf8
    guard bytes.first == UInt8(ascii: "/") else {
        throw ValueError("\(quoted(text)) is not an absolute path; expected one that starts with /")
    }
    guard bytes.count > 1 else { throw ValueError("\"/\" is the root; expected a path below it") }
    // PATH_MAX and NAME_MAX of limits.h; the former counts a terminating zero.
    guard bytes.count <= 4095 else {
        throw ValueError("\(quoted(text)) is \(bytes.count) bytes long; expected at most 4095")
    }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
        throw ValueError("\(quoted(text)) holds a control character; expected a path without any")
    }
    for part in bytes.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
        if part.isEmpty || part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) {
            throw ValueError(
                "\(quoted(text)) is not in normal form; expected no //, no . or .. and no / at the end")
        }
        if part.count > 255 {
            throw ValueError("\(quoted(text)) has a part of \(part.count) bytes; expected at most 255")
        }
    }
}

/// Whether `path` is below `directory`. Both in the form that ``checkPath(_:)`` wants; compared as
/// bytes, because to Swift a combining character after the slash would hide the slash.
package func isBelow(_ path: String, _ directory: String) -> Bool {
    let (bytes, start) = (path.utf8.span, directory.utf8.span)
    guard bytes.count > start.count, bytes[start.count] == UInt8(ascii: "/") else { return false }
    for index in start.indices where bytes[index] != start[index] { return false }
    return true
}

extension EnvironmentVariable {
    /// The most bytes of a value: a quarter of what execve(2) takes as one string.
    private static var valueLimit: Int { 32 << 10 }

    /// Reads `NAME=value`, as an option gives it.
    package init(assignment text: String) throws(ValueError) {
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw ValueError("\(quoted(text)) has no =; expected NAME=value")
        }
        let name = String(text[..<equals])
        let value = String(text[text.utf8.index(after: equals)...])
        try EnvironmentVariable.checkName(name)
        try EnvironmentVariable.checkValue(value)
        self.init(name: name, value: value)
    }

    /// Checks a name: letters, digits and `_`, the first not a digit (POSIX, "Environment Variables").
    package static func checkName(_ text: String) throws(ValueError) {
        let allowed = text.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
            case UInt8(ascii: "_"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): index > 0
            default: false
            }
        }
        guard allowed, (1...255).contains(text.utf8.count) else {
            throw ValueError(
                "\(quoted(text)) is not a name of a variable; expected letters, digits and _, no digit first")
        }
    }

    package static func checkValue(_ text: String) throws(ValueError) {
        if text.utf8.contains(0) { throw ValueError("holds a NUL byte, which no variable can") }
        if text.utf8.count > valueLimit {
            throw ValueError("is \(text.utf8.count) bytes long; expected at most \(valueLimit)")
        }
    }
}

extension Layer {
    /// The layer of that name.
    package init(named text: String) throws(ValueError) {
        guard let layer = Layer(rawValue: text) else {
            let names = Layer.allCases.map(\.rawValue)
            let cure = suggestion(for: text, in: names) ?? "expected one of \(names.joined(separator: ", "))"
            throw ValueError("\(quoted(text)) is not a layer; \(cure)")
        }
        self = layer
    }
}
