import Sandbox

/// The table of keys in docs/profiles.md.
enum ProfileReference {
    static var table: String {
        var lines = ["| key | kind | range | default | meaning |", "|---|---|---|---|---|"]
        for key in ProfileKey.allCases {
            let (kind, range) = words(key.kind)
            let builtIn = key.builtIn.map { "`\($0.written(as: key.kind))`" } ?? ""
            lines.append("| `\(key.rawValue)` | \(kind) | \(range) | \(builtIn) | \(key.meaning) |")
        }
        return lines.joined(separator: "\n")
    }

    private static func words(_ kind: ProfileKey.Kind) -> (kind: String, range: String) {
        switch kind {
        case .line(let limit): ("text", "1 to \(limit) bytes, one line")
        case .lineOrAny(let limit): ("text", "1 to \(limit) bytes, one line, or `any`")
        case .name: ("name", "")
        case .profile: ("name or path", "a path has a slash in it")
        case .word(let words): ("word", words.map { "`\($0)`" }.joined(separator: ", "))
        case .flag: ("flag", "`true` or `false`")
        case .quantity(let quantity): (quantity.kindName, quantity.expectedRange)
        case .ports(let port): ("ports", "\(port.expectedRange); `none`, `any` or a list")
        case .names: ("list of names", "none twice")
        case .namesOrAny: ("list of names", "none twice, or `any`")
        case .methods: ("list of methods", "none twice")
        case .addresses: ("list of addresses", "`HOST:PORT`")
        case .layers: ("list of layers", "possibly empty")
        case .variables: ("mapping", "names and texts")
        case .keys: ("list of keys", "keys, sections, `environment.NAME`")
        }
    }
}
