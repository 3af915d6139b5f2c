package import Sandbox

/// Everything that decides what a sandbox is, before anything is done.
package struct SandboxSpec: Sendable {
    /// Where the workspace comes from.
    package enum Workspace: Hashable, Sendable {
        /// A tmpfs of the sandbox's own, gone with it.
        case ephemeral
        /// A host directory, given as a descriptor at launch. The text is for display.
        case directory(String)
        /// A volume of Corral's, whose files are stored under the ids that sandboxes see; likewise.
        case volume(String)

        var isHandedOver: Bool { self != .ephemeral }
    }

    /// Whether there are terminals.
    package enum Terminal: Hashable, Sendable {
        case none
        /// One, made with the sandbox, which one process can have.
        case first
        /// One for each process that is started on one.
        case onRequest
    }

    package var profile: Profile
    /// The profile's limits with what the command line changed.
    package var limits: Limits
    package var image: Image
    /// The compiled seccomp filter: struct sock_filter[].
    package var filter: [UInt8]
    package var identity: Identity
    package var workspace: Workspace
    /// Mounts that the caller adds to those of the image.
    package var mounts: [PreparedMount]
    /// Paths inside of the listening sockets to make, such as `/var/run/tgo/tgo.sock`.
    package var sockets: [String]
    package var terminal: Terminal
    /// Whether the launcher can have a descriptor of the workspace (``RunningSandbox/takeFiles()``), where it
    /// is a tmpfs of the sandbox's own.
    package var sharesFiles: Bool
    /// Whether the kernel kills the init when the thread that made it ends (PR_SET_PDEATHSIG of prctl(2)). An
    /// init ends by itself when its control socket closes; one that is frozen does not see that.
    package var diesWithLauncher: Bool
    /// Whether the network namespace has its loopback interface up (``RunningSandbox/networkIsReady``).
    package var networkIsReady: Bool
    /// How memory, swap, pids and cpu are limited: by cgroups, or why not.
    package var cgroups: [Layer: LayerState]
    /// Limits of each process that begin below the hard ones, which the profile has.
    package var softLimits: [SoftLimit]
    /// What is left out. Only debug builds fill it, for the tests that show what each part of it does.
    package var without: Ablation

    package init(
        profile: Profile, limits: Limits, image: Image, filter: [UInt8], identity: Identity,
        workspace: Workspace, sockets: [String], cgroups: [Layer: LayerState], softLimits: [SoftLimit] = [],
        without: Ablation = [], mounts: [PreparedMount] = [], terminal: Terminal = .none,
        sharesFiles: Bool = false, diesWithLauncher: Bool = false, networkIsReady: Bool = false
    ) {
        self.profile = profile
        self.limits = limits
        self.image = image
        self.filter = filter
        self.identity = identity
        self.workspace = workspace
        self.mounts = mounts
        self.sockets = sockets
        self.terminal = terminal
        self.sharesFiles = sharesFiles
        self.diesWithLauncher = diesWithLauncher
        self.networkIsReady = networkIsReady
        self.cgroups = cgroups
        self.softLimits = softLimits
        self.without = without
    }
}

/// A soft limit of getrlimit(2), which a process may raise up to its hard one.
package struct SoftLimit: Hashable, Sendable {
    /// The kernel's number of the resource.
    package var resource: Int32
    package var value: UInt64

    package init(resource: Int32, value: UInt64) {
        self.resource = resource
        self.value = value
    }
}
