import Sandbox

// The table itself: what each key is, when a new value holds, what it means.
extension SettingKey {
    var row: Row {
        switch self {
        case .state: Row(.path, .restart, "what outlasts the daemon: records and workspaces")
        case .runtime:
            Row(.path, .restart, "sockets and locks; where `state` is set and this is not, `run` below it")
        case .user: Row(.account, .restart, "whom corrald becomes when root starts it")
        case .profiles: Row(.paths, .warden, "directories of profiles, the first that has a name counts")
        case .plans:
            Row(.paths, .live, "directories of plans of tenants, the first that has a name counts")
        case .images: Row(.path, .warden, "the directory of imported and built images")
        case .mounts:
            Row(
                .mounts, .warden,
                "these directories of the host, and those below them, sessions may have: of `default`, or of the "
                    + "tenants before a `=`")
        case .uids:
            Row(
                .range(Quantity(.count, 1...4_294_967_293)), .warden,
                "user ids of the host that sandboxes have, two each, and group ids of the same numbers")
        case .socketPath: Row(.path, .restart, "where the API listens; in `runtime` unless set")
        case .socketGroup: Row(.account, .restart, "whose members may connect, and so start sessions")
        case .socketMode:
            Row(.quantity(Quantity(.mode, 0o600...0o666)), .restart, "permissions of the socket")
        case .listenTCP:
            Row(
                .addressOrNone, .restart,
                "where the API listens for clients with tokens besides; port 0 is one that the kernel chooses"
            )
        case .listenUnencrypted:
            Row(
                .word(["loopback", "anywhere"]), .restart,
                "`anywhere`: `listen.tcp` may be an address that other machines reach, although nothing is encrypted"
            )
        case .tenantUIDs:
            Row(
                .tenantUIDs, .live,
                "whose tenant is not `default`, by the user id that a client has at the socket")
        case .wardenPath:
            Row(.pathOrNone, .restart, "the program corral-warden; `none` is the one installed with corrald")
        default: bounds
        }
    }

    /// How much there may be.
    private var bounds: Row {
        switch self {
        case .limitSessions: Row(.quantity(Quantity(.count, 1...16_384)), .live, "sessions at once")
        case .limitProcesses:
            Row(.quantity(Quantity(.count, 1...1024)), .live, "execs and managed processes, each session")
        case .limitMemory:
            Row(.quantity(ceiling(Limits.Rule.memory)), .warden, "the most memory a session may ask for")
        case .limitPids:
            Row(.quantity(ceiling(Limits.Rule.pids)), .warden, "the most processes and threads, each session")
        case .limitCPUs:
            Row(.quantity(ceiling(Limits.Rule.cpus)), .warden, "the most processors' worth of time")
        case .limitOpenFiles:
            Row(
                .quantity(ceiling(Limits.Rule.openFiles)), .warden,
                "the most open descriptors, each process of a session")
        case .limitWorkspace:
            Row(.quantity(ceiling(Limits.Rule.workspace)), .warden, "the most bytes of a workspace")
        case .limitVolume:
            Row(
                .quantity(Quantity(.size, 64 << 10...1 << 50)), .warden,
                "the most bytes of a volume, and what one has for which nobody asks for less")
        case .volumeImage:
            Row(
                .quantity(Quantity(.size, 256 << 20...1 << 50)), .warden,
                "the most bytes of the image that volumes are in, where the state directory has no quotas itself"
            )
        case .volumeLimits:
            Row(
                .word(["required", "wished"]), .warden,
                "`wished`: where nothing can enforce the limits of volumes, directories without any will do")
        case .archiveEntries:
            Row(
                .quantity(Quantity(.count, 1...10_000_000)), .live,
                "the most entries of an archive that a client has unpacked")
        case .archiveBytes:
            Row(
                .quantity(Quantity(.size, 1024...1 << 50)), .live,
                "the most bytes that such an archive may unpack to")
        case .nodeProcesses, .nodeMemory, .nodeCPUs, .nodeDisk, .nodeCPUTime, .nodeExecs, .nodeCreations:
            together
        case .outputRing:
            Row(
                .quantity(Quantity(.size, 4096...1 << 30)), .live,
                "bytes kept of each output of a process; older ones go")
        case .resultsRetention:
            Row(.quantity(time), .live, "how long results of sessions and processes are kept after the end")
        case .auditRetention, .auditRecords, .auditOld: audit
        case .httpBody:
            Row(
                .quantity(Quantity(.size, 1024...256 << 20)), .restart,
                "the largest body of a request; what carries no program has at most 2 MiB in any case, and a file is bounded by its workspace"
            )
        case .httpHeaders:
            Row(.quantity(Quantity(.size, 4096...1 << 20)), .restart, "the largest head of a request")
        case .httpConnections:
            Row(.quantity(Quantity(.count, 1...16_384)), .restart, "connections at once")
        case .httpIdle:
            Row(.quantity(time), .restart, "until a connection on which nothing moves is closed")
        default: habits
        }
    }

