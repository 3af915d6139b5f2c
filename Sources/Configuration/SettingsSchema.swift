import Sandbox
import Wire

/// The JSON Schema of corral.yaml (draft 2020-12) and the table in docs/configuration.md, made from the
/// table of keys that reading goes by.
package enum SettingsSchema {
    /// On many lines.
    package static var text: String { IndentedJSON.text(json) }

    private static var json: JSONText {
        JSONText.object { root in
            root.add("$schema", "https://json-schema.org/draft/2020-12/schema")
            root.add("title", "The configuration of Corral")
            mapping("", &root)
        }
    }

    private static func mapping(_ section: String, _ schema: inout JSONObjectWriter) {
        schema.add("type", "object")
        schema.add("additionalProperties", false)
        schema.object("properties") { properties in
            for name in SettingKey.names(in: section) {
                properties.object(name) { property in
                    if let key = SettingKey(rawValue: section.isEmpty ? name : "\(section).\(name)") {
                        value(key, &property)
                    } else {
                        mapping(name, &property)
                    }
                }
            }
        }
    }

    private static func value(_ key: SettingKey, _ schema: inout JSONObjectWriter) {
        schema.add("description", "\(key.meaning). Default: \(standard(key)).")
        switch key.kind {
        case .path: text(&schema, path)
        case .pathOrNone: text(&schema, "^(none|\(path.dropFirst().dropLast()))$")
        case .addressOrNone: text(&schema, "^(none|[0-9.]+:[0-9]+|\\[[0-9a-f:.]+\\]:[0-9]+)$")
        case .paths:
            schema.add("type", "array")
            schema.add("uniqueItems", true)
            schema.object("items") { text(&$0, path) }
        case .mounts:
            schema.add("type", "array")
            schema.add("uniqueItems", true)
            let name = "[a-z0-9][a-z0-9._-]{0,62}"
            schema.object("items") {
                text(&$0, "^((\\*|\(name)(,\(name))*)=)?\(path.dropFirst())")
            }
        case .tenantUIDs:
            schema.add("type", "array")
            schema.add("uniqueItems", true)
            schema.object("items") { text(&$0, "^[0-9]+(-[0-9]+)?=[a-z0-9][a-z0-9._-]{0,62}$") }
        case .name: text(&schema, "^[a-z0-9][a-z0-9_-]{0,63}$")
        case .account:
            schema.array("type") { for kind in ["integer", "string"] { $0.add(kind) } }
            schema.add("pattern", "^([a-z_][a-z0-9_-]{0,31}|[0-9]+)$")
            schema.add("minimum", 0)
        case .word(let words): schema.array("enum") { list in for word in words { list.add(word) } }
        case .quantity(let quantity): self.quantity(quantity, &schema)
        case .range: text(&schema, "^[1-9][0-9]*-[1-9][0-9]*$")
        }
    }

    private static let path = "^(/[^/\\u0000-\\u001f\\u007f]+)+$"

    private static func text(_ schema: inout JSONObjectWriter, _ pattern: String) {
        schema.add("type", "string")
        schema.add("pattern", pattern)
    }

    private static func quantity(_ quantity: Quantity, _ schema: inout JSONObjectWriter) {
        let none = quantity.orNone ? "none|" : ""
        func types(_ names: String...) {
            schema.array("type") { list in for name in names { list.add(name) } }
        }
        switch quantity.kind {
        case .count:
            if quantity.orNone {
                types("integer", "string")
                schema.add("pattern", "^none$")
            } else {
                schema.add("type", "integer")
            }
            schema.add("minimum", quantity.range.lowerBound)
            schema.add("maximum", quantity.range.upperBound)
        case .mode:
            types("integer", "string")
            schema.add("pattern", "^0[0-7]+$")
        case .cpus:
            types("number", "string")
            schema.add("exclusiveMinimum", 0)
            schema.add("maximum", quantity.range.upperBound / 1000)
            schema.add("pattern", "^none$")
        case .size:
            types("integer", "string")
            schema.add("pattern", "^(\(none)(0|[1-9][0-9]*)(KiB|MiB|GiB|TiB)?)$")
            schema.add("minimum", quantity.range.lowerBound)
            schema.add("maximum", quantity.range.upperBound)
        case .duration: text(&schema, "^(\(none)(0|[1-9][0-9]*)(ms|s|m|h))$")
        }
    }

    // MARK: The table in docs/

    package static var table: String {
        var lines = [
            "| key | kind | range | default | a reload | meaning |", "|---|---|---|---|---|---|",
        ]
        for key in SettingKey.allCases {
            let (kind, range) = words(key.kind)
            lines.append(
                "| `\(key.rawValue)` | \(kind) | \(range) | `\(standard(key))` | \(key.reload.rawValue) | "
                    + "\(key.meaning) |")
        }
        return lines.joined(separator: "\n")
    }

    /// Root's default.
    private static func standard(_ key: SettingKey) -> String {
        let value = Settings(place: .system)[key].value
        if case .list(let items) = value { return "[\(items.joined(separator: ", "))]" }
        return value.written(as: key.kind)
    }

    private static func words(_ kind: SettingKey.Kind) -> (kind: String, range: String) {
        switch kind {
        case .path: ("path", "absolute")
        case .pathOrNone: ("path", "absolute, or none")
        case .addressOrNone: ("address", "`ADDRESS:PORT`, or none")
        case .paths: ("list of paths", "absolute, none twice")
        case .mounts: ("list of paths", "`PATH`, `TENANT,TENANT=PATH` or `*=PATH`, absolute, no path twice")
        case .tenantUIDs: ("list of users", "`UID=TENANT` or `FIRST-LAST=TENANT`, no user twice")
        case .name: ("name", "")
        case .account: ("user or group", "a name, a number, or none")
        case .word(let words): ("word", words.map { "`\($0)`" }.joined(separator: ", "))
        case .quantity(let quantity): (quantity.kindName, quantity.expectedRange)
        case .range(let quantity): ("range", "two of \(quantity.expectedRange)")
        }
    }
}
