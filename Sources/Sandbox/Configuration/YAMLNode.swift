/// A place in a file, both numbers from 1.
struct YAMLMark: Hashable {
    var line: Int
    var column: Int
}

/// A value of a YAML document. Scalars stay text: which type a plain one has is decided by the
/// field that reads it, so that `no` is never a boolean by accident.
struct YAMLNode {
    enum Content {
        /// Plain is written without quotation marks and not as a block.
        case scalar(String, plain: Bool)
        case sequence([YAMLNode])
        /// In the file's order; no key twice.
        case mapping([Entry])
    }

    struct Entry {
        let key: String
        let keyMark: YAMLMark
        let value: YAMLNode
    }

    let content: Content
    let mark: YAMLMark

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
func keyPath(_ parent: String, _ key: String) -> String {
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
