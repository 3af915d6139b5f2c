import CLinux
package import Linux

/// What a new volume is to be.
package struct VolumeRequest: Hashable, Sendable {
    package var limits: VolumeLimits
    /// Whose its top directory becomes.
    package var owner: UInt32
    package var group: UInt32
    /// The permissions of its top directory.
    package var mode: UInt32
    /// Takes limits that nothing would enforce for wishes.
    package var allowSoft: Bool

    package init(
        limits: VolumeLimits = VolumeLimits(), owner: UInt32 = 0, group: UInt32 = 0, mode: UInt32 = 0o700,
        allowSoft: Bool = false
    ) {
        self.limits = limits
        self.owner = owner
        self.group = group
        self.mode = mode
        self.allowSoft = allowSoft
    }
}

/// An open volume. It can be removed while it is open: then its holder finds no name in it any more, and what it
/// held comes back only when the last holder, mounts of it among them, has let go.
package struct Volume: ~Copyable, Sendable {
    package let name: VolumeName
    /// Its top directory, open for reading.
    package let directory: FileDescriptor
    /// What its directory is on, where that is a mount of its own: nothing can be mounted elsewhere from one that
    /// nobody holds any more.
    private let mount: FileDescriptor?

    init(name: VolumeName, directory: consuming FileDescriptor, mount: consuming FileDescriptor? = nil) {
        self.name = name
        self.directory = directory
        self.mount = mount
    }

    package consuming func takeDirectory() -> FileDescriptor { directory }

    /// A new mount of it, in no namespace, whose owners nobody has mapped yet. What is on a mount of its own gives
    /// that one: before Linux 6.15 no other can be made of a mount that is in no namespace (open_tree(2)).
    package consuming func takeMount() throws(SystemError) -> FileDescriptor {
        let number = directory.number
        switch consume mount {
        case .some(let own): return own
        case .none: return FileDescriptor(owning: try call("open_tree") { clinux_open_tree_at(number, 0) })
        }
    }
}

/// What a tenant's volumes may have together, and have.
package struct TenantTotal: Hashable, Sendable {
    /// In bytes; nil for no limit.
    package var limit: UInt64?
    /// In bytes; nil where nothing counts them.
    package var used: UInt64?

    package init(limit: UInt64? = nil, used: UInt64? = nil) {
        self.limit = limit
        self.used = used
    }
}

/// What is wrong with volumes as a whole, for operators.
package enum VolumeTrouble: Hashable, Sendable {
    /// The file system's counts are not to be trusted, and it could not be had to count again (`btrfs quota rescan`).
    case countsInconsistent
    /// The file system does not keep volumes to their limits any more: somebody has turned its quotas off.
    case notEnforcing
    /// The file system takes no more writes, which it does when its device failed.
    case readOnly
    /// A volume that somebody made another subvolume in, which no limit holds for.
    case subvolumeInside(VolumeName)
    /// The image has reached the size that it may have, or the disk has no room for more of it.
    case cannotGrow(VolumeError)
}

