// What a profile file says, without the YAML: what a cache keeps. The order of the values here is
// the form of stored files, so a change of it is a change of their version.

extension Profile {
    package func store(in writer: inout StoredWriter) {
        writer.text(name)
        writer.text(description)
        writer.text(image)
        writer.byte(Profile.index(filesystem.workspace))
        writer.texts(syscalls.policy)
        writer.texts(syscalls.withRelay)
        writer.texts(syscalls.withoutHostDirectory)
        writer.texts(syscalls.withTerminal)
        landlock.bind.store(in: &writer)
        landlock.connect.store(in: &writer)
        writer.byte(Profile.index(network.mode))
        writer.word(UInt32(network.allow.count))
        for address in network.allow {
            writer.text(address.host)
            writer.word(UInt32(address.port))
        }
        limits.store(in: &writer)
        writer.longOrNone(lifetime.timeout)
        writer.longOrNone(lifetime.maxTimeout)
        writer.text(lifetime.maxTimeoutOrigin)
        lifetime.session.store(in: &writer)
        writer.longOrNone(output.limit)
        writer.flag(output.kill)
        relay.store(in: &writer)
        writer.word(UInt32(environment.count))
        for variable in environment {
            writer.text(variable.name)
            writer.text(variable.value)
        }
        writer.word(UInt32(require.count))
        for layer in require { writer.byte(Profile.index(layer)) }
        writer.word(UInt32(locks.count))
        for lock in locks {
            writer.text(lock.path)
            writer.text(lock.origin)
        }
    }

    package init(from reader: inout StoredReader) throws(StoredProblem) {
        self.init(
            name: try reader.text(), description: try reader.text(), image: try reader.text(),
            filesystem: Filesystem(workspace: try Profile.value(from: &reader)),
            syscalls: SyscallPolicy(
                policy: try reader.texts(), withRelay: try reader.texts(),
                withoutHostDirectory: try reader.texts(), withTerminal: try reader.texts()),
            landlock: LandlockPolicy(bind: try Ports(from: &reader), connect: try Ports(from: &reader)),
            network: try Network(from: &reader), limits: try Limits(from: &reader),
            lifetime: try Lifetime(from: &reader),
            output: OutputPolicy(limit: try reader.longOrNone(), kill: try reader.flag()),
            relay: try RelayPolicy(from: &reader),
            environment: [], require: [], locks: [])
        for _ in 0..<(try reader.word()) {
            environment.append(EnvironmentVariable(name: try reader.text(), value: try reader.text()))
        }
        for _ in 0..<(try reader.word()) { require.append(try Profile.value(from: &reader)) }
        for _ in 0..<(try reader.word()) {
            locks.append(ProfileLock(path: try reader.text(), origin: try reader.text()))
        }
    }

    // By number: the first look for a name in a process makes a table of all.

    static func index<Value: CaseIterable & Equatable>(_ value: Value) -> UInt8 {
        UInt8(Array(Value.allCases).firstIndex(of: value) ?? 0)
    }

    static func value<Value: CaseIterable>(
        from reader: inout StoredReader
    ) throws(StoredProblem) -> Value {
        let (all, number) = (Array(Value.allCases), Int(try reader.byte()))
        guard all.indices.contains(number) else { throw StoredProblem() }
        return all[number]
    }
}

extension Network {
    fileprivate init(from reader: inout StoredReader) throws(StoredProblem) {
        self.init(mode: try Profile.value(from: &reader), allow: [])
        for _ in 0..<(try reader.word()) {
            let host = try reader.text()
            guard let port = UInt16(exactly: try reader.word()) else { throw StoredProblem() }
            allow.append(NetworkAddress(host: host, port: port))
        }
    }
}

extension StoredWriter {
    mutating func longOrNone(_ value: UInt64?) {
        flag(value != nil)
        if let value { long(value) }
    }

    mutating func textOrNone(_ value: String?) {
        flag(value != nil)
        if let value { text(value) }
    }

    mutating func texts(_ values: [String]) {
        word(UInt32(values.count))
        for value in values { text(value) }
    }
}

extension StoredReader {
    mutating func longOrNone() throws(StoredProblem) -> UInt64? { try flag() ? try long() : nil }

    mutating func textOrNone() throws(StoredProblem) -> String? { try flag() ? try text() : nil }

    mutating func texts() throws(StoredProblem) -> [String] {
        var values: [String] = []
        for _ in 0..<(try word()) { values.append(try text()) }
        return values
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
        writer.longOrNone(cpuTime)
        writer.flag(pidsKill)
    }

    fileprivate init(from reader: inout StoredReader) throws(StoredProblem) {
        self.init(
            memory: try reader.long(), swap: try reader.long(), pids: try reader.word(),
            milliCPUs: try reader.word(), openFiles: try reader.word(), fileSize: try reader.long(),
            stack: try reader.long(), workspaceBytes: try reader.long(), workspaceFiles: try reader.word(),
            cpuTime: try reader.longOrNone(), pidsKill: try reader.flag())
    }
}

extension Ports {
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
