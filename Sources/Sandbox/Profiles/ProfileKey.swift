/// A key of a profile file, by its path. Everything that knows the keys goes by this table: the
/// decoder, merging, locks, `profile show` and `diff`, the JSON Schema and the reference in docs/.
package enum ProfileKey: String, CaseIterable, Sendable {
    case description, extends, image
    case root = "filesystem.root"
    case workspace = "filesystem.workspace"
    case policy = "syscalls.policy"
    case withRelay = "syscalls.with_relay"
    case withoutHostDirectory = "syscalls.without_host_directory"
    case withTerminal = "syscalls.with_terminal"
    case bind = "landlock.tcp.bind"
    case connect = "landlock.tcp.connect"
    case networkMode = "network.mode"
    case networkAllow = "network.allow"
    case memory = "limits.memory"
    case swap = "limits.swap"
    case pids = "limits.pids"
    case pidsKill = "limits.pids_kill"
    case cpus = "limits.cpus"
    case cpuTime = "limits.cpu_time"
    case openFiles = "limits.open_files"
    case fileSize = "limits.file_size"
    case stack = "limits.stack"
    case workspaceBytes = "limits.workspace"
    case workspaceFiles = "limits.workspace_files"
    case timeout = "lifetime.timeout"
    case maxTimeout = "lifetime.max_timeout"
    case ttl = "lifetime.ttl"
    case idle = "lifetime.idle"
    case most = "lifetime.max"
    case lease = "lifetime.lease"
    case outputLimit = "output.limit"
    case outputKill = "output.kill"
    case relayFrame = "relay.frame"
    case relayConnections = "relay.connections"
    case relayPluginName = "relay.plugin.name"
    case relayPluginID = "relay.plugin.id"
    case relayPluginCapabilities = "relay.plugin.capabilities"
    case relayMethods = "relay.methods"
    case relayActions = "relay.actions"
    case relaySchemes = "relay.schemes"
    case relayRate = "relay.rate"
    case relayBurst = "relay.burst"
    case relayBytes = "relay.bytes_per_hour"
    case relayInFlight = "relay.in_flight"
    case relayDeadline = "relay.deadline"
    case relayRegistration = "relay.registration"
    case relayViolation = "relay.violation"
    case environment, require, locked

    /// How a value is written.
    package enum Kind: Hashable, Sendable {
        /// One line of at most so many bytes.
        case line(Int)
        /// One line of at most so many bytes, or `any`.
        case lineOrAny(Int)
        case name
        /// A profile: its name, or a path with a slash in it.
        case profile
        case word([String])
        /// `true` or `false`.
        case flag
        case quantity(Quantity)
        case ports(Quantity)
        /// A list of names, none twice.
        case names
        /// A list of names, none twice, or `any`.
        case namesOrAny
        /// A list of names of methods, in which `*` stands for anything but a slash, none twice.
        case methods
        case addresses
        case layers
        case variables
        /// Keys and sections of a profile.
        case keys
    }

    /// Whether merging and locks know it; the other two say how a file stands to others.
    package var isField: Bool { self != .extends && self != .locked }

    /// Whether a profile is whole without it: then what the operator's configuration says holds.
    package var mayBeAbsent: Bool { [.environment, .ttl, .idle, .most, .lease].contains(self) }

    package var kind: Kind { row.kind }
    /// What holds where no file says anything; nil where one has to.
    package var builtIn: ProfileValue? { row.builtIn }
    /// For the reference.
    package var meaning: String { row.meaning }

    struct Row {
        let kind: Kind
        let builtIn: ProfileValue?
        let meaning: String

        init(_ kind: Kind, _ meaning: String) {
            self.init(kind, nil, meaning)
        }

        init(_ kind: Kind, _ builtIn: ProfileValue?, _ meaning: String) {
            self.kind = kind
            self.builtIn = builtIn
            self.meaning = meaning
        }
    }

    private var row: Row {
        switch self {
        case .description: Row(.line(1000), "shown in lists")
        case .extends: Row(.profile, "the profile whose values hold where this file says nothing")
        case .image: Row(.name, "the root: an image, see docs/images.md")
        case .root:
            Row(.word(["read_only"]), .text("read_only"), "the root directory; nothing else can be asked for")
        case .workspace:
            Row(
                .word(Filesystem.Workspace.allCases.map(\.rawValue)), .text("writable"),
                "whether processes may write to the workspace; one that is gone afterwards and read-only is empty"
            )
        case .policy: Row(.names, "the system calls: parts of a seccomp policy, the base first, merged")
        case .withRelay: Row(.names, .list([]), "parts added where the sandbox has a relay")
        case .withoutHostDirectory:
            Row(.names, .list([]), "parts added where nothing of the host is the workspace or mounted")
        case .withTerminal: Row(.names, .list(["terminal"]), "parts added where the sandbox has a terminal")
        // Port 0 stands for a port of the kernel's choice, which only bind(2) can ask for.
        case .bind:
            Row(
                .ports(Quantity(.count, 0...65535)), .ports(.only([])),
                "TCP ports that may be listened on; 0 is a port of the kernel's choice")
        case .connect:
            Row(.ports(Quantity(.count, 1...65535)), .ports(.only([])), "TCP ports that may be connected to")
        case .networkMode:
            Row(
                .word(Network.Mode.allCases.map(\.rawValue)), .text("none"),
                "`none`: a loopback interface and no way out; `proxy`: the way out is a proxy that lets "
                    + "`network.allow` through; `host`: the host's network, no isolation")
        case .networkAllow:
            Row(.addresses, .list([]), "what the proxy connects to; only with mode `proxy`")
        case .relayPluginName:
            Row(
                .lineOrAny(MessagePolicy.longestIdentity), .unlimited,
                "the name that the plugin has to register with; a plugin of the name any is `\"any\"`")
        case .relayPluginID:
            Row(
                .lineOrAny(MessagePolicy.longestIdentity), .unlimited,
                "the id that it has to register with; with `any` it may have none")
        case .relayPluginCapabilities:
            Row(.namesOrAny, .unlimited, "extension points that it may declare, such as `visitor_panel`")
        case .relayMethods:
            Row(
                .methods, .list(MessagePolicy().methods),
                "what the host may call; `*` stands for anything but a slash")
        case .relayActions:
            Row(.names, .list(MessagePolicy().actions), "actions that answers may ask the host's pages for")
        case .relaySchemes:
            Row(.names, .list(MessagePolicy().schemes), "schemes of the URLs in answers")
        case .relayViolation:
            Row(
                .word(MessagePolicy.Violation.allCases.map(\.rawValue)), .text("drop"),
                "what becomes of a plugin's message that is refused: `drop` leaves it out and tells whoever "
                    + "waits, `close` ends the connection as well, `kill` ends the sandbox")
        case .pidsKill:
            Row(
                .flag, .flag(false),
                "whether a process or thread more than `pids` ends the sandbox; else making it fails")
        case .outputKill:
            Row(.flag, .flag(false), "whether a run that writes more than `limit` is ended")
        case .environment: Row(.variables, "variables of every process, merged by their names")
        case .require: Row(.layers, "layers without which nothing is started")
        case .locked: Row(.keys, "keys and sections that nobody above may change")
        default: limit
        }
    }

    /// The numbers.
    private var limit: Row {
        switch self {
        case .memory:
            Row(
                .quantity(Limits.Rule.memory),
                "processes, page cache and tmpfs together; reaching it ends the sandbox")
        case .swap: Row(.quantity(Limits.Rule.swap), .number(0), "swap beside `memory`")
        case .pids: Row(.quantity(Limits.Rule.pids), "processes and threads")
        case .cpus: Row(.quantity(Limits.Rule.cpus), "processors' worth of time")
        case .cpuTime:
            Row(
                .quantity(Limits.Rule.cpuTime), .unlimited,
                "cpu time of all processes together; reaching it ends the sandbox")
        case .openFiles:
            Row(.quantity(Limits.Rule.openFiles), .number(1024), "open descriptors, each process")
        case .fileSize:
            Row(.quantity(Limits.Rule.fileSize), .number(1 << 30), "the largest file written, each process")
        case .stack:
            Row(
                .quantity(Limits.Rule.stack), .number(8 << 20),
                "stack of the first thread, each process; a quarter of it is room for arguments and environment"
            )
        case .workspaceBytes:
            Row(
                .quantity(Limits.Rule.workspace),
                "contents of an ephemeral workspace, which count as `memory` too")
        case .workspaceFiles:
            Row(
                .quantity(Limits.Rule.workspaceFiles), .number(16_384),
                "files and directories of an ephemeral workspace")
        case .timeout:
            Row(
                .quantity(Lifetime.Rule.timeout), .unlimited,
                "wall-clock time of one run; reaching it ends the sandbox")
        case .maxTimeout:
            Row(
                .quantity(Lifetime.Rule.timeout), .unlimited,
                "the most that `timeout` and `--timeout` may ask for")
        case .outputLimit:
            Row(
                .quantity(OutputPolicy.Rule.limit), .unlimited,
                "bytes of standard output and errors together; of more the head and the tail are kept")
        case .relayFrame:
            Row(
                .quantity(RelayPolicy.Rule.frame), .number(4 << 20),
                "the largest frame, without its length prefix")
        case .relayConnections:
            Row(
                .quantity(RelayPolicy.Rule.connections), .number(8),
                "connections that a plugin has open at once")
        case .ttl, .idle, .most, .lease: life
        default: flow
        }
    }
}

