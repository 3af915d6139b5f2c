import Glibc
import Linux

/// What `corral doctor --report` prints: findings and versions, for people who do not know this host.
struct DoctorReport {
    private let lines: [String]

    init(_ diagnosis: Diagnosis, _ parts: [Versions.Part]) {
        let versions = Columns.lines(parts.map { [$0.name, $0.value] })
        lines = ["corral doctor", ""] + versions + ["", diagnosis.text(.plain)]
    }

    func text(_ redaction: Redaction) -> String { redaction.applied(to: lines.joined(separator: "\n")) }
}

/// What must not be in a report, and what stands there in its place.
struct Redaction: Hashable, Sendable {
    /// Texts and what stands for each, longest first.
    private let replaced: [Replacement]

    private struct Replacement: Hashable, Sendable {
        let text: String
        let stand: String
    }

    /// - Parameters:
    ///   - homes: directories.
    ///   - names: of the host and of its users; such as are part of longer words stay.
    ///   - variables: entries such as `CORRAL_INIT=/srv/init`.
    init(homes: [String], names: [(String, String)], variables: [String]) {
        var replaced: [Replacement] = []
        for entry in variables {
            let parts = entry.split(separator: "=", maxSplits: 1)
            // What is as short as a number or a word would be found everywhere.
            guard parts.count == 2, parts[1].utf8.count > 4 else { continue }
            replaced.append(Replacement(text: String(parts[1]), stand: "$\(parts[0])"))
        }
        replaced += homes.filter { $0.utf8.count > 1 }.map { Replacement(text: $0, stand: "~") }
        replaced += names.filter { $0.0.utf8.count > 1 }.map { Replacement(text: $0.0, stand: $0.1) }
        self.replaced = replaced.sorted { ($1.text.utf8.count, $0.text) < ($0.text.utf8.count, $1.text) }
    }

    static func ofThisHost() -> Redaction {
        let environment = HostProgram.ownEnvironment
        func value(_ name: String) -> String? {
            environment.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
        }
        var host = utsname()
        var names: [(String, String)] = []
        if unsafe uname(&host) == 0 {
            let node = unsafe withUnsafeBytes(of: host.nodename) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            // `localhost` says nothing about anybody.
            if node != "localhost" { names.append((node, "HOST")) }
        }
        for name in ["USER", "LOGNAME", "SUDO_USER"] {
            if let user = value(name), user != "root" { names.append((user, "USER")) }
        }
        return Redaction(
            homes: [value("HOME"), "/root"].compactMap { $0 }, names: names,
            variables: environment.filter { $0.hasPrefix("CORRAL_") })
    }

    func applied(to text: String) -> String {
        var result = text
        for replacement in replaced {
            result = Redaction.replacing(replacement.text, by: replacement.stand, in: result)
        }
        return result.split(separator: "\n", omittingEmptySubsequences: false).map(Redaction.line)
            .joined(separator: "\n")
    }

    /// Where it is no part of a longer word.
    private static func replacing(_ text: String, by stand: String, in whole: String) -> String {
        let (whole, text) = (Array(whole.utf8), Array(text.utf8))
        var result: [UInt8] = []
        var index = 0
        while index < whole.count {
            let end = index + text.count
            let isFree =
                (index == 0 || !isWord(whole[index - 1]) || !isWord(text[0]))
                && (end >= whole.count || !isWord(whole[end]))
            if isFree, end <= whole.count, whole[index] == text[0], whole[index..<end].elementsEqual(text) {
                result += stand.utf8
                index = end
            } else {
                result.append(whole[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
            || (byte >= 0x30 && byte <= 0x39)
    }

    /// Without what looks like a token, or like somebody's home.
    private static func line(_ line: Substring) -> String {
        var rest = line
        var result = ""
        while let start = rest.firstIndex(where: { $0 == "/" || $0 == "c" }) {
            result += rest[..<start]
            rest = rest[start...]
            if rest.hasPrefix("/home/") {
                rest = rest.dropFirst(6).drop { !" /:;,'\"".contains($0) }
                result += "~"
            } else if rest.hasPrefix("corral_"), rest.dropFirst(7).prefix(8).allSatisfy(\.isHexDigit),
                rest.utf8.count > 24
            {
                rest = rest.dropFirst(7).drop { $0.isHexDigit || $0 == "_" }
                result += "TOKEN"
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result + rest
    }
}
