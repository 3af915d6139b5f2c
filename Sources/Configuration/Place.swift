/// Where things are when nobody says otherwise: for root as the file system's hierarchy has it, for an
/// ordinary user in the directories of the XDG Base Directory Specification.
package struct Place: Hashable, Sendable {
    package let isSystem: Bool
    /// Holds corral.yaml, corral.d and profiles.
    package let configuration: String
    package let state: String
    package let runtime: String
    package let images: String
    /// What is installed with the programs; below it are shipped profiles.
    package var shared = "/usr/share/corral"

    /// Root's, and that of the daemon which all users reach.
    package static let system = Place(
        isSystem: true, configuration: "/etc/corral", state: "/var/lib/corral", runtime: "/run/corral",
        images: "/var/lib/corral/images")

    private init(
        isSystem: Bool, configuration: String, state: String, runtime: String, images: String
    ) {
        self.isSystem = isSystem
        self.configuration = configuration
        self.state = state
        self.runtime = runtime
        self.images = images
    }

    /// An ordinary user's.
    /// - Parameter variable: looks up a variable of the environment.
    /// - Returns: nil for somebody without a home.
    package init?(ofUserWith variable: (String) -> String?) {
        // What is no absolute path is to be ignored (XDG Base Directory Specification).
        func directory(_ name: String) -> String? {
            variable(name).flatMap { $0.hasPrefix("/") ? Place.shortened($0) : nil }
        }
        let home = directory("HOME")
        func base(_ name: String, _ below: String) -> String? {
            directory(name) ?? home.map { $0 == "/" ? "/\(below)" : "\($0)/\(below)" }
        }
        guard let configuration = base("XDG_CONFIG_HOME", ".config"),
            let state = base("XDG_STATE_HOME", ".local/state"),
            let data = base("XDG_DATA_HOME", ".local/share")
        else { return nil }
        self.init(
            isSystem: false, configuration: "\(configuration)/corral", state: "\(state)/corral",
            runtime: directory("XDG_RUNTIME_DIR").map { "\($0)/corral" } ?? "\(state)/corral/run",
            images: "\(data)/corral/images")
    }

    /// - Returns: nil for an ordinary user without a home.
    package static func of(uid: UInt32, variable: (String) -> String?) -> Place? {
        uid == 0 ? .system : Place(ofUserWith: variable)
    }

    /// Without slashes at the end.
    private static func shortened(_ path: String) -> String {
        var path = path
        while path.hasSuffix("/"), path != "/" { path.removeLast() }
        return path
    }
}

extension SettingKey {
    /// What holds where nobody says anything.
    /// - Parameters:
    ///   - state: the directory that is used, which the defaults of others follow.
    ///   - runtime: likewise.
    func builtIn(_ place: Place, state: String, runtime: String) -> SettingValue {
        switch self {
        case .state: .text(place.state)
        // A second instance must not meet the first one at its socket.
        case .runtime: .text(state == place.state ? place.runtime : "\(state)/run")
        case .socketPath: .text("\(runtime)/corral.sock")
        case .user, .socketGroup: place.isSystem ? .text("corral") : .none
        case .socketMode: .number(place.isSystem ? 0o660 : 0o600)
        case .profiles:
            .list(["\(place.configuration)/profiles", "\(place.shared)/profiles"])
        case .plans: .list(["\(place.configuration)/plans", "\(place.shared)/profiles/plans"])
        case .images: .text(place.images)
        case .mounts, .tenantUIDs: .list([])
        case .uids: .range(200_000...265_535)
        case .wardenPath, .listenTCP: .none
        default: fixed
        }
    }

    /// Those that are the same for everybody.
    private var fixed: SettingValue {
        switch self {
        case .limitSessions: .number(1000)
        case .limitProcesses: .number(64)
        case .limitMemory, .limitPids, .limitCPUs, .limitOpenFiles, .limitWorkspace: .none
        case .limitVolume: .number(1 << 30)
        case .nodeProcesses, .nodeMemory, .nodeCPUs, .nodeDisk, .nodeCPUTime, .nodeExecs, .nodeCreations:
            .none
        case .volumeImage: .number(64 << 30)
        case .volumeLimits: .text("required")
        case .archiveEntries: .number(500_000)
        case .archiveBytes: .number(8 << 30)
        case .defaultProfile: .text("default")
        case .defaultTTL, .defaultIdle: .none
        case .defaultMax: .number(24 * 3_600_000)
        case .defaultGrace: .number(10_000)
        case .outputRing: .number(1 << 20)
        case .resultsRetention: .number(3_600_000)
        case .auditRetention: .number(90 * 86_400_000)
        case .auditRecords: .none
        case .auditOld: .text("dropped")
        case .httpBody: .number(24 << 20)
        case .httpHeaders: .number(32 << 10)
        case .httpConnections: .number(256)
        case .httpIdle: .number(60_000)
        case .listenUnencrypted: .text("loopback")
        case .logLevel: .text("info")
        default: .text("auto")
        }
    }
}