extension ProfileKey {
    /// How much passes the relay, and by when.
    private var flow: Row {
        switch self {
        case .relayRate:
            Row(
                .quantity(RelayPolicy.Rule.rate), .number(200),
                "frames a second from each side, on average")
        case .relayBurst:
            Row(.quantity(RelayPolicy.Rule.burst), .number(400), "frames from each side at once")
        case .relayBytes:
            Row(.quantity(RelayPolicy.Rule.bytes), .unlimited, "bytes an hour from each side")
        case .relayInFlight:
            Row(.quantity(RelayPolicy.Rule.inFlight), .number(64), "calls that wait for an answer at once")
        case .relayDeadline:
            Row(
                .quantity(RelayPolicy.Rule.time), .number(30_000),
                "until a call is answered; then the relay answers with an error")
        default:
            Row(
                .quantity(RelayPolicy.Rule.time), .number(30_000),
                "from a connection until the plugin has registered")
        }
    }
}

extension ProfileKey {
    /// Every path that is a mapping of keys, such as `limits` and `landlock.tcp`, outer before inner.
    package static let sections: [String] = {
        var sections: [String] = []
        for key in allCases {
            let parts = key.rawValue.split(separator: ".")
            for count in 1..<max(1, parts.count) {
                let section = parts[..<count].joined(separator: ".")
                if !sections.contains(section) { sections.append(section) }
            }
        }
        return sections
    }()

    /// The names that may stand in the mapping at `section`; "" is the whole file.
    package static func names(in section: String) -> [String] {
        let prefix = section.isEmpty ? "" : section + "."
        var names: [String] = []
        for key in allCases where key.rawValue.hasPrefix(prefix) {
            let rest = key.rawValue.dropFirst(prefix.count)
            let name = String(rest.prefix { $0 != "." })
            if !names.contains(name) { names.append(name) }
        }
        return names
    }
}
