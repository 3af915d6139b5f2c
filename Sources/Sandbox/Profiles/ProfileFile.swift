/// One file of `profiles/` as it stands: what it says, and which other it extends.
package struct ProfileFile: Hashable, Sendable {
    /// The file's name without `.yaml`.
    package let name: String
    /// As the caller named it.
    package let file: String
    package let layer: PartialProfile
    package let extends: Reference?

    /// Another profile, by its name, or by a path with a slash in it.
    package struct Reference: Hashable, Sendable {
        package let target: String
        package let line: Int
        package let column: Int

        package var isPath: Bool { target.utf8.contains(UInt8(ascii: "/")) }
    }

    /// Reads a file; docs/profiles.md describes its keys.
    /// - Parameters:
    ///   - yaml: the whole file.
    ///   - file: its path, for messages; the last part without `.yaml` becomes the profile's name.
    package init(_ yaml: [UInt8], file: String) throws(ConfigError) {
        let (read, errors) = ProfileFile.read(yaml, file: file)
        guard errors.isEmpty, let read else {
            throw errors.first
                ?? ConfigError(file: file, line: 1, column: 1, key: "", problem: "cannot be read")
        }
        self = read
    }

    private init(name: String, file: String, layer: PartialProfile, extends: Reference?) {
        self.name = name
        self.file = file
        self.layer = layer
        self.extends = extends
    }

    /// The file, as far as it can be read, and everything that is wrong with it: all mistakes but those
    /// of YAML itself, behind which nothing can be told.
    package static func read(_ yaml: [UInt8], file: String) -> (file: ProfileFile?, errors: [ConfigError]) {
        do throws(ConfigError) {
            let root = YAMLValue(node: try YAMLTree.parse(yaml, file: file), key: "", file: file)
            let name = try root.nameOfFile()
            var reader = ProfileReader()
            reader.section(root, "")
            return (
                ProfileFile(name: name, file: file, layer: reader.layer, extends: reader.extends),
                reader.errors
            )
        } catch {
            return (nil, [error])
        }
    }

    /// An error about `extends`.
    func extendsError(_ problem: String) -> ConfigError {
        ConfigError(
            file: file, line: extends?.line ?? 1, column: extends?.column ?? 1, key: "extends",
            problem: problem)
    }
}

/// Goes through a file by the table of keys.
private struct ProfileReader {
    var layer = PartialProfile()
    var extends: ProfileFile.Reference?
    var errors: [ConfigError] = []

    /// - Parameter section: the path of the mapping `value`; "" for the whole file.
    mutating func section(_ value: YAMLValue, _ section: String) {
        do throws(ConfigError) {
            for (key, value) in try value.entries() { try entry(key, value, section) }
        } catch {
            errors.append(error)
        }
    }

    private mutating func entry(_ key: YAMLValue, _ value: YAMLValue, _ section: String) throws(ConfigError) {
        let name = try key.text()
        let path = section.isEmpty ? name : "\(section).\(name)"
        if !name.utf8.contains(UInt8(ascii: ".")), ProfileKey.sections.contains(path) {
            self.section(value, path)
        } else if !name.utf8.contains(UInt8(ascii: ".")), let known = ProfileKey(rawValue: path) {
            do throws(ConfigError) {
                try read(known, key, value)
            } catch {
                errors.append(error)
            }
        } else {
            errors.append(key.error("is not a key here; \(ProfileReader.cure(name, in: section))"))
        }
    }

    private static func cure(_ name: String, in section: String) -> String {
        if section.isEmpty, ProfileKey(rawValue: name) != nil {
            return "expected a mapping for each of its parts, such as limits: {pids: 8}"
        }
        let known = ProfileKey.names(in: section)
        if let near = suggestion(for: name, in: known) { return near }
        // In the wrong section.
        let elsewhere = ProfileKey.allCases.map(\.rawValue).first { $0.hasSuffix(".\(name)") }
        return elsewhere.map { "did you mean \($0)?" } ?? "expected one of \(known.joined(separator: ", "))"
    }

