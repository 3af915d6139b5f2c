/// What landlock lets the processes of a sandbox do, as far as the kernel's ABI goes (landlock(7)).
///
/// The one definition of it: a launch makes the kernel's ruleset from this, and explanations ask it.
package struct LandlockRuleset: Hashable, Sendable {
    /// LANDLOCK_ACCESS_FS_*, in the order of their bits.
    package struct FileRights: OptionSet, Hashable, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        package static let execute = FileRights(rawValue: 1 << 0)
        package static let writeFile = FileRights(rawValue: 1 << 1)
        package static let readFile = FileRights(rawValue: 1 << 2)
        package static let readDirectory = FileRights(rawValue: 1 << 3)
        package static let removeDirectory = FileRights(rawValue: 1 << 4)
        package static let removeFile = FileRights(rawValue: 1 << 5)
        package static let makeCharacterDevice = FileRights(rawValue: 1 << 6)
        package static let makeRegularFile = FileRights(rawValue: 1 << 8)
        package static let makeBlockDevice = FileRights(rawValue: 1 << 11)
        package static let truncate = FileRights(rawValue: 1 << 14)
        package static let ioctlDevice = FileRights(rawValue: 1 << 15)

        /// The rights that an ABI knows: 13 at first, then REFER, TRUNCATE and IOCTL_DEV.
        static func known(to abi: Int) -> FileRights {
            let count: UInt64 =
                switch abi {
                case ..<2: 13
                case 2: 14
                case 3, 4: 15
                default: 16
                }
            return FileRights(rawValue: (1 << count) - 1)
        }
    }

    /// LANDLOCK_ACCESS_NET_*.
    package struct TCPRights: OptionSet, Hashable, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        package static let bind = TCPRights(rawValue: 1 << 0)
        package static let connect = TCPRights(rawValue: 1 << 1)
    }

    /// Rights on everything below a path.
    package struct PathRule: Hashable, Sendable {
        package let path: String
        package let rights: FileRights
        /// For people, such as `read and execute`.
        package let what: String
    }

    /// LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL.
    private static let allScopes: UInt64 = 1 << 0 | 1 << 1

    /// The kernel's ABI; 0 without landlock.
    package let abi: Int
    /// What of files is restricted; empty where nothing is.
    package let files: FileRights
    package let paths: [PathRule]
    /// What of TCP is restricted.
    package let tcp: TCPRights
    package let scopes: UInt64
    private let policy: LandlockPolicy

    /// - Parameters:
    ///   - writable: directories inside to which processes may write.
    ///   - writableFiles: files inside to which they may write, each mounted alone.
    ///   - without: layers that are left out.
    package init(
        abi: Int, policy: LandlockPolicy, writable: [String], writableFiles: [String] = [],
        without: Set<Layer> = []
    ) {
        self.abi = abi
        self.policy = policy
        let known = FileRights.known(to: abi)
        files = abi > 0 && !without.contains(.landlockFiles) ? known : []
        var tcp: TCPRights = []
        if abi >= 4, !without.contains(.landlockTCP) {
            if policy.bind != .any { tcp.insert(.bind) }
            if policy.connect != .any { tcp.insert(.connect) }
        }
        self.tcp = tcp
        scopes = abi >= 6 && !without.contains(.landlockScopes) ? LandlockRuleset.allScopes : 0
        let read: FileRights = [.execute, .readFile, .readDirectory]
        let devices = read.union([.writeFile, .truncate, .ioctlDevice]).intersection(known)
        // The kernel takes no rights of directories for a file.
        let writeFile = FileRights([.execute, .readFile, .writeFile, .truncate]).intersection(known)
        let write = known.subtracting([.makeCharacterDevice, .makeBlockDevice, .ioctlDevice])
        paths =
            files.isEmpty
            ? []
            : [
                PathRule(path: "/", rights: read, what: "read and execute"),
                PathRule(path: "/dev", rights: devices, what: "use of devices"),
            ] + writable.map { PathRule(path: $0, rights: write, what: "write") }
                + writableFiles.map { PathRule(path: $0, rights: writeFile, what: "write") }
    }

    /// Whether there is anything to restrict.
    package var isEmpty: Bool { files.isEmpty && tcp.isEmpty && scopes == 0 }

    /// The ports for which a restricted right holds; empty where the right is not restricted.
    package func ports(_ right: TCPRights) -> [UInt16] {
        let ports = right == .bind ? policy.bind : policy.connect
        guard tcp.contains(right), case .only(let numbers) = ports else { return [] }
        return numbers
    }

    // MARK: Decisions

    /// The rules that hold at a path inside, whose links are resolved: those of all directories above it.
    package func rules(at path: String) -> [PathRule] {
        paths.filter { $0.path == "/" || path == $0.path || isBelow(path, $0.path) }
    }

    /// Which of `wanted` the rules refuse at a path; empty when all of it is allowed.
    package func refused(_ wanted: FileRights, at path: String) -> FileRights {
        rules(at: path).reduce(wanted.intersection(files)) { $0.subtracting($1.rights) }
    }

    package func allows(_ right: TCPRights, port: UInt16) -> Bool {
        !tcp.contains(right) || ports(right).contains(port)
    }
}

extension LandlockRuleset {
    /// What landlock's three layers amount to with this ABI.
    package var states: [Layer: LayerState] {
        if abi == 0 {
            let off = LayerState.off("the kernel has no landlock, or it is not in the lsm= list")
            return [.landlockFiles: off, .landlockTCP: off, .landlockScopes: off]
        }
        var missing: [String] = []
        if abi < 2 { missing.append("moves between directories are all refused (until Linux 5.19)") }
        if abi < 3 { missing.append("truncation is not restricted (until Linux 6.2)") }
        if abi < 5 { missing.append("device ioctls are not restricted (until Linux 6.10)") }
        let open = policy.bind == .any && policy.connect == .any
        return [
            .landlockFiles: missing.isEmpty
                ? .inForce : .partial("landlock ABI \(abi): \(missing.joined(separator: ", "))"),
            .landlockTCP: abi < 4
                ? .off("landlock ABI \(abi) has no TCP rules; they came with 4, Linux 6.7")
                : open ? .off("the profile allows every port") : .inForce,
            .landlockScopes: abi < 6
                ? .off("landlock ABI \(abi) has no scopes; they came with 6, Linux 6.12") : .inForce,
        ]
    }
}

extension Image {
    /// The directories to which processes may write.
    package func writable(_ filesystem: Filesystem) -> [String] {
        tmpfs.map(\.path) + (filesystem.workspace == .writable ? [workspace] : [])
    }
}
