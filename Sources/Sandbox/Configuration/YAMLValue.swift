/// A value of a file together with where it is, which is what an error about it needs.
package struct YAMLValue {
    package let node: YAMLNode
    package let key: String
    package let file: String

    package init(node: YAMLNode, key: String, file: String) {
        self.node = node
        self.key = key
        self.file = file
    }

    package func error(_ problem: String) -> ConfigError {
        ConfigError(file: file, line: node.mark.line, column: node.mark.column, key: key, problem: problem)
    }

    package func error(expected: String) -> ConfigError { error("is \(node.noun); expected \(expected)") }

    // MARK: Scalars

    /// Text, quoted or plain, such as `"3.10"` or `3.10`.
    package func text() throws(ConfigError) -> String {
        guard case .scalar(let text, let plain) = node.content else { throw error(expected: "text") }
        if plain, ["", "~", "null", "Null", "NULL"].contains(text) {
            throw error(
                "has no value; expected text, in quotation marks if it is meant to be \(quoted(text))")
        }
        return text
    }

    /// Text that passes `check`.
    package func text(_ check: (String) throws(ValueError) -> Void) throws(ConfigError) -> String {
        let text = try text()
        try located { () throws(ValueError) in try check(text) }
        return text
    }

    /// Text fit for one line of a terminal.
    package func line(atMost limit: Int) throws(ConfigError) -> String {
        try text { (text) throws(ValueError) in
            if !(1...limit).contains(text.utf8.count) {
                throw ValueError("is \(text.utf8.count) bytes long; expected 1 to \(limit)")
            }
            if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
                throw ValueError("\(quoted(text)) holds a control character; expected one line of text")
            }
        }
    }

    /// A plain word, for types that are told by how they are written.
    package func word(expected: String) throws(ConfigError) -> String {
        guard case .scalar(let text, plain: true) = node.content else { throw error(expected: expected) }
        if text.isEmpty { throw error("has no value; expected \(expected)") }
        return text
    }

    package func flag() throws(ConfigError) -> Bool {
        switch try word(expected: "true or false") {
        case "true": return true
        case "false": return false
        case let other: throw error("\(quoted(other)) is not a boolean; expected true or false")
        }
    }

    package func number<Number: FixedWidthInteger>(_ quantity: Quantity) throws(ConfigError) -> Number {
        let text = try word(expected: "\(quantity.noun) without quotation marks")
        // A range wider than the type would be our mistake; clamping keeps it from being a trap.
        return Number(clamping: try located { () throws(ValueError) in try quantity.read(text) })
    }

    package func numberOrNone(_ quantity: Quantity) throws(ConfigError) -> UInt64? {
        let text = try word(expected: "\(quantity.noun) without quotation marks, or none")
        return try located { () throws(ValueError) in try quantity.readOrNone(text) }
    }

    /// Runs `body`, whose errors are about this value.
    package func located<Result>(_ body: () throws(ValueError) -> Result) throws(ConfigError) -> Result {
        do throws(ValueError) {
            return try body()
        } catch {
            throw self.error(error.problem)
        }
    }

    // MARK: Collections

    package func items() throws(ConfigError) -> [YAMLValue] {
        guard case .sequence(let nodes) = node.content else { throw error(expected: "a list") }
        return nodes.enumerated().map { YAMLValue(node: $1, key: "\(key)[\($0)]", file: file) }
    }

    /// A mapping with keys of the file's own choice, in the file's order.
    package func entries() throws(ConfigError) -> [(key: YAMLValue, value: YAMLValue)] {
        try mapping().map { entry in
            let inner = keyPath(key, entry.key)
            let key = YAMLNode(content: .scalar(entry.key, plain: false), mark: entry.keyMark)
            return (
                YAMLValue(node: key, key: inner, file: file),
                YAMLValue(node: entry.value, key: inner, file: file)
            )
        }
    }

    /// A mapping with the keys of `Key` and no others.
    func fields<Key: YAMLKey>(_ keys: Key.Type) throws(ConfigError) -> YAMLFields<Key> {
        var values: [(name: String, value: YAMLValue)] = []
        let known = Key.allCases.map(\.rawValue)
        for (key, value) in try entries() {
            let name = try key.text()
            guard known.contains(name) else {
                let cure =
                    suggestion(for: name, in: known) ?? "expected one of \(known.joined(separator: ", "))"
                throw key.error("is not a key here; \(cure)")
            }
            values.append((name, value))
        }
        return YAMLFields(mapping: YAMLMapping(values: values, whole: self))
    }

    private func mapping() throws(ConfigError) -> [YAMLNode.Entry] {
        guard case .mapping(let entries) = node.content else { throw error(expected: "a mapping") }
        return entries
    }

    // MARK: The file

    /// The name that what is in a file has from it: the last part without `.yaml`.
    package func nameOfFile() throws(ConfigError) -> String {
        var name = file.utf8.split(separator: UInt8(ascii: "/")).last.map { String($0) ?? "" } ?? ""
        if name.hasSuffix(".yaml") { name.removeLast(".yaml".count) }
        do throws(ValueError) {
            try checkSimpleName(name)
        } catch {
            throw ConfigError(
                file: file, line: 1, column: 1, key: "", problem: "the file is its name: \(error.problem)")
        }
        return name
    }
}

/// The keys of one kind of mapping. Every case is a key that the decoder reads: unknown keys are
/// told apart, and the nearest known one is suggested, by this list.
protocol YAMLKey: RawRepresentable<String>, CaseIterable {}

/// What a ``YAMLFields`` reads from.
final class YAMLMapping {
    let values: [(name: String, value: YAMLValue)]
    let whole: YAMLValue

    init(values: [(name: String, value: YAMLValue)], whole: YAMLValue) {
        self.values = values
        self.whole = whole
    }
}

/// A mapping whose keys are all known.
struct YAMLFields<Key: YAMLKey> {
    // One reference and nothing else: for each other layout the Swift runtime would look the
    // metadata of each `Key` up when the value goes, which takes longer than to decode the file.
    fileprivate let mapping: YAMLMapping
    fileprivate var whole: YAMLValue { mapping.whole }

    /// The value of `key`; nil when the file leaves it out.
    subscript(key: Key) -> YAMLValue? { mapping.values.first { $0.name == key.rawValue }?.value }

    /// The value of `key`, which must be there.
    func required(_ key: Key) throws(ConfigError) -> YAMLValue {
        if let value = self[key] { return value }
        let mark = whole.node.mark
        throw ConfigError(
            file: whole.file, line: mark.line, column: mark.column,
            key: keyPath(whole.key, key.rawValue), problem: "is missing; it has no default")
    }

    func number<Number: FixedWidthInteger>(
        _ key: Key, _ quantity: Quantity, default value: Number? = nil
    ) throws(ConfigError) -> Number {
        if let value, self[key] == nil { return value }
        return try required(key).number(quantity)
    }
}
