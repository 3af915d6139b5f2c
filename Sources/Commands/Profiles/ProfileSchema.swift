import Sandbox
import Wire

/// The JSON Schema of profile files (draft 2020-12), made from the table of keys that decoding goes by.
/// It knows less than the decoder: which keys exist, what kind their values are and how they are written,
/// and the range of whole numbers.
enum ProfileSchema {
    /// On many lines.
    static var text: String {
        IndentedJSON.text(
            JSONText.object { root in
                root.add("$schema", "https://json-schema.org/draft/2020-12/schema")
                root.add("title", "A profile of Corral")
                mapping("", &root)
            })
    }

    /// - Parameter section: its path; "" for the whole file.
    private static func mapping(_ section: String, _ schema: inout JSONObjectWriter) {
        schema.add("type", "object")
        schema.add("additionalProperties", false)
        schema.object("properties") { properties in
            for name in ProfileKey.names(in: section) {
                let path = section.isEmpty ? name : "\(section).\(name)"
                properties.object(name) { property in
                    if let key = ProfileKey(rawValue: path) {
                        value(key, &property)
                    } else {
                        mapping(path, &property)
                    }
                }
            }
        }
    }

    private static func value(_ key: ProfileKey, _ schema: inout JSONObjectWriter) {
        let builtIn = key.builtIn.map { " Default: \($0.written(as: key.kind))." } ?? ""
        schema.add("description", "\(key.meaning).\(builtIn)")
        switch key.kind {
        case .line(let limit): text(&schema, "^[^\\u0000-\\u001f\\u007f]+$", limit)
        case .lineOrAny(let limit): text(&schema, "^[^\\u0000-\\u001f\\u007f]+$", limit)
        case .name: text(&schema, name)
        case .profile: text(&schema, "^([a-z0-9_-]{1,64}|[^\\u0000-\\u001f]*/[^\\u0000-\\u001f]*)$")
        case .word(let words): oneOf(words, &schema)
        case .flag: schema.add("type", "boolean")
        case .quantity(let kind): quantity(kind, &schema)
        case .ports(let port):
            schema.array("anyOf") { list in
                list.object { oneOf(["none", "any"], &$0) }
                list.object { list in self.list(&list) { quantity(port, &$0) } }
            }
        case .names: list(&schema) { text(&$0, name) }
        case .namesOrAny:
            schema.array("anyOf") { list in
                list.object { oneOf(["any"], &$0) }
                list.object { list in self.list(&list) { text(&$0, name) } }
            }
        case .methods: list(&schema) { text(&$0, "^[A-Za-z0-9_./*-]{1,128}$") }
        case .addresses: list(&schema) { text(&$0, "^.+:[1-9][0-9]{0,4}$") }
        case .layers: list(&schema) { oneOf(Layer.allCases.map(\.rawValue), &$0) }
        case .variables:
            schema.add("type", "object")
            schema.add("additionalProperties", false)
            schema.object("patternProperties") { patterns in
                // What YAML takes for a number or a boolean is text here.
                patterns.object("^[A-Za-z_][A-Za-z0-9_]*$") { value in
                    value.array("type") { for kind in ["string", "number", "boolean"] { $0.add(kind) } }
                }
            }
        case .keys: list(&schema, lockable)
        }
    }

    static let name = "^[a-z0-9][a-z0-9_-]{0,63}$"

    static func text(_ schema: inout JSONObjectWriter, _ pattern: String, _ limit: Int? = nil) {
        schema.add("type", "string")
        schema.add("pattern", pattern)
        if let limit { schema.add("maxLength", limit) }
    }

    private static func oneOf(_ words: [String], _ schema: inout JSONObjectWriter) {
        schema.array("enum") { list in for word in words { list.add(word) } }
    }

    static func list(
        _ schema: inout JSONObjectWriter, _ item: (inout JSONObjectWriter) -> Void
    ) {
        schema.add("type", "array")
        schema.add("uniqueItems", true)
        schema.object("items", item)
    }

    static func lockable(_ schema: inout JSONObjectWriter) {
        let keys = ProfileKey.allCases.filter(\.isField).map(\.rawValue)
        schema.array("anyOf") { list in
            list.object { oneOf(ProfileKey.sections + keys, &$0) }
            list.object { text(&$0, "^environment\\.[A-Za-z_][A-Za-z0-9_]*$") }
        }
    }

    static func quantity(_ quantity: Quantity, _ schema: inout JSONObjectWriter) {
        let none = quantity.orNone ? "none|" : ""
        func bounds(_ scale: UInt64 = 1) {
            schema.add("minimum", quantity.range.lowerBound / scale)
            schema.add("maximum", quantity.range.upperBound / scale)
        }
        switch quantity.kind {
        case .count, .mode:
            schema.add("type", "integer")
            bounds()
        case .cpus:
            schema.add("type", "number")
            schema.add("exclusiveMinimum", 0)
            schema.add("maximum", quantity.range.upperBound / 1000)
        case .size:
            schema.array("type") { for kind in ["integer", "string"] { $0.add(kind) } }
            schema.add("pattern", "^(\(none)(0|[1-9][0-9]*)(KiB|MiB|GiB|TiB)?)$")
            bounds()
        case .duration:
            schema.add("type", "string")
            schema.add("pattern", "^(\(none)(0|[1-9][0-9]*)(ms|s|m|h))$")
        }
    }
}
