// What a profile file says, without the YAML: what a cache keeps. The order of the values here is
// the form of stored files, so a change of it is a change of their version.

extension Profile {
    package func store(in writer: inout StoredWriter) {
        writer.text(name)
        writer.text(description)
        writer.text(image)
        writer.text(seccomp)
        limits.store(in: &writer)
        network.bind.store(in: &writer)
        network.connect.store(in: &writer)
        writer.word(relay.frameBytes)
        writer.word(relay.connections)
        writer.word(UInt32(environment.count))
        for variable in environment {
            writer.text(variable.name)
            writer.text(variable.value)
        }
        writer.word(UInt32(require.count))
        let layers = Layer.allCases
        for layer in require { writer.byte(UInt8(layers.firstIndex(of: layer) ?? 0)) }
    }

    package init(from reader: inout StoredReader) throws(StoredProblem) {
        self.init(
            name: try reader.text(), description: try reader.text(), image: try reader.text(),
            seccomp: try reader.text(), limits: try Limits(from: &reader),
            network: Network(
                bind: try Network.Ports(from: &reader), connect: try Network.Ports(from: &reader)),
            relay: RelayPolicy(frameBytes: try reader.word(), connections: try reader.word()),
            environment: [], require: [])
        for _ in 0..<(try reader.word()) {
            environment.append(EnvironmentVariable(name: try reader.text(), value: try reader.text()))
        }
        // By number: the first look for a name in a process makes a table of all.
        let layers = Layer.allCases
        for _ in 0..<(try reader.word()) {
            let number = Int(try reader.byte())
            guard layers.indices.contains(number) else { throw StoredProblem() }
            require.append(layers[number])
        }
    }
}

extension Limits {
    fileprivate func store(in writer: inout StoredWriter) {
        writer.long(memory)
        writer.long(swap)
        writer.word(pids)
        writer.word(milliCPUs)
        writer.word(openFiles)
        writer.long(fileSize)
        writer.long(stack)
        writer.long(workspaceBytes)
        writer.word(workspaceFiles)
        writer.flag(timeout != nil)
        if let timeout { writer.long(timeout) }
    }

    fileprivate init(from reader: inout StoredReader) throws(StoredProblem) {
        self.init(
            memory: try reader.long(), swap: try reader.long(), pids: try reader.word(),
            milliCPUs: try reader.word(), openFiles: try reader.word(), fileSize: try reader.long(),
            stack: try reader.long(), workspaceBytes: try reader.long(), workspaceFiles: try reader.word(),
            timeout: try reader.flag() ? try reader.long() : nil)
    }
}

extension Network.Ports {
    fileprivate func store(in writer: inout StoredWriter) {
        switch self {
        case .any: writer.flag(true)
        case .only(let ports):
            writer.flag(false)
            writer.word(UInt32(ports.count))
            for port in ports { writer.word(UInt32(port)) }
        }
    }

    fileprivate init(from reader: inout StoredReader) throws(StoredProblem) {
        if try reader.flag() {
            self = .any
            return
        }
        var ports: [UInt16] = []
        for _ in 0..<(try reader.word()) {
            guard let port = UInt16(exactly: try reader.word()) else { throw StoredProblem() }
            ports.append(port)
        }
        self = .only(ports)
    }
}