/// Makes volumes and keeps them to their limits. One thread at a time.
///
/// Names are checked before anything is done with them. What fails has changed nothing, unless it says so.
package protocol VolumeDriver: AnyObject {
    var report: DriverReport { get }

    /// - Throws: ``VolumeError/exists(_:)``, ``VolumeError/badLimit(_:_:expected:)``,
    ///   ``VolumeError/notEnforced(_:_:_:)``, ``VolumeError/tenantFull(_:)``.
    func create(_ name: VolumeName, _ request: VolumeRequest) throws(VolumeError) -> Volume
    /// - Throws: ``VolumeError/absent(_:)``, ``VolumeError/notAVolume(_:)``.
    func open(_ name: VolumeName) throws(VolumeError) -> Volume
    /// Those that are in force: none where nothing is enforced.
    func limits(of name: VolumeName) throws(VolumeError) -> VolumeLimits
    func usage(of name: VolumeName) throws(VolumeError) -> VolumeUsage
    /// Changes the limits that are not nil.
    /// - Throws: ``VolumeError/belowUse(_:_:asked:used:)``.
    func resize(_ name: VolumeName, to limits: VolumeLimits) throws(VolumeError)

    /// Keeps what `name` holds at one point in time, for reading; see ``DriverReport/copiesAtOnce``.
    /// - Throws: ``VolumeError/unsupported(_:_:)``.
    func snapshot(_ name: VolumeName, as copy: VolumeName) throws(VolumeError)
    /// Makes a volume that begins with what another one of the tenant's, or a snapshot, holds at one point in time,
    /// owner and permissions of its top directory included. Where the request names no bytes, the limit is the other
    /// one's.
    func fork(_ name: VolumeName, as copy: VolumeName, _ request: VolumeRequest) throws(VolumeError) -> Volume
    /// Puts back what a snapshot kept, with the volume's limits. Who has the volume open finds nothing in it any more:
    /// a session that uses it has to be over.
    func restore(_ name: VolumeName, from snapshot: VolumeName) throws(VolumeError)

    /// Takes the name away. The room comes back with ``settle()``.
    func remove(_ name: VolumeName) throws(VolumeError)
    /// Has the file system give back what removed volumes held, without waiting for it.
    /// - Returns: how many removed volumes have not given back everything; ask again then.
    func settle() throws(VolumeError) -> Int
    /// All of them, sorted by their places.
    func list() throws(VolumeError) -> [VolumeName]

    /// - Parameter bytes: nil lifts the limit.
    func setTotal(of tenant: String, bytes: UInt64?) throws(VolumeError)
    func total(of tenant: String) throws(VolumeError) -> TenantTotal

    /// Removes what is kept of a tenant without volumes: its limit, its directories.
    /// - Returns: false where it has volumes, of which nothing is removed.
    func forget(tenant: String) throws(VolumeError) -> Bool

    /// Makes sure that there is room for what comes next, where the driver makes it: cheap enough for every second.
    /// - Throws: ``VolumeError/imageFull(bound:)``, ``VolumeError/diskFull(_:wanted:available:)``.
    func makeRoom() throws(VolumeError)
    /// Makes sure that directories of volumes can be mounted elsewhere by this thread (open_tree(2)).
    /// - Parameter path: where the file system may be mounted for that, in a mount namespace of this thread's own;
    ///   nil where it has none.
    func letMount(at path: String?) throws(VolumeError)

    /// What an operator has to know, and the room for what comes next where the driver makes it.
    func tend() throws(VolumeError) -> [VolumeTrouble]

    /// What another process of this program needs to do this driver's work; nil where no other process can.
    var parts: DriverParts? { get }
    /// Whether ``makeRoom()`` would make any. Costs a system call that waits for nothing.
    var isShortOfRoom: Bool { get }
    /// Whether there is so little of it that who makes a volume had better wait for more. As cheap.
    var isOutOfRoom: Bool { get }
    /// Told of another process that makes room: then this one does so only where it must.
    var isGrownElsewhere: Bool { get set }
    /// What ``settle()`` would look at and no file remembers, in case that another process settles.
    var unsettled: [UInt64] { get }
    /// Has ``settle()`` look at these as well, and at what is noted in files now.
    func takeUp(unsettled numbers: [UInt64]) throws(VolumeError)
    /// Another process has settled: of `asked`, these are left.
    func settled(_ asked: [UInt64], left: [UInt64])
    /// No other process copies anything now: what copies that did not come to their end have left goes with the
    /// next ``settle()``.
    func reclaim() throws(VolumeError)
    /// Told how far copies are.
    var progress: ((CopyProgress) -> Void)? { get set }
}

extension VolumeDriver {
    package func makeRoom() throws(VolumeError) {}
    package func letMount(at path: String?) throws(VolumeError) {}
    package var parts: DriverParts? { nil }
    package var isShortOfRoom: Bool { false }
    package var isOutOfRoom: Bool { false }
    package var isGrownElsewhere: Bool {
        get { false }
        set {}
    }
    package var unsettled: [UInt64] { [] }
    package func takeUp(unsettled numbers: [UInt64]) throws(VolumeError) {}
    package func settled(_ asked: [UInt64], left: [UInt64]) {}
    package func reclaim() throws(VolumeError) {}
    package var progress: ((CopyProgress) -> Void)? {
        get { nil }
        set {}
    }
}