    /// What all tenants may have together; the ranges are those of the quotas of one.
    private var together: Row {
        switch self {
        case .nodeProcesses:
            Row(
                .quantity(Quantity(.count, 1...1_048_576, orNone: true)), .live,
                "execs and managed processes at once, of all tenants")
        case .nodeMemory:
            Row(
                .quantity(Quantity(.size, 1 << 20...1 << 50, orNone: true)), .live,
                "what the sessions of all tenants may use of memory together, by their limits")
        case .nodeCPUs:
            Row(
                .quantity(Quantity(.cpus, 10...16_384_000, orNone: true)), .live,
                "likewise of processors")
        case .nodeDisk:
            Row(
                .quantity(Quantity(.size, 1 << 16...1 << 56, orNone: true)), .live,
                "what the volumes of all tenants may hold together, by their limits")
        case .nodeCPUTime:
            Row(
                .quantity(Quantity(.duration, 1000...16_384 * 86_400_000, orNone: true)), .live,
                "processor time of a day (UTC), of all tenants, by processes that have ended")
        case .nodeExecs:
            Row(
                .quantity(Quantity(.count, 1...1_000_000_000, orNone: true)), .live,
                "execs of a day (UTC), of all tenants")
        default:
            Row(
                .quantity(Quantity(.count, 1...1_000_000, orNone: true)), .live,
                "sessions made in a minute, of all tenants")
        }
    }

    private var audit: Row {
        switch self {
        case .auditRetention: Row(.quantity(time), .live, "how long audit records are kept in the store")
        case .auditRecords:
            Row(
                .quantity(Quantity(.count, 1000...1_000_000_000, orNone: true)), .live,
                "the most audit records that are kept in the store; a record takes about 350 bytes")
        default:
            Row(
                .word(["dropped", "archived"]), .live,
                "what becomes of audit records that are no longer kept in the store; `archived`: they are put into "
                    + "files beside it, which nobody removes")
        }
    }

    /// What holds where a caller says nothing, and what is told.
    private var habits: Row {
        switch self {
        case .defaultProfile: Row(.name, .live, "the profile of a session that names none")
        case .defaultTTL:
            Row(.quantity(timeOrNone), .live, "life of a session from its creation or last renewal")
        case .defaultIdle: Row(.quantity(timeOrNone), .live, "until a session that nobody uses is ended")
        case .defaultMax:
            Row(.quantity(timeOrNone), .live, "life of a session from its creation, renewals or not")
        case .defaultGrace:
            Row(
                .quantity(Quantity(.duration, 0...3_600_000)), .live,
                "from asking a session to stop to killing it")
        case .logLevel:
            Row(.word(["debug", "info", "warning", "error"]), .live, "the least important that is logged")
        default:
            Row(
                .word(["auto", "json", "text"]), .live,
                "`json`: an object a line; `text`: for people; `auto`: text on a terminal, else json")
        }
    }

    private var time: Quantity { Quantity(.duration, 1000...31_536_000_000) }
    private var timeOrNone: Quantity { Quantity(.duration, 1000...31_536_000_000, orNone: true) }

    private func ceiling(_ rule: Quantity) -> Quantity { Quantity(rule.kind, rule.range, orNone: true) }
}
