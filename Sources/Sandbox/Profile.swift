/// A named set of rules for sandboxes: one file of `profiles/`.
package struct Profile: Hashable, Sendable {
    /// The file's name without `.yaml`.
    package var name: String
    package var description: String
    /// The name of the image that is the root.
    package var image: String
    /// The name of the seccomp policy: a file of `profiles/seccomp/` without `.json`.
    package var seccomp: String
    package var limits: Limits
    package var network: Network
    package var relay: RelayPolicy
    /// Variables every process gets, in the file's order; `--env` adds to them or replaces them.
    package var environment: [EnvironmentVariable]
    /// The layers without which nothing is started.
    package var require: [Layer]

    package init(
        name: String, description: String, image: String, seccomp: String, limits: Limits, network: Network,
        relay: RelayPolicy, environment: [EnvironmentVariable], require: [Layer]
    ) {
        self.name = name
        self.description = description
        self.image = image
        self.seccomp = seccomp
        self.limits = limits
        self.network = network
        self.relay = relay
        self.environment = environment
        self.require = require
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

/// What of TCP landlock lets through, inside the sandbox's own network namespace, which has
/// nothing but the loopback interface.
package struct Network: Hashable, Sendable {
    package enum Ports: Hashable, Sendable {
        case any
        /// Possibly none.
        case only([UInt16])
    }
    package var bind: Ports
    package var connect: Ports

    package init(bind: Ports, connect: Ports) {
        self.bind = bind
        self.connect = connect
    }
}