    private mutating func read(_ key: ProfileKey, _ name: YAMLValue, _ value: YAMLValue) throws(ConfigError) {
        let field = ProfileField(key)
        switch key.kind {
        case .line(let limit): layer.state(field, .text(try value.line(atMost: limit)), name.origin)
        case .lineOrAny(let limit):
            let text = value.isWord("any") ? nil : try value.line(atMost: limit)
            layer.state(field, text.map(ProfileValue.text) ?? .unlimited, name.origin)
        case .name: layer.state(field, .text(try value.text(checkSimpleName)), name.origin)
        case .word(let words): layer.state(field, .text(try value.oneOf(words, of: key)), name.origin)
        case .flag: layer.state(field, .flag(try value.flag()), name.origin)
        case .quantity(let quantity):
            let number = quantity.orNone ? try value.numberOrNone(quantity) : try value.number(quantity)
            layer.state(field, number.map(ProfileValue.number) ?? .unlimited, name.origin)
        case .ports(let port): layer.state(field, .ports(try value.ports(port)), name.origin)
        case .names:
            let names = try value.list(checkSimpleName)
            if names.isEmpty, key.builtIn == nil { throw value.error("is empty; expected the base at least") }
            layer.state(field, .list(names), name.origin)
        case .namesOrAny:
            let names = value.isWord("any") ? nil : try value.list(checkSimpleName)
            layer.state(field, names.map(ProfileValue.list) ?? .unlimited, name.origin)
        case .methods: layer.state(field, .list(try value.list(MessagePolicy.checkMethod)), name.origin)
        case .addresses:
            let addresses = try value.list { (text) throws(ValueError) in _ = try NetworkAddress(text) }
            layer.state(field, .list(addresses), name.origin)
        case .layers:
            let layers = try value.list { (text) throws(ValueError) in _ = try Layer(named: text) }
            layer.state(field, .list(layers), name.origin)
        case .variables:
            for (key, value) in try value.entries() {
                let variable = try key.text(EnvironmentVariable.checkName)
                let text = try value.text(EnvironmentVariable.checkValue)
                layer.state(ProfileField(variable: variable), .text(text), key.origin)
            }
        case .profile:
            let mark = value.node.mark
            let target = try value.text(ProfileReader.checkReference)
            extends = ProfileFile.Reference(target: target, line: mark.line, column: mark.column)
        case .keys:
            _ = try value.list(ProfileReader.checkLock)
            for item in try value.items() { layer.lock(try item.text(), item.origin) }
        }
    }

    private static func checkReference(_ text: String) throws(ValueError) {
        guard text.utf8.contains(UInt8(ascii: "/")) else { return try checkSimpleName(text) }
        // PATH_MAX of limits.h, which counts a terminating zero.
        guard text.utf8.count <= 4095, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw ValueError(
                "\(quoted(text)) is not a path; expected at most 4095 bytes without control characters")
        }
    }

    private static func checkLock(_ text: String) throws(ValueError) {
        if text.hasPrefix("environment.") {
            return try EnvironmentVariable.checkName(String(text.dropFirst("environment.".count)))
        }
        let known = ProfileKey.allCases.filter(\.isField).map(\.rawValue) + ProfileKey.sections
        guard !known.contains(text) else { return }
        let cure = suggestion(for: text, in: known) ?? "expected one of \(known.joined(separator: ", "))"
        throw ValueError("\(quoted(text)) is not a key or a section; \(cure)")
    }
}

extension YAMLValue {
    fileprivate var origin: ProfileOrigin { .file(file, line: node.mark.line, column: node.mark.column) }

    /// A list of texts that pass `check`, none twice.
    fileprivate func list(_ check: (String) throws(ValueError) -> Void) throws(ConfigError) -> [String] {
        var texts: [String] = []
        for item in try items() {
            let text = try item.text(check)
            if texts.contains(text) { throw item.error("\(quoted(text)) is listed twice") }
            texts.append(text)
        }
        return texts
    }

    /// Whether it is that word, not in quotation marks.
    fileprivate func isWord(_ word: String) -> Bool {
        if case .scalar(word, plain: true) = node.content { return true }
        return false
    }

    fileprivate func oneOf(_ words: [String], of key: ProfileKey) throws(ConfigError) -> String {
        let expected = words.count == 1 ? words[0] : "one of \(words.joined(separator: ", "))"
        let word = try word(expected: expected)
        guard !words.contains(word) else { return word }
        if key == .root, word == "writable" {
            throw error(
                "\"writable\" is nothing that a root can be; expected read_only (what processes write to is the "
                    + "workspace and the image's tmpfs)")
        }
        let cure = suggestion(for: word, in: words) ?? "expected \(expected)"
        throw error("\(quoted(word)) is not a value here; \(cure)")
    }

    fileprivate func ports(_ port: Quantity) throws(ConfigError) -> Ports {
        let expected = "none, any or a list of ports such as [80, 443]"
        guard case .sequence = node.content else {
            switch try word(expected: expected) {
            case "none": return .only([])
            case "any": return .any
            case let other: throw error("\(quoted(other)) is not a set of ports; expected \(expected)")
            }
        }
        var ports: [UInt16] = []
        for item in try items() {
            let number: UInt16 = try item.number(port)
            if ports.contains(number) { throw item.error("port \(number) is listed twice") }
            ports.append(number)
        }
        return .only(ports)
    }
}
