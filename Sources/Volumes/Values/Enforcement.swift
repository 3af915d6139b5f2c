/// Who keeps volumes to their limits.
package enum DriverKind: String, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// Subvolumes with quota groups, on the state directory's own btrfs or on one in an image file.
    case btrfs
    /// Directories that are projects with quotas, on the state directory's own ext4 or xfs.
    case project
    /// One memory file system for each volume, which ends with this process.
    case tmpfs
    /// Directories. Nothing is enforced.
    case directory

    package var description: String { rawValue }
}

/// What becomes of one limit.
package enum Enforcement: Hashable, Sendable {
    /// The kernel refuses what would exceed it.
    case enforced
    /// There is no limit of its own; each one takes room that the limit of bytes refuses.
    case countedAsBytes
    case notEnforced(String)

    /// As listings show it.
    package var text: String {
        switch self {
        case .enforced: "enforced"
        case .countedAsBytes: "counted as bytes"
        case .notEnforced(let why): "not enforced (\(why))"
        }
    }
}

/// What a driver does about each limit.
package struct DriverReport: Hashable, Sendable {
    package var kind: DriverKind
    /// Such as `a btrfs in the file volumes.btrfs, simple quotas`.
    package var place: String
    package var bytes: Enforcement
    package var inodes: Enforcement
    /// What the volumes of a tenant may have together.
    package var total: Enforcement
    package var hasSnapshots: Bool
    /// Whether snapshots and forks hold what was there at one point in time, whoever writes meanwhile. Else they are
    /// copies that take as long as there is to copy, and nobody should write to the volume.
    package var copiesAtOnce = true

    /// Refuses limits that nothing would keep.
    /// - Parameter allowSoft: what the caller was asked for explicitly, and shows; then nothing is refused.
    /// - Throws: ``VolumeError/notEnforced(_:_:_:)``.
    func check(_ limits: VolumeLimits, allowSoft: Bool) throws(VolumeError) {
        if allowSoft { return }
        if limits.bytes != nil, case .notEnforced(let why) = bytes { throw .notEnforced(kind, "bytes", why) }
        if limits.inodes != nil, case .notEnforced(let why) = inodes {
            throw .notEnforced(kind, "inodes", why)
        }
    }
}
