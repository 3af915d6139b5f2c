package import Sandbox

/// A key of corral.yaml, by its path. Everything that knows the keys goes by this table: the reader of
/// files, the names of variables, `corral config`, the JSON Schema and the reference in docs/.
package enum SettingKey: String, CaseIterable, Sendable {
    case state, runtime, user, profiles, plans, images, mounts, uids
    case socketPath = "socket.path"
    case socketGroup = "socket.group"
    case socketMode = "socket.mode"
    case listenTCP = "listen.tcp"
    case listenUnencrypted = "listen.unencrypted"
    case limitSessions = "limits.sessions"
    case limitProcesses = "limits.processes"
    case limitMemory = "limits.memory"
    case limitPids = "limits.pids"
    case limitCPUs = "limits.cpus"
    case limitOpenFiles = "limits.open_files"
    case limitWorkspace = "limits.workspace"
    case limitVolume = "limits.volume"
    case nodeProcesses = "node.processes"
    case nodeMemory = "node.memory"
    case nodeCPUs = "node.cpus"
    case nodeDisk = "node.disk"
    case nodeCPUTime = "node.cpu_time_per_day"
    case nodeExecs = "node.execs_per_day"
    case nodeCreations = "node.creations_per_minute"
    case volumeImage = "volumes.image"
    case volumeLimits = "volumes.limits"
    case archiveEntries = "archives.entries"
    case archiveBytes = "archives.bytes"
    case defaultProfile = "defaults.profile"
    case defaultTTL = "defaults.ttl"
    case defaultIdle = "defaults.idle"
    case defaultMax = "defaults.max"
    case defaultGrace = "defaults.grace"
    case outputRing = "output.ring"
    case resultsRetention = "results.retention"
    case auditRetention = "audit.retention"
    case auditRecords = "audit.records"
    case auditOld = "audit.old"
    case httpBody = "http.body"
    case httpHeaders = "http.headers"
    case httpConnections = "http.connections"
    case httpIdle = "http.idle"
    case logLevel = "log.level"
    case logFormat = "log.format"
    case wardenPath = "warden.path"
    case tenantUIDs = "tenants.uids"

    /// How a value is written.
    package enum Kind: Hashable, Sendable {
        /// An absolute path in its shortest form.
        case path
        case pathOrNone
        /// Absolute paths, none twice.
        case paths
        /// Directories of the host and the tenants that may have them, see ``HostMounts``.
        case mounts
        /// The name of a profile.
        case name
        /// A user or a group: a name or a number; `none` for that of whoever starts the daemon.
        case account
        case word([String])
        case quantity(Quantity)
        /// An address of this machine and a port, see ``TCPAddress``, or `none`.
        case addressOrNone
        /// Users and their tenants, see ``TenantUIDs``.
        case tenantUIDs
        /// Two numbers with a hyphen between them, the first and the last.
        case range(Quantity)
    }

    /// What a daemon does about a new value when it is told to reload (SIGHUP).
    package enum Reload: String, Sendable {
        /// Takes it; sessions that there are keep what they began with.
        case live
        /// Says that it holds from the next start on.
        case restart
        /// The warden has it from its own start on, and a new warden means that all sessions end.
        case warden
    }

    package var kind: Kind { row.kind }
    package var reload: Reload { row.reload }
    /// One line for the reference.
    package var meaning: String { row.meaning }

    /// The variable that sets it: `CORRAL_LIMITS_SESSIONS`.
    package var variable: String {
        let upper = rawValue.utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte & ~0x20
            case UInt8(ascii: "."): UInt8(ascii: "_")
            default: byte
            }
        }
        return "CORRAL_" + String(decoding: upper, as: UTF8.self)
    }

    struct Row {
        let kind: Kind
        let reload: Reload
        let meaning: String

        init(_ kind: Kind, _ reload: Reload, _ meaning: String) {
            self.kind = kind
            self.reload = reload
            self.meaning = meaning
        }
    }
}

extension SettingKey {
    /// Every path that is a mapping of keys, in the table's order.
    package static let sections: [String] = {
        var sections: [String] = []
        for key in allCases {
            let parts = key.rawValue.split(separator: ".")
            if parts.count == 2, !sections.contains(String(parts[0])) { sections.append(String(parts[0])) }
        }
        return sections
    }()

    /// The names that may stand in the mapping at `section`; "" is the whole file.
    package static func names(in section: String) -> [String] {
        let prefix = section.isEmpty ? "" : section + "."
        var names: [String] = []
        for key in allCases where key.rawValue.hasPrefix(prefix) {
            let name = String(key.rawValue.dropFirst(prefix.count).prefix { $0 != "." })
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    /// The key of that path.
    /// - Throws: a clause that names the nearest one.
    package init(named text: String) throws(ValueError) {
        guard let key = SettingKey(rawValue: text) else {
            let names = SettingKey.allCases.map(\.rawValue)
            // `sessions` for `limits.sessions`.
            let elsewhere = names.first { $0.hasSuffix(".\(text)") }.map { "did you mean \($0)?" }
            let cure = elsewhere ?? suggestion(for: text, in: names) ?? "see corral config show"
            throw ValueError("\(quoted(text)) is not a key; \(cure)")
        }
        self = key
    }
}
