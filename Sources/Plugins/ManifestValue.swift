import Sandbox
import Wire

/// A value of a plugin's manifest and where it stands, whether the file is JSON or YAML.
///
/// YAML's plain scalars stay text, so that `version: 1.0` is the text `1.0`; in JSON a number is none.
struct ManifestValue {
    enum Content {
        case text(String)
        /// A null, or a key without a value.
        case none
        /// A number or a truth value of JSON, with what an error message calls it.
        case other(String)
        case list([ManifestValue])
        case mapping([Entry])
    }

    struct Entry {
        let key: String
        /// Where the key stands; of no content.
        let place: ManifestValue
        let value: ManifestValue
    }

    let content: Content
    let file: String
    let line: Int
    let column: Int
    /// The path of its key, such as `runtime.args[0]`; empty for the whole file.
    let key: String

    func error(_ problem: String) -> ConfigError {
        ConfigError(file: file, line: line, column: column, key: key, problem: problem)
    }

    private var noun: String {
        switch content {
        case .text: "text"
        case .none: "without a value"
        case .other(let noun): noun
        case .list: "a list"
        case .mapping: "a mapping"
        }
    }

    private func error(expected: String) -> ConfigError { error("is \(noun); expected \(expected)") }

    // MARK: Reading

    /// The most items of a list and keys of a mapping.
    private static let mostItems = 1000

    /// One line of text.
    func text(atMost limit: Int = 4096) throws(ConfigError) -> String {
        guard case .text(let text) = content else { throw error(expected: "text") }
        guard (1...limit).contains(text.utf8.count) else {
            throw error("is \(text.utf8.count) bytes long; expected 1 to \(limit)")
        }
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            throw error("\(quoted(text)) holds a control character; expected one line of text")
        }
        return text
    }

    /// Text of any kind, as arguments of programs are.
    func argument() throws(ConfigError) -> String {
        guard case .text(let text) = content else { throw error(expected: "text") }
        guard !text.utf8.contains(0) else { throw error("holds a NUL byte, which no program can be given") }
        guard text.utf8.count <= 32 << 10 else {
            throw error("is \(text.utf8.count) bytes long; expected at most \(32 << 10)")
        }
        return text
    }

    func items() throws(ConfigError) -> [ManifestValue] {
        guard case .list(let items) = content else { throw error(expected: "a list") }
        guard items.count <= Self.mostItems else {
            throw error("has \(items.count) items; expected at most \(Self.mostItems)")
        }
        return items
    }

    func entries() throws(ConfigError) -> [Entry] {
        guard case .mapping(let entries) = content else { throw error(expected: "a mapping") }
        guard entries.count <= Self.mostItems else {
            throw error("has \(entries.count) keys; expected at most \(Self.mostItems)")
        }
        return entries
    }

    /// The value of a key; nil where it is missing or has no value.
    func optional(_ key: String) throws(ConfigError) -> ManifestValue? {
        guard let value = try entries().first(where: { $0.key == key })?.value else { return nil }
        if case .none = value.content { return nil }
        return value
    }

    func required(_ key: String) throws(ConfigError) -> ManifestValue {
        if let value = try optional(key) { return value }
        throw ConfigError(
            file: file, line: line, column: column, key: keyPath(self.key, key),
            problem: "is missing; expected text")
    }

    /// What is said of keys that nobody reads: one that is written wrong would else have no effect.
    func unknown(_ known: [String]) throws(ConfigError) -> [String] {
        try entries().filter { !known.contains($0.key) }.map { entry in
            let hint = suggestion(for: entry.key, in: known).map { "; \($0)" } ?? ""
            return entry.place.error("is not read\(hint)").description
        }
    }
}

extension ManifestValue {
    static func json(_ bytes: [UInt8], file: String) throws(ConfigError) -> ManifestValue {
        do throws(JSONTreeError) {
            return ManifestValue(try JSONTree(parsing: bytes), file: file, key: "")
        } catch {
            throw ConfigError(
                file: file, line: error.place.line, column: error.place.column, key: "",
                problem: shown(error.problem))
        }
    }

    static func yaml(_ bytes: [UInt8], file: String) throws(ConfigError) -> ManifestValue {
        ManifestValue(try YAMLNode(parsing: bytes, file: file), file: file, key: "")
    }

    private init(_ content: Content, _ file: String, _ place: JSONPlace, _ key: String) {
        self.init(content: content, file: file, line: place.line, column: place.column, key: key)
    }

    private init(_ tree: JSONTree, file: String, key: String) {
        let content: Content =
            switch tree.value {
            case .string(let text): .text(text)
            case .null: .none
            case .bool, .number: .other(tree.kind)
            case .array(let items):
                .list(
                    items.enumerated().map { ManifestValue($1, file: file, key: "\(key)[\($0)]") })
            case .object(let members):
                .mapping(
                    members.map { member in
                        let inner = keyPath(key, member.key)
                        return Entry(
                            key: member.key, place: ManifestValue(.none, file, member.place, inner),
                            value: ManifestValue(member.value, file: file, key: inner))
                    })
            }
        self.init(content, file, tree.place, key)
    }

    private init(_ node: YAMLNode, file: String, key: String) {
        let content: Content =
            switch node.content {
            case .scalar(let text, plain: true) where ["", "~", "null", "Null", "NULL"].contains(text): .none
            case .scalar(let text, _): .text(text)
            case .sequence(let items):
                .list(items.enumerated().map { ManifestValue($1, file: file, key: "\(key)[\($0)]") })
            case .mapping(let entries):
                .mapping(
                    entries.map { entry in
                        let inner = keyPath(key, entry.key)
                        let place = ManifestValue(
                            content: .none, file: file, line: entry.keyMark.line,
                            column: entry.keyMark.column, key: inner)
                        return Entry(
                            key: entry.key, place: place,
                            value: ManifestValue(entry.value, file: file, key: inner))
                    })
            }
        self.init(
            content: content, file: file, line: node.mark.line, column: node.mark.column, key: key)
    }
}
