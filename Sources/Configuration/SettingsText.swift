import Sandbox
package import Wire

/// Settings as a file writes them, for people and for programs.
package enum SettingsText {
    /// A file that says all of it. Read again it gives the same values.
    /// - Parameter origins: whether each line ends in a comment that says where its value comes from.
    package static func yaml(_ settings: Settings, origins: Bool) -> String {
        var lines: [String] = []
        for name in SettingKey.names(in: "") {
            if let key = SettingKey(rawValue: name) {
                lines.append(line(key, settings, name, "", origins))
                continue
            }
            lines.append("\(name):")
            for inner in SettingKey.names(in: name) {
                guard let key = SettingKey(rawValue: "\(name).\(inner)") else { continue }
                lines.append(line(key, settings, inner, "  ", origins))
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func line(
        _ key: SettingKey, _ settings: Settings, _ name: String, _ indent: String, _ origins: Bool
    ) -> String {
        let setting = settings[key]
        let line = "\(indent)\(name): \(written(setting.value, key.kind))"
        guard origins else { return line }
        let replaced = setting.replaced.map {
            "\($0.value.written(as: key.kind)) (\($0.origin))"
        }
        let instead = replaced.isEmpty ? "" : "; instead of \(replaced.joined(separator: ", "))"
        return "\(line)  # \(setting.origin)\(instead)"
    }

    private static func written(_ value: SettingValue, _ kind: SettingKey.Kind) -> String {
        switch value {
        case .list(let items): "[\(items.map(scalar).joined(separator: ", "))]"
        case .text(let text): scalar(text)
        case .number, .range, .none: value.written(as: kind)
        }
    }

    /// In quotation marks unless nothing in it could be taken for something else.
    private static func scalar(_ text: String) -> String {
        let isPlain =
            text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                    UInt8(ascii: "."), UInt8(ascii: "/"):
                    true
                default: false
                }
            } && !["", "null", "Null", "NULL"].contains(text) && text.utf8.first != UInt8(ascii: "-")
        if isPlain { return text }
        // A JSON string is a YAML one.
        var bytes: [UInt8] = []
        text.writeJSON(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same keys in the same nesting: counts as numbers, everything else as a file writes it.
    package static func json(_ settings: Settings) -> JSONText {
        JSONText.object { root in
            for name in SettingKey.names(in: "") {
                if let key = SettingKey(rawValue: name) {
                    add(settings[key].value, key.kind, name, &root)
                    continue
                }
                root.object(name) { section in
                    for inner in SettingKey.names(in: name) {
                        guard let key = SettingKey(rawValue: "\(name).\(inner)") else { continue }
                        add(settings[key].value, key.kind, inner, &section)
                    }
                }
            }
        }
    }

    /// A member for each key, with where its value comes from.
    package static func jsonWithOrigins(_ settings: Settings) -> JSONText {
        JSONText.object { root in
            for key in SettingKey.allCases {
                let setting = settings[key]
                root.object(key.rawValue) { object in
                    add(setting.value, key.kind, "value", &object)
                    object.add("origin", setting.origin.description)
                    guard !setting.replaced.isEmpty else { return }
                    object.array("replaces") { list in
                        for statement in setting.replaced {
                            list.object { object in
                                add(statement.value, key.kind, "value", &object)
                                object.add("origin", statement.origin.description)
                            }
                        }
                    }
                }
            }
        }
    }

    private static func add(
        _ value: SettingValue, _ kind: SettingKey.Kind, _ name: String, _ object: inout JSONObjectWriter
    ) {
        switch (value, kind) {
        case (.list(let items), _):
            object.array(name) { list in for item in items { list.add(item) } }
        case (.number(let number), .quantity(let quantity)) where quantity.kind == .count:
            object.add(name, number)
        default: object.add(name, value.written(as: kind))
        }
    }
}
