extension Profile {
    /// What merged layers amount to.
    /// - Parameters:
    ///   - layers: the built-in defaults and what lies over them.
    ///   - file: the uppermost file, for errors about what is nowhere.
    /// - Throws: the first of ``problems(of:file:)``.
    package init(_ layers: PartialProfile, name: String, file: String) throws(ConfigError) {
        if let problem = Profile.problems(of: layers, file: file).first { throw problem }
        self.init(
            name: name,
            description: layers.text(.description),
            image: layers.text(.image),
            filesystem: Filesystem(
                workspace: Filesystem.Workspace(rawValue: layers.text(.workspace)) ?? .readOnly),
            syscalls: SyscallPolicy(
                policy: layers.list(.policy), withRelay: layers.list(.withRelay),
                withoutHostDirectory: layers.list(.withoutHostDirectory),
                withTerminal: layers.list(.withTerminal)),
            landlock: LandlockPolicy(bind: layers.ports(.bind), connect: layers.ports(.connect)),
            network: Network(
                mode: Network.Mode(rawValue: layers.text(.networkMode)) ?? .none,
                allow: layers.list(.networkAllow).compactMap { try? NetworkAddress($0) }),
            limits: Limits(layers),
            lifetime: Lifetime(layers),
            output: OutputPolicy(limit: layers.number(.outputLimit), kill: layers.flag(.outputKill)),
            relay: RelayPolicy(
                frameBytes: UInt32(clamping: layers.number(.relayFrame) ?? 0),
                connections: UInt32(clamping: layers.number(.relayConnections) ?? 0),
                messages: MessagePolicy(layers)),
            environment: layers.variables.map { field in
                EnvironmentVariable(name: field.variable, value: layers.text(field))
            },
            require: layers.list(.require).compactMap(Layer.init(rawValue:)),
            locks: layers.locks.map { ProfileLock(path: $0.path, origin: "\($0.origin)") })
    }

    /// Everything that keeps layers from being a profile: keys that are nowhere, locked ones that were
    /// changed, values that do not go together.
    package static func problems(of layers: PartialProfile, file: String) -> [ConfigError] {
        var problems: [ConfigError] = []
        for violation in layers.violations {
            let held = layers[violation.field].map {
                "stays \($0.value.written(as: violation.field.key.kind))"
            }
            problems.append(
                violation.refused.error(
                    violation.field.path, "is locked by \(violation.lock) and \(held ?? "stays unset")", file)
            )
        }
        for key in ProfileKey.allCases where key.isField && !key.mayBeAbsent && layers[key] == nil {
            problems.append(
                ConfigError(
                    file: file, line: 1, column: 1, key: key.rawValue,
                    problem: "is missing; it has no default"))
        }
        if let allow = layers[.networkAllow], allow.value != .list([]), let mode = layers[.networkMode],
            mode.value != .text(Network.Mode.proxy.rawValue)
        {
            problems.append(
                allow.error(
                    ProfileKey.networkAllow.rawValue,
                    "is for the mode proxy only, and the mode is \(mode.value.written(as: .name)) "
                        + "(\(mode.origin)); expected [] or no such key", file))
        }
        if let problem = lifetimeProblem(layers, file) { problems.append(problem) }
        problems += sessionProblems(layers, file)
        return problems
    }

    /// What would never come about, since `max` comes first.
    private static func sessionProblems(_ layers: PartialProfile, _ file: String) -> [ConfigError] {
        guard let ceiling = layers[.most], case .number(let most) = ceiling.value else { return [] }
        let rule = ProfileKey.Kind.quantity(Lifetime.Rule.session)
        return [ProfileKey.ttl, .idle].compactMap { key in
            guard let said = layers[key], case .number(let time) = said.value, time > most else { return nil }
            return said.error(
                key.rawValue,
                "\(said.value.written(as: rule)) (\(said.origin)) is more than lifetime.max, "
                    + "\(ceiling.value.written(as: rule)) (\(ceiling.origin))", file)
        }
    }

    private static func lifetimeProblem(_ layers: PartialProfile, _ file: String) -> ConfigError? {
        guard let ceiling = layers[.maxTimeout], case .number(let most) = ceiling.value,
            let timeout = layers[.timeout]
        else { return nil }
        if case .number(let asked) = timeout.value, asked <= most { return nil }
        let rule = ProfileKey.Kind.quantity(Lifetime.Rule.timeout)
        return timeout.error(
            ProfileKey.timeout.rawValue,
            "\(timeout.value.written(as: rule)) (\(timeout.origin)) is more than lifetime.max_timeout, "
                + "\(ceiling.value.written(as: rule)) (\(ceiling.origin))", file)
    }
}

