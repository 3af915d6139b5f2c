/// What the launcher and sandbox-init agree on: the plan's layout, the numbers of its operations
/// and the descriptors the init starts with.
///
/// A plan is a header and a list of steps, executed in order:
///
///     header   magic u32 · version u32 · steps u32 · zero u32
///     step     operation u32 · bytes of the fields u32 · fields
///     field    integer u64, or text: length u64 · bytes · NUL · zeros up to a multiple of 8
///
/// All integers are little-endian. The files of this module are compiled twice, into the launcher
/// and (by symbolic link) into the init, which is Embedded Swift; so they import `CLinux` only.
package enum PlanFormat {
    /// "CRRL", read as a little-endian integer.
    package static let magic: UInt32 = 0x4C52_5243
    /// Raised with every change of the layout or of an operation, so that a launcher and an init
    /// of different installations refuse each other.
    package static let version: UInt32 = 6

    /// The init's descriptors. One more, which it only keeps open, is the lock on its ids.
    package static let control: Int32 = 3
    package static let status: Int32 = 4

    /// The most bytes of a plan, and of a request to start a process.
    package static let planLimit = 1 << 20
    package static let requestLimit = 16 << 20
}

/// One step of a plan. The comment names the fields, in their order.
package enum PlanOperation: UInt32, Sendable {
    // The root tree: done by the launcher where it may mount, else by the init.

    /// path, mode
    case directory = 1
    /// path, target
    case symlink
    /// path, mode, content
    case file
    /// path, source, attributes, recursive
    case bindPath
    /// path, name below /dev, major, minor
    case device
    /// path, mount attributes, size, files, mode, owner: a tmpfs; the last four are texts, as the
    /// kernel takes them; the owner is both uid and gid
    case tmpfs
    /// path, attributes, recursive: more mount attributes for what is mounted there
    case attributes
    /// path, the stored tree's path, its device and inode, name at its top, 1 for a directory,
    /// attributes
    case bindTree

    // The init's own.

    /// handed-over descriptor: the root tree
    case adoptRoot = 32
    /// size: a new tmpfs as root, for the steps above
    case makeRoot
    /// path, handed-over descriptor: a detached mount
    case bindDescriptor
    /// path, attributes: the directory that the init was started in
    case bindWorkingDirectory
    /// path, attributes, 1 when processes of this user namespace get none of their own. Only with one of
    /// the sandbox's own: else the limit would be the host's
    case proc
    /// path: hides a file or a directory; a name that does not exist is skipped
    case mask
    /// the root tree becomes the root
    case pivot
    /// name
    case hostname
    case loopback
    /// path, mode, backlog: a listening unix socket, handed out with the ready message
    case listen
    case cgroupNamespace
    /// filesystem, network, scopes, abi
    case landlock
    /// path, access
    case landlockPath
    /// port, access
    case landlockPort
    /// resource, soft, hard: for every process
    case rlimit
    /// struct sock_filter[]: for every process
    case filter
    /// the init's uid and gid, the processes' uid and gid, 1 when supplementary groups can be dropped
    case identity
    /// CLINUX_WITHOUT_* bits; tests only
    case without
    /// mask: the capabilities the init keeps
    case capabilities
    /// path, source, its device and inode, 1 for a directory, attributes: a directory or file of the
    /// host, found again in the init's own mount namespace
    case bindSource
    /// path, mount attributes, the most terminals as a text, 1 for a terminal at once: a devpts of the
    /// sandbox's own. The first terminal's master is handed out with the ready message; without one,
    /// processes get terminals of their own as they are started
    case terminal
    /// path, attributes: a detached copy of what is mounted there, with these attributes besides, which the
    /// init keeps open for the launcher to take. The ready message has its number
    case keepCopy
    /// The init is killed when the thread that made it ends
    case endWithLauncher
}
