/// A place in a file, both numbers from 1.
package struct YAMLMark: Hashable, Sendable {
    package var line: Int
    package var column: Int
}

/// A value of a YAML document. Scalars stay text: which type a plain one has is decided by the
/// field that reads it, so that `no` is never a boolean by accident.
package struct YAMLNode: Sendable {
    package enum Content: Sendable {
        /// Plain is written without quotation marks and not as a block.
        case scalar(String, plain: Bool)
        case sequence([YAMLNode])
        /// In the file's order; no key twice.
        case mapping([Entry])
    }

    package struct Entry: Sendable {
        package let key: String
        package let keyMark: YAMLMark
        package let value: YAMLNode
    }

    package let content: Content
    package let mark: YAMLMark

    init(content: Content, mark: YAMLMark) {
        self.content = content
        self.mark = mark
    }

    /// Reads a whole file.
    /// - Parameter file: its name, for messages.
    package init(parsing yaml: [UInt8], file: String) throws(ConfigError) {
        self = try YAMLTree.parse(yaml, file: file)
    }

    /// What the value is, with its article.
    var noun: String {
        switch content {
        case .scalar(_, plain: true): "a plain value"
        case .scalar(_, plain: false): "a text in quotation marks or a block"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// The path of `key` inside the value at `parent`.
package func keyPath(_ parent: String, _ key: String) -> String {
    // Byte by byte: this runs for every key of every file.
    let simple = key.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
    let shown = simple && !key.isEmpty ? key : quoted(key)
    return parent.isEmpty ? shown : "\(parent).\(shown)"
}
