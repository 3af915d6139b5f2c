/// A file of the repository, by its path from the root, and its lines; and the rules for it.
struct SourceFile {
    var path: String
    var lines: [Substring]

    init(_ path: String, _ text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Each thing that no source may contain, and why.
    static let forbidden: [(text: String, why: String)] = [
        ("import Foundation", "costs more start-up time than the whole sandbox"),
        ("try!", "ends the process instead of reporting"),
        (" as! ", "ends the process instead of reporting"),
        ("fatalError(", "ends the process instead of reporting"),
        ("for unsafe ", "is broken by swift format"),
        ("#if os(", "there is one operating system here"),
        ("TODO", "finish it or open an issue"),
        ("FIXME", "finish it or open an issue"),
    ]

    func tooLong(limit: Int = 600) -> [String] {
        // A file ends in a newline, which makes an empty last piece.
        let count = lines.count - (lines.last?.isEmpty == true ? 1 : 0)
        return count > limit ? ["\(path) has \(count) lines, at most \(limit) are allowed"] : []
    }

    /// Functions with more lines than allowed, found by indentation, which swift format guarantees.
    func longFunctions(limit: Int = 60) -> [String] {
        lines.indices.compactMap { start in
            guard startsFunction(lines[start]) else { return nil }
            let indent = indentation(lines[start])
            let rest = lines[start...].dropFirst()
            // A less indented line before the brace means a requirement without a body.
            let end = rest.firstIndex {
                !$0.isEmpty && indentation($0) <= indent && endsSignature($0) == false
            }
            guard let end, lines[end].drop(while: { $0 == " " }).first == "}" else { return nil }
            let count = end - start + 1
            guard indentation(lines[end]) == indent, count > limit else { return nil }
            return "\(path):\(start + 1): a function of \(count) lines, at most \(limit) are allowed"
        }
    }

    func forbiddenText() -> [String] {
        lines.enumerated().flatMap { number, line in
            Self.forbidden.filter { line.contains($0.text) }.map { rule in
                "\(path):\(number + 1): \(rule.text): \(rule.why)"
            }
        }
    }

    /// A file says what it is for near its top, be it in a comment on its main type. One of a
    /// line or two can be read faster than a comment.
    func unexplained() -> [String] {
        if lines.count < 4 { return [] }
        let explained = lines.prefix(40).contains { line in
            let text = line.drop { $0 == " " }
            return text.hasPrefix("//") && text.contains(" ")
        }
        return explained ? [] : ["\(path) does not say in its first 40 lines what it is for"]
    }

    private func indentation(_ line: Substring) -> Int { line.prefix { $0 == " " }.count }

    /// The last line of a signature of several lines stands where the function began: `) -> Int {`.
    private func endsSignature(_ line: Substring) -> Bool {
        line.drop { $0 == " " }.first == ")" || line == "{"
    }

    private func startsFunction(_ line: Substring) -> Bool {
        if !path.hasSuffix(".swift") {
            let opens = line.hasSuffix("{") || line.hasSuffix("(") || line.hasSuffix(",")
            return opens && line.contains("(") && line.first?.isLetter == true
        }
        if line.hasSuffix("}") || line.drop(while: { $0 == " " }).hasPrefix("//") { return false }
        let words = line.split(separator: " ")
        return words.contains("func") || words.contains { $0.hasPrefix("init(") || $0.hasPrefix("init?(") }
    }
}
