/// Where the keys of a YAML file stand, for whoever explains what a file said after it was decoded.
package struct KeyPlaces: Hashable, Sendable {
    /// As the caller named it.
    package let file: String
    private var lines: [String: Int] = [:]

    /// - Parameter yaml: the whole file.
    package init(_ yaml: [UInt8], file: String) throws(ConfigError) {
        self.file = file
        note(try YAMLTree.parse(yaml, file: file), "")
    }

    private mutating func note(_ node: YAMLNode, _ key: String) {
        if lines[key] == nil { lines[key] = node.mark.line }
        switch node.content {
        case .scalar: break
        case .sequence(let items):
            for (index, item) in items.enumerated() { note(item, "\(key)[\(index)]") }
        case .mapping(let entries):
            for entry in entries {
                let inner = keyPath(key, entry.key)
                lines[inner] = entry.keyMark.line
                note(entry.value, inner)
            }
        }
    }

    /// `images/host.yaml:24` for `binds[2]`. A key that the file leaves out is where what contains it is.
    package subscript(key: String) -> String {
        var rest = key[...]
        while true {
            if let line = lines[String(rest)] { return "\(file):\(line)" }
            guard let end = rest.lastIndex(where: { $0 == "." || $0 == "[" }) else { return file }
            rest = rest[..<end]
        }
    }
}
