package import Sandbox

/// Reading one file of settings by the table of keys.
package enum SettingsReader {
    /// The file's statements, as far as it can be read, and everything that is wrong with it: all mistakes
    /// but those of YAML itself, behind which nothing can be told.
    /// - Parameter file: its path, for messages and as the origin of values.
    package static func read(_ yaml: [UInt8], file: String) -> (layer: SettingsLayer, errors: [ConfigError]) {
        var reader = FileReader()
        // A file in which everything is behind a # says nothing, which is not wrong.
        guard !isEmpty(yaml) else { return (reader.layer, []) }
        do throws(ConfigError) {
            reader.section(
                YAMLValue(node: try YAMLNode(parsing: yaml, file: file), key: "", file: file), "")
            return (reader.layer, reader.errors)
        } catch {
            return (SettingsLayer(), [error])
        }
    }

    /// Whether there is nothing but blank lines and comments.
    private static func isEmpty(_ yaml: [UInt8]) -> Bool {
        yaml.split(separator: UInt8(ascii: "\n")).allSatisfy { line in
            let rest = line.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            return rest.isEmpty || rest.first == UInt8(ascii: "#")
        }
    }
}

private struct FileReader {
    var layer = SettingsLayer()
    var errors: [ConfigError] = []

    mutating func section(_ value: YAMLValue, _ section: String) {
        do throws(ConfigError) {
            for (key, value) in try value.entries() {
                do throws(ConfigError) {
                    try entry(key, value, section)
                } catch {
                    errors.append(error)
                }
            }
        } catch {
            errors.append(error)
        }
    }

    private mutating func entry(_ key: YAMLValue, _ value: YAMLValue, _ section: String) throws(ConfigError) {
        let name = try key.text()
        let path = section.isEmpty ? name : "\(section).\(name)"
        let isSimple = !name.utf8.contains(UInt8(ascii: "."))
        if isSimple, section.isEmpty, SettingKey.sections.contains(name) {
            self.section(value, name)
        } else if isSimple, let known = SettingKey(rawValue: path) {
            let mark = key.node.mark
            layer.state(
                known, try value.setting(known), .file(value.file, line: mark.line, column: mark.column))
        } else {
            throw key.error("is not a key here; \(FileReader.cure(name, in: section))")
        }
    }

    private static func cure(_ name: String, in section: String) -> String {
        if section.isEmpty, SettingKey(rawValue: name) != nil {
            return "expected a mapping for each of its parts, such as limits: {sessions: 100}"
        }
        let known = SettingKey.names(in: section)
        if let near = suggestion(for: name, in: known) { return near }
        // In the wrong section.
        let elsewhere = SettingKey.allCases.map(\.rawValue).first {
            $0 == name || $0.hasSuffix(".\(name)")
        }
        return elsewhere.map { "did you mean \($0)?" } ?? "expected one of \(known.joined(separator: ", "))"
    }
}

extension YAMLValue {
    /// The value of `key` as a file writes it.
    fileprivate func setting(_ key: SettingKey) throws(ConfigError) -> SettingValue {
        switch key.kind {
        case .paths:
            var paths: [String] = []
            for item in try items() {
                let path = try item.text()
                try item.located { () throws(ValueError) in try SettingKey.add(path, to: &paths) }
            }
            return .list(paths)
        case .mounts:
            var mounts = HostMounts()
            for item in try items() {
                let text = try item.text()
                try item.located { () throws(ValueError) in try mounts.add(text) }
            }
            return .list(mounts.entries.map(\.text))
        case .tenantUIDs:
            var uids = TenantUIDs()
            for item in try items() {
                let text = try item.text()
                try item.located { () throws(ValueError) in try uids.add(text) }
            }
            return .list(uids.entries.map(\.text))
        case .quantity(let quantity):
            let number: UInt64? =
                quantity.orNone ? try numberOrNone(quantity) : try self.number(quantity)
            return number.map(SettingValue.number) ?? .none
        case .word(let words):
            let word = try word(expected: "one of \(words.joined(separator: ", "))")
            return try located { () throws(ValueError) in try key.read(word) }
        case .path, .pathOrNone, .addressOrNone, .name, .account, .range:
            let text = try text()
            return try located { () throws(ValueError) in try key.read(text) }
        }
    }
}
