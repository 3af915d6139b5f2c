/// Builds the tree of a YAML file.
///
/// YAML's ways to say one thing in two places are refused, each with its own message: anchors,
/// aliases, tags, merge keys, directives, several documents, a key given twice. What a reviewer
/// reads is then what the file says.
struct YAMLTree: ~Copyable {
    /// In bytes.
    static let textLimit = 256 << 10
    static let depthLimit = 16
    /// Scalars, keys included, and lists and mappings.
    static let nodeLimit = 10_000

    private let file: String
    private var events: YAMLEvents
    private var nodes = 0

    /// - Parameter file: the file's name, for messages.
    static func parse(_ text: [UInt8], file: String) throws(ConfigError) -> YAMLNode {
        if text.count > textLimit {
            throw ConfigError(
                file: file, line: 1, column: 1, key: "",
                problem: "is \(text.count) bytes long; expected at most \(textLimit)")
        }
        var tree = YAMLTree(file: file, events: try YAMLEvents(text, file: file))
        return try tree.document()
    }

    private init(file: String, events: consuming YAMLEvents) {
        self.file = file
        self.events = events
    }

    private mutating func document() throws(ConfigError) -> YAMLNode {
        _ = try events.next()
        let start = try events.next()
        guard case .documentStart(let hasDirectives) = start.kind else {
            throw error(YAMLMark(line: 1, column: 1), "", "holds no value; expected a mapping")
        }
        if hasDirectives { throw error(start.mark, "", "directives (%) are not used here; remove the line") }
        let root = try node(try events.next(), path: "", depth: 1)
        _ = try events.next()
        let end = try events.next()
        guard case .streamEnd = end.kind else {
            throw error(end.mark, "", "a second document starts; expected one document in the file")
        }
        return root
    }

    private mutating func node(_ event: YAMLEvent, path: String, depth: Int) throws(ConfigError) -> YAMLNode {
        nodes += 1
        if nodes > YAMLTree.nodeLimit {
            throw error(event.mark, path, "is one value too many; expected at most \(YAMLTree.nodeLimit)")
        }
        if event.hasAnchor {
            throw error(event.mark, path, "anchors (&) are not used here; write the value out")
        }
        if event.hasTag { throw error(event.mark, path, "tags (!) are not used here; remove it") }
        switch event.kind {
        case .scalar(let text, let plain):
            return YAMLNode(content: .scalar(text, plain: plain), mark: event.mark)
        case .alias: throw error(event.mark, path, "aliases (*) are not used here; write the value out")
        case .sequenceStart:
            try checkDepth(event, path, depth)
            return YAMLNode(content: .sequence(try items(path, depth)), mark: event.mark)
        case .mappingStart:
            try checkDepth(event, path, depth)
            return YAMLNode(content: .mapping(try entries(path, depth)), mark: event.mark)
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw error(event.mark, path, "ends too early; expected a value")
        }
    }

    private func checkDepth(_ event: YAMLEvent, _ path: String, _ depth: Int) throws(ConfigError) {
        if depth > YAMLTree.depthLimit {
            throw error(event.mark, path, "is nested deeper than \(YAMLTree.depthLimit) levels")
        }
    }

    private mutating func items(_ path: String, _ depth: Int) throws(ConfigError) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let event = try events.next()
            if case .sequenceEnd = event.kind { return items }
            items.append(try node(event, path: "\(path)[\(items.count)]", depth: depth + 1))
        }
    }

    private mutating func entries(_ path: String, _ depth: Int) throws(ConfigError) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        while true {
            let event = try events.next()
            if case .mappingEnd = event.kind { return entries }
            let key = try node(event, path: path, depth: depth + 1)
            guard case .scalar(let name, let plain) = key.content else {
                throw error(key.mark, path, "has \(key.noun) as a key; expected text")
            }
            let inner = keyPath(path, name)
            if plain, name == "<<" {
                throw error(key.mark, path, "merge keys (<<) are not used here; write the keys out")
            }
            if let line = lines.updateValue(key.mark.line, forKey: name) {
                throw error(key.mark, inner, "is given twice; first in line \(line)")
            }
            let value = try node(try events.next(), path: inner, depth: depth + 1)
            entries.append(YAMLNode.Entry(key: name, keyMark: key.mark, value: value))
        }
    }

    private func error(_ mark: YAMLMark, _ key: String, _ problem: String) -> ConfigError {
        ConfigError(file: file, line: mark.line, column: mark.column, key: key, problem: problem)
    }
}
