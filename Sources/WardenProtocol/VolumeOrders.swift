// Volumes, as corrald asks for them and the warden tells of them. What makes them is the warden's alone; a name
// that no volume may have is refused by it (`volume-name`), not here.

/// Which volume: what for, whose, and what it is called.
package struct VolumeKey: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        /// A session's own, gone with it; its name is the session's id.
        case session
        /// One that outlives sessions.
        case workspace
        /// What one was at a time, read-only.
        case snapshot
    }
    package var kind: Kind
    package var tenant: String
    package var name: String

    package init(_ kind: Kind, tenant: String, name: String) {
        self.kind = kind
        self.tenant = tenant
        self.name = name
    }

    /// The volume that goes with a session.
    package init(tenant: String, session: SandboxID) {
        self.init(.session, tenant: tenant, name: session.description)
    }

    package var description: String { "\(kind.rawValue)s/\(tenant)/\(name)" }
}

/// How much of each there is, or may be.
package struct VolumeAmounts: Hashable, Sendable {
    /// Nil for no limit, or where nothing counts them.
    package var bytes: UInt64?
    /// Files, directories and links of all kinds.
    package var inodes: UInt64?

    package init(bytes: UInt64? = nil, inodes: UInt64? = nil) {
        self.bytes = bytes
        self.inodes = inodes
    }
}

/// A volume that is wanted: to be made, or with a session, where one of the kind `workspace` has to be there
/// already and its limits are those that it has.
package struct VolumeOrder: Hashable, Sendable {
    package var key: VolumeKey
    package var limits: VolumeAmounts
    /// Takes limits that nothing would enforce for wishes; those in force are told in any case.
    package var allowSoft: Bool

    package init(_ key: VolumeKey, limits: VolumeAmounts = VolumeAmounts(), allowSoft: Bool = false) {
        self.key = key
        self.limits = limits
        self.allowSoft = allowSoft
    }
}

/// A volume that is there.
package struct VolumeState: Hashable, Sendable {
    package var key: VolumeKey
    /// Those that are in force; nil for one that nothing enforces, or that there is none of.
    package var limits: VolumeAmounts
    package var used: VolumeAmounts
    package var driver: VolumeDriverState.Kind
    /// How many sandboxes have it as their workspace.
    package var users: UInt32

    package init(
        _ key: VolumeKey, limits: VolumeAmounts, used: VolumeAmounts, driver: VolumeDriverState.Kind,
        users: UInt32
    ) {
        self.key = key
        self.limits = limits
        self.used = used
        self.driver = driver
        self.users = users
    }
}

/// What keeps volumes to their limits here.
package struct VolumeDriverState: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Hashable, Sendable {
        case btrfs, tmpfs, directory, project
    }

    /// What becomes of one limit.
    package enum Enforcement: Hashable, Sendable {
        /// The kernel refuses what would exceed it.
        case enforced
        /// There is no limit of its own; each one takes room that the limit of bytes refuses.
        case countedAsBytes
        case notEnforced(String)
    }

    package var kind: Kind
    /// Such as `a btrfs in the file volumes.btrfs, simple quotas`.
    package var place: String
    /// Why this one.
    package var why: String
    /// Nothing is made before the first volume is asked for; until then this says what would be.
    package var isOpen: Bool
    package var bytes: Enforcement
    package var inodes: Enforcement
    /// What the volumes of a tenant may have together.
    package var total: Enforcement
    package var hasSnapshots: Bool
    /// What operators have to know of, a sentence each.
    package var troubles: [String]

    package init(
        _ kind: Kind, place: String, why: String, isOpen: Bool, bytes: Enforcement, inodes: Enforcement,
        total: Enforcement, hasSnapshots: Bool, troubles: [String] = []
    ) {
        self.kind = kind
        self.place = place
        self.why = why
        self.isOpen = isOpen
        self.bytes = bytes
        self.inodes = inodes
        self.total = total
        self.hasSnapshots = hasSnapshots
        self.troubles = troubles
    }
}

/// What a tenant's volumes may have together, and have.
package struct VolumeTotal: Hashable, Sendable {
    /// In bytes; nil for no limit.
    package var limit: UInt64?
    /// In bytes; nil where nothing counts them.
    package var used: UInt64?

    package init(limit: UInt64? = nil, used: UInt64? = nil) {
        self.limit = limit
        self.used = used
    }
}

/// What is asked of a tenant's total. Both are answered with what there is then.
package enum VolumeTotalOrder: Hashable, Sendable {
    case read
    /// In bytes; nil lifts the limit.
    case limit(UInt64?)
}
