/// A named set of rules for sandboxes: what a file of `profiles/`, the files that it extends and the
/// built-in defaults amount to.
package struct Profile: Hashable, Sendable {
    /// The file's name without `.yaml`.
    package var name: String
    package var description: String
    /// The name of the image that is the root.
    package var image: String
    package var filesystem: Filesystem
    package var syscalls: SyscallPolicy
    package var landlock: LandlockPolicy
    package var network: Network
    package var limits: Limits
    package var lifetime: Lifetime
    package var output: OutputPolicy
    package var relay: RelayPolicy
    /// Variables every process gets, in the files' order; `--env` adds to them or replaces them.
    package var environment: [EnvironmentVariable]
    /// The layers without which nothing is started.
    package var require: [Layer]
    /// What nobody above may change.
    package var locks: [ProfileLock]

    package init(
        name: String, description: String, image: String, filesystem: Filesystem, syscalls: SyscallPolicy,
        landlock: LandlockPolicy, network: Network, limits: Limits, lifetime: Lifetime, output: OutputPolicy,
        relay: RelayPolicy, environment: [EnvironmentVariable], require: [Layer], locks: [ProfileLock]
    ) {
        self.name = name
        self.description = description
        self.image = image
        self.filesystem = filesystem
        self.syscalls = syscalls
        self.landlock = landlock
        self.network = network
        self.limits = limits
        self.lifetime = lifetime
        self.output = output
        self.relay = relay
        self.environment = environment
        self.require = require
        self.locks = locks
    }
}

/// `NAME=value`.
package struct EnvironmentVariable: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// What of the sandbox's file systems can be written to. The root never can.
package struct Filesystem: Hashable, Sendable {
    package enum Workspace: String, CaseIterable, Sendable {
        case writable
        case readOnly = "read_only"
    }
    package var workspace: Workspace

    package init(workspace: Workspace) { self.workspace = workspace }
}

/// The parts of the seccomp policy, files of `profiles/seccomp/` without `.json`.
package struct SyscallPolicy: Hashable, Sendable {
    /// Always there, the base first.
    package var policy: [String]
    /// Added where the sandbox has a relay.
    package var withRelay: [String]
    /// Added where nothing of the host is the workspace or mounted.
    package var withoutHostDirectory: [String]
    /// Added where the sandbox has a terminal.
    package var withTerminal: [String]

    package init(
        policy: [String], withRelay: [String], withoutHostDirectory: [String], withTerminal: [String] = []
    ) {
        self.policy = policy
        self.withRelay = withRelay
        self.withTerminal = withTerminal
        self.withoutHostDirectory = withoutHostDirectory
    }

    /// The parts for one sandbox, in the order in which they are merged.
    package func parts(relay: Bool, hostDirectory: Bool, terminal: Bool = false) -> [String] {
        policy + (relay ? withRelay : []) + (hostDirectory ? [] : withoutHostDirectory)
            + (terminal ? withTerminal : [])
    }
}

/// TCP ports: all of them, or some.
package enum Ports: Hashable, Sendable {
    case any
    /// Possibly none.
    case only([UInt16])
}

/// What of TCP landlock lets through, inside whatever network the sandbox has.
package struct LandlockPolicy: Hashable, Sendable {
    package var bind: Ports
    package var connect: Ports

    package init(bind: Ports, connect: Ports) {
        self.bind = bind
        self.connect = connect
    }
}

/// The network that a sandbox has.
package struct Network: Hashable, Sendable {
    package enum Mode: String, CaseIterable, Sendable {
        /// One of its own, with a loopback interface and no way out.
        case none
        /// One of its own; the way out is a proxy that lets `allow` through.
        case proxy
        /// The host's, without any isolation.
        case host
    }
    package var mode: Mode
    /// What the proxy connects to.
    package var allow: [NetworkAddress]

    package init(mode: Mode, allow: [NetworkAddress]) {
        self.mode = mode
        self.allow = allow
    }
}

/// Wall-clock times of one run, in milliseconds; nil for none.
package struct Lifetime: Hashable, Sendable {
    package var timeout: UInt64?
    /// The most that anybody above may ask for.
    package var maxTimeout: UInt64?
    /// Where `maxTimeout` is said, for messages.
    package var maxTimeoutOrigin: String
    /// Of sessions.
    package var session = Session()

    package init(timeout: UInt64?, maxTimeout: UInt64?, maxTimeoutOrigin: String) {
        self.timeout = timeout
        self.maxTimeout = maxTimeout
        self.maxTimeoutOrigin = maxTimeoutOrigin
    }

    /// A time that a profile may leave to the operator's configuration.
    package enum Span: Hashable, Sendable {
        case unsaid
        case never
        /// In milliseconds.
        case after(UInt64)

        /// What holds where `usual` does without a profile.
        package func over(_ usual: UInt64?) -> UInt64? {
            switch self {
            case .unsaid: usual
            case .never: nil
            case .after(let time): time
            }
        }
    }

    /// Which running processes count as use of their session.
    package enum Lease: String, CaseIterable, Sendable { case all, exec, managed, none }

    /// What sessions live by.
    package struct Session: Hashable, Sendable {
        package var ttl = Span.unsaid
        package var idle = Span.unsaid
        package var max = Span.unsaid
        /// Nil where the profile does not say.
        package var lease: Lease?

        package init() {}
    }
}

/// What a run may write to its standard output and errors.
package struct OutputPolicy: Hashable, Sendable {
    /// Bytes of both together; nil for any number. Of more the head and the tail are kept.
    package var limit: UInt64?
    /// Whether writing more ends the run instead.
    package var kill: Bool

    package init(limit: UInt64?, kill: Bool = false) {
        self.limit = limit
        self.kill = kill
    }
}