extension PartialProfile.Statement {
    /// An error about what is stated, at its place, or else at the top of `file`.
    fileprivate func error(_ key: String, _ problem: String, _ file: String) -> ConfigError {
        if case .file(let file, let line, let column) = origin {
            return ConfigError(file: file, line: line, column: column, key: key, problem: problem)
        }
        return ConfigError(file: file, line: 1, column: 1, key: key, problem: problem)
    }
}

extension PartialProfile {
    fileprivate func text(_ field: ProfileField) -> String {
        if case .text(let text) = self[field]?.value { return text }
        return ""
    }

    fileprivate func text(_ key: ProfileKey) -> String { text(ProfileField(key)) }

    /// Nil for any.
    fileprivate func textOrAny(_ key: ProfileKey) -> String? {
        if case .text(let text) = self[key]?.value { return text }
        return nil
    }

    fileprivate func list(_ key: ProfileKey) -> [String] {
        if case .list(let items) = self[key]?.value { return items }
        return []
    }

    fileprivate func ports(_ key: ProfileKey) -> Ports {
        if case .ports(let ports) = self[key]?.value { return ports }
        return .only([])
    }

    fileprivate func number(_ key: ProfileKey) -> UInt64? {
        if case .number(let number) = self[key]?.value { return number }
        return nil
    }

    fileprivate func flag(_ key: ProfileKey) -> Bool { self[key]?.value == .flag(true) }
}

extension Lifetime {
    fileprivate init(_ layers: PartialProfile) {
        self.init(
            timeout: layers.number(.timeout), maxTimeout: layers.number(.maxTimeout),
            maxTimeoutOrigin: layers[.maxTimeout].map { "\($0.origin)" } ?? "")
        func span(_ key: ProfileKey) -> Span {
            guard layers[key] != nil else { return .unsaid }
            return layers.number(key).map(Span.after) ?? .never
        }
        session.ttl = span(.ttl)
        session.idle = span(.idle)
        session.max = span(.most)
        session.lease = layers[.lease].flatMap { _ in Lease(rawValue: layers.text(.lease)) }
    }
}

extension MessagePolicy {
    fileprivate init(_ layers: PartialProfile) {
        self.init()
        name = layers.textOrAny(.relayPluginName)
        id = layers.textOrAny(.relayPluginID)
        if case .list(let items) = layers[.relayPluginCapabilities]?.value { capabilities = items }
        methods = layers.list(.relayMethods)
        actions = layers.list(.relayActions)
        schemes = layers.list(.relaySchemes)
        rate = UInt32(clamping: layers.number(.relayRate) ?? 0)
        burst = UInt32(clamping: layers.number(.relayBurst) ?? 0)
        bytesPerHour = layers.number(.relayBytes)
        inFlight = UInt32(clamping: layers.number(.relayInFlight) ?? 0)
        deadline = layers.number(.relayDeadline) ?? 0
        registration = layers.number(.relayRegistration) ?? 0
        violation = Violation(rawValue: layers.text(.relayViolation)) ?? .close
    }
}

extension Limits {
    fileprivate init(_ layers: PartialProfile) {
        func small(_ key: ProfileKey) -> UInt32 { UInt32(clamping: layers.number(key) ?? 0) }
        self.init(
            memory: layers.number(.memory) ?? 0, swap: layers.number(.swap) ?? 0, pids: small(.pids),
            milliCPUs: small(.cpus), openFiles: small(.openFiles), fileSize: layers.number(.fileSize) ?? 0,
            stack: layers.number(.stack) ?? 0, workspaceBytes: layers.number(.workspaceBytes) ?? 0,
            workspaceFiles: small(.workspaceFiles), cpuTime: layers.number(.cpuTime),
            pidsKill: layers.flag(.pidsKill))
    }
}

extension Profile {
    /// Where a field is locked, by itself or with its section; nil where it is not.
    package func lockOrigin(of field: ProfileField) -> String? {
        locks.filter { $0.covers(field) }.max { $0.path.utf8.count < $1.path.utf8.count }?.origin
    }
}
