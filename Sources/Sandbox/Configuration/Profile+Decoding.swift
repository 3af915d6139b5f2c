extension Profile {
    private enum Key: String, YAMLKey {
        case description, image, seccomp, limits, network, relay, environment, require
    }

    /// Reads one file of `profiles/`; docs/profiles.md describes its keys.
    ///
    /// - Parameters:
    ///   - yaml: the whole file.
    ///   - file: its path, for messages; the last part without `.yaml` becomes the profile's name.
    package static func decode(_ yaml: [UInt8], file: String) throws(ConfigError) -> Profile {
        let root = YAMLValue(node: try YAMLTree.parse(yaml, file: file), key: "", file: file)
        let name = try root.nameOfFile()
        let fields = try root.fields(Key.self)
        return Profile(
            name: name,
            description: try fields.required(.description).line(atMost: 1000),
            image: try fields.required(.image).text(checkSimpleName),
            seccomp: try fields.required(.seccomp).text(checkSimpleName),
            limits: try Limits(fields.required(.limits)),
            network: try Network(fields[.network]),
            relay: try RelayPolicy(fields[.relay]),
            environment: try fields[.environment]?.variables() ?? [],
            require: try fields.required(.require).layers())
    }
}

extension YAMLValue {
    /// The name that a profile or image has from its file: the last part without `.yaml`.
    func nameOfFile() throws(ConfigError) -> String {
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

    fileprivate func layers() throws(ConfigError) -> [Layer] {
        var layers: [Layer] = []
        for item in try items() {
            let text = try item.text()
            let layer = try item.located { () throws(ValueError) in try Layer(named: text) }
            if layers.contains(layer) { throw item.error("\(quoted(text)) is listed twice") }
            layers.append(layer)
        }
        return layers
    }

    fileprivate func variables() throws(ConfigError) -> [EnvironmentVariable] {
        var variables: [EnvironmentVariable] = []
        for (key, value) in try entries() {
            let name = try key.text(EnvironmentVariable.checkName)
            let text = try value.text(EnvironmentVariable.checkValue)
            variables.append(EnvironmentVariable(name: name, value: text))
        }
        return variables
    }
}

extension Limits {
    private enum Key: String, YAMLKey {
        case memory, swap, pids, cpus, stack, workspace, timeout
        case openFiles = "open_files"
        case fileSize = "file_size"
        case workspaceFiles = "workspace_files"
    }

    fileprivate init(_ value: YAMLValue) throws(ConfigError) {
        let fields = try value.fields(Key.self)
        self.init(
            memory: try fields.number(.memory, Rule.memory),
            swap: try fields.number(.swap, Rule.swap, default: 0),
            pids: try fields.number(.pids, Rule.pids),
            milliCPUs: try fields.number(.cpus, Rule.cpus),
            openFiles: try fields.number(.openFiles, Rule.openFiles, default: 1024),
            fileSize: try fields.number(.fileSize, Rule.fileSize, default: 1 << 30),
            stack: try fields.number(.stack, Rule.stack, default: 8 << 20),
            workspaceBytes: try fields.number(.workspace, Rule.workspace),
            workspaceFiles: try fields.number(.workspaceFiles, Rule.workspaceFiles, default: 16_384),
            timeout: try fields[.timeout]?.numberOrNone(Rule.timeout))
    }
}

extension Network {
    private enum Key: String, YAMLKey {
        case tcp
    }

    private enum TCPKey: String, YAMLKey {
        case bind, connect
    }

    fileprivate init(_ value: YAMLValue?) throws(ConfigError) {
        let tcp = try value?.fields(Key.self)[.tcp]?.fields(TCPKey.self)
        // Port 0 stands for a port of the kernel's choice, which only bind(2) can ask for.
        self.init(
            bind: try tcp?[.bind]?.ports(Quantity(.count, 0...65535)) ?? .only([]),
            connect: try tcp?[.connect]?.ports(Quantity(.count, 1...65535)) ?? .only([]))
    }
}

extension YAMLValue {
    fileprivate func ports(_ port: Quantity) throws(ConfigError) -> Network.Ports {
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

extension RelayPolicy {
    private enum Key: String, YAMLKey {
        case frame, connections
    }

    fileprivate init(_ value: YAMLValue?) throws(ConfigError) {
        self.init(frameBytes: 4 << 20, connections: 8)
        guard let fields = try value?.fields(Key.self) else { return }
        frameBytes = try fields.number(.frame, Rule.frame, default: frameBytes)
        connections = try fields.number(.connections, Rule.connections, default: connections)
    }
}
