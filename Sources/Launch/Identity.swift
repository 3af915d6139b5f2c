/// Which ids a sandbox has on the host.
package enum Identity: Hashable, Sendable {
    /// Two uids (and gids) of the sandbox's own: one for the init, one for its processes.
    case pair(initID: UInt32, processID: UInt32)
    /// The caller's uid for the processes, and a subordinate one for the init (newuidmap(1)).
    case subordinate(uid: UInt32, gid: UInt32, initUID: UInt32, initGID: UInt32)
    /// The caller's uid for both, the only map an ordinary user may write alone.
    case single(uid: UInt32, gid: UInt32)

    /// Inside, processes are always uid and gid 1000.
    package static let insideID: UInt32 = 1000

    /// The first id of the default range, of which each sandbox takes two.
    package static let rangeStart: UInt32 = 200_000
    package static let slots: UInt32 = 32_768

    /// The ids of one slot of the default range.
    package static func slot(_ number: UInt32) -> Identity { IdentityRange.standard.identity(Int(number)) }

    /// The init's uid inside.
    package var initInsideID: UInt32 {
        if case .single = self { return Identity.insideID }
        return 0
    }

    /// The uid of the processes on the host.
    package var processUID: UInt32 {
        switch self {
        case .pair(_, let processID): processID
        case .subordinate(let uid, _, _, _), .single(let uid, _): uid
        }
    }

    package var processGID: UInt32 {
        switch self {
        case .pair(_, let processID): processID
        case .subordinate(_, let gid, _, _), .single(_, let gid): gid
        }
    }

    /// The uid that owns the sandbox's user namespace, where that is not the caller: what it counts against
    /// the limits per user (user_namespaces(7), getrlimit(2)) is then nobody else's.
    package var owner: UInt32? {
        if case .pair(let initID, _) = self { initID } else { nil }
    }

    /// Whether supplementary groups can be dropped inside (user_namespaces(7), "setgroups").
    package var dropsGroups: Bool {
        if case .single = self { return false }
        return true
    }

    /// Lines for uid_map: inside, outside, count.
    package var uidMap: String {
        switch self {
        case .pair(let initID, let processID): "0 \(initID) 1\n1000 \(processID) 1\n"
        case .subordinate(let uid, _, let initUID, _): "0 \(initUID) 1\n1000 \(uid) 1\n"
        case .single(let uid, _): "1000 \(uid) 1\n"
        }
    }

    package var gidMap: String {
        switch self {
        case .pair(let initID, let processID): "0 \(initID) 1\n1000 \(processID) 1\n"
        case .subordinate(_, let gid, _, let initGID): "0 \(initGID) 1\n1000 \(gid) 1\n"
        case .single(_, let gid): "1000 \(gid) 1\n"
        }
    }
}
