import Glibc
import Linux
import Sandbox

extension Explanation {
    /// What a limit says to an amount.
    mutating func decide(_ event: LimitEvent, _ rules: SandboxRules) {
        let key = event.key
        let origin = rules.origin(key)
        let said = "\(key.rawValue) is \(rules.written(key))"
        if key == .workspaceBytes || key == .workspaceFiles {
            guard limitsWorkspace(key, rules) else { return }
        }
        guard let most = rules.most(of: key) else { return allow(.limit, said, origin) }
        let share = rules.othersShare(of: key)
        if let amount = event.amount, amount <= most - min(share.amount, most) {
            allow(.limit, said, origin)
        } else {
            let why = share.amount == 0 ? "" : ", and \(share.what)"
            deny(
                .limit, "\(said)\(why)", origin, rules.effect(of: key),
                cure: rules.cure(key, event.amount.map { $0 + share.amount }))
        }
        if let note = key.note { self.note(.limit, note) }
    }

    /// Whether the workspace's limits hold at all.
    private mutating func limitsWorkspace(_ key: ProfileKey, _ rules: SandboxRules) -> Bool {
        let path = rules.image.workspace
        switch rules.view[path]?.thing {
        case .workspace(writable: true):
            allow(.limit, "\(path) is a directory of the host, which \(key.rawValue) does not limit")
            return false
        case .tmpfs: return true
        default:
            deny(
                .mounts, "filesystem.workspace is \(rules.written(.workspace))", rules.origin(.workspace),
                .errno(.readOnlyFileSystem), cure: "Set filesystem.workspace: writable in the profile.")
            return false
        }
    }
}

extension SandboxRules {
    /// The limit; nil for none.
    fileprivate func most(of key: ProfileKey) -> UInt64? {
        switch key {
        case .memory: profile.limits.memory
        case .swap: profile.limits.swap
        case .pids: UInt64(profile.limits.pids)
        case .cpus: UInt64(profile.limits.milliCPUs)
        case .cpuTime: profile.limits.cpuTime
        case .openFiles: UInt64(profile.limits.openFiles)
        case .fileSize: profile.limits.fileSize
        case .stack: profile.limits.stack
        case .workspaceBytes: profile.limits.workspaceBytes
        case .workspaceFiles: UInt64(profile.limits.workspaceFiles)
        case .timeout: profile.lifetime.timeout
        case .outputLimit: profile.output.limit
        case .relayFrame: UInt64(profile.relay.frameBytes)
        case .relayConnections: UInt64(profile.relay.connections)
        default: profile.relay.messages.flatMap { most(of: key, $0) }
        }
    }

    private func most(of key: ProfileKey, _ messages: MessagePolicy) -> UInt64? {
        switch key {
        case .relayRate: messages.rate == 0 ? nil : UInt64(messages.rate)
        case .relayBurst: messages.rate == 0 ? nil : UInt64(messages.burst)
        case .relayBytes: messages.bytesPerHour
        case .relayInFlight: UInt64(messages.inFlight)
        case .relayDeadline: messages.deadline
        default: messages.registration
        }
    }

    /// What the program sees when it goes too far here.
    fileprivate func effect(of key: ProfileKey) -> Denial.Effect {
        switch key {
        case .pids where profile.limits.pidsKill: .ends("the sandbox is ended, with cause pids")
        case .outputLimit where profile.output.kill: .ends("the sandbox is ended, with cause output")
        default: key.effect
        }
    }

    /// What of a limit is used up before any process of the program.
    fileprivate func othersShare(of key: ProfileKey) -> (amount: UInt64, what: String) {
        switch key {
        case .pids: (1, "the sandbox's init is one of them")
        case .workspaceFiles: (1, "the workspace itself is one of them")
        default: (0, "")
        }
    }

    fileprivate func cure(_ key: ProfileKey, _ amount: UInt64?) -> String {
        guard case .quantity(let quantity) = key.kind else { return "Raise \(key.rawValue)." }
        guard let amount else { return "Set \(key.rawValue) to none in the profile." }
        guard quantity.range.contains(amount) else {
            return
                "No profile can allow it: \(key.rawValue) goes up to \(quantity.write(quantity.range.upperBound))."
        }
        return "Set \(key.rawValue) to \(quantity.write(amount)) in the profile."
    }
}

extension ProfileKey {
    /// What the program sees when it goes too far.
    fileprivate var effect: Denial.Effect {
        switch self {
        case .memory:
            .ends("the kernel kills a process of the sandbox (SIGKILL), which ends with cause memory")
        case .swap: .other("it stays in memory, where it counts for limits.memory")
        case .pids: .errno(.wouldBlock)
        case .cpus: .other("it is slowed down")
        case .openFiles: .errno(.tooManyFiles)
        case .fileSize: .errno(.fileTooLarge)
        case .stack: .signal(SIGSEGV)
        case .workspaceBytes, .workspaceFiles: .errno(.noSpace)
        case .timeout: .ends("the sandbox is ended, with cause timeout")
        case .cpuTime: .ends("the sandbox is ended, with cause cpu")
        case .outputLimit: .other("the head and the tail are kept, and what is between is counted")
        case .relayFrame: .other("the relay refuses the frame and ends the connection (rule frame-size)")
        case .relayConnections: .other("the relay closes the new connection (rule connections)")
        case .relayRate, .relayBurst: .other("the relay leaves the message out (rule rate)")
        case .relayBytes: .other("the relay leaves the message out (rule volume)")
        case .relayInFlight: .other("the relay answers the call with an error (rule in-flight)")
        case .relayDeadline: .other("the relay answers the call with an error (rule deadline)")
        default: .other("the relay closes the connection (rule registration)")
        }
    }

    /// What else there is to know about a limit.
    fileprivate var note: String? {
        switch self {
        case .memory: "memory of processes, page cache, /tmp and the workspace count together"
        case .openFiles: "for each process; 0, 1 and 2 are among them"
        case .fileSize: "SIGXFSZ comes with it, and ends a program that does not ignore it"
        case .stack: "of the first thread of each process"
        case .workspaceBytes:
            "of a session's workspace in memory; one with --disk or --workspace has its volume's limit instead, "
                + "at which a write fails with EDQUOT, as it does where the volumes of its tenant have the quota disk"
        case .workspaceFiles:
            "of a session's workspace in memory; one with --disk or --workspace has its volume's limit instead, "
                + "which is none where the driver counts files as bytes"
        default: nil
        }
    }
}
