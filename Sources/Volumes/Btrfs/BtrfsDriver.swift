import CLinux
import Glibc
package import Linux
import Trees

/// Volumes that are subvolumes of a btrfs, each with a qgroup that holds its limit, which is a member of its
/// tenant's.
///
/// A process that may make the ioctls of btrfs can make a subvolume in its volume, for which no limit holds: btrfs
/// lets everybody. So the limits are worth what the sandbox's filter of system calls is; ``tend()`` tells of such
/// subvolumes, and ``remove(_:)`` takes them along.
package final class BtrfsDriver: VolumeDriver {
    let tree: VolumeTree
    let quota: QuotaFiles
    package let mode: QuotaMode
    package let report: DriverReport
    let image: BtrfsImage?
    /// Removed subvolumes whose qgroups may be left.
    var leaving: Set<UInt64> = []
    /// Tenants whose qgroups are known to be there.
    private var tenants: [String: Qgroup] = [:]

    /// Volumes below `directory`, which is on a btrfs.
    /// - Parameters:
    ///   - path: what errors call the directory.
    ///   - enabling: the kinds of quotas to turn on where there are none, the first one that the kernel has; none
    ///     leaves a file system without them as it is.
    /// - Throws: ``VolumeError/noDriver(_:)`` without quotas.
    package convenience init(
        directory: consuming FileDescriptor, path: String, enabling: [QuotaMode]
    ) throws(VolumeError) {
        try self.init(directory: directory, path: path, place: "the btrfs at \(path)", enabling, image: nil)
        try takeUpRemovals()
    }

    /// Volumes on the file system of an image file.
    package convenience init(image: BtrfsImage, enabling: [QuotaMode]) throws(VolumeError) {
        let directory = try image.top()
        let device = image.device
        let place =
            "a btrfs in the file \(image.path) on \(device.path)\(device.isDirect ? "" : ", cached twice")"
        try self.init(directory: directory, path: image.path, place: place, enabling, image: image)
        try takeUpRemovals()
    }

    /// The driver of another process, in this one: what that one has left behind is none of this one's.
    convenience init(sharing directory: consuming FileDescriptor, path: String, image: BtrfsImage?)
        throws(VolumeError)
    {
        try self.init(directory: directory, path: path, place: path, [], image: image)
    }

    private init(
        directory: consuming FileDescriptor, path: String, place: String, _ enabling: [QuotaMode],
        image: BtrfsImage?
    ) throws(VolumeError) {
        let room = try Self.room(directory, path)
        var files = try Self.quotaFiles(room)
        if files == nil {
            try Self.enable(enabling, directory, path)
            files = try Self.quotaFiles(room)
        }
        guard let quota = files.take() else { throw .noDriver("\(path) is a btrfs without quotas") }
        guard
            let mode = try doing(
                "to read the quotas of \(path)", { () throws(SystemError) in try quota.mode() })
        else { throw .noDriver("the btrfs at \(path) has quotas of a kind that this Corral does not know") }
        tree = try VolumeTree(root: directory, path: path)
        self.quota = quota
        self.mode = mode
        self.image = image
        report = DriverReport(
            kind: .btrfs, place: "\(place), \(mode == .simple ? "simple quotas" : "quota groups")",
            bytes: .enforced, inodes: .countedAsBytes, total: .enforced, hasSnapshots: true)
    }

    private static func room(
        _ directory: borrowing FileDescriptor, _ path: String
    ) throws(VolumeError) -> BtrfsRoom {
        let type = try doing("to look at \(path)") { () throws(SystemError) in try directory.fileSystem().type
        }
        guard type == CLINUX_BTRFS_MAGIC else { throw .noDriver("\(path) is not on a btrfs") }
        return try doing("to look at \(path)") { () throws(SystemError) in try directory.btrfsRoom() }
    }

    private static func quotaFiles(_ room: BtrfsRoom) throws(VolumeError) -> QuotaFiles? {
        try doing("to open the quotas of \(room.uuid)") { () throws(SystemError) in try QuotaFiles(of: room) }
    }

    private static func enable(
        _ modes: [QuotaMode], _ directory: borrowing FileDescriptor, _ path: String
    ) throws(VolumeError) {
        for mode in modes {
            do throws(SystemError) {
                return try directory.enableQuota(mode)
            } catch  where error.errno == .invalidArgument && mode != modes.last {
                continue  // A kernel without this kind.
            } catch {
                throw .system("to turn quotas on at \(path)", error)
            }
        }
    }

    // MARK: Other processes

    package var parts: DriverParts? {
        guard let image else {
            return DriverParts(kind: .btrfs, path: tree.path, descriptors: [tree.root.number])
        }
        return image.parts(root: tree.root.number)
    }

    package var isShortOfRoom: Bool { image?.isShortOfRoom ?? false }
    package var isOutOfRoom: Bool { image?.isOutOfRoom ?? false }

    package var isGrownElsewhere: Bool {
        get { image?.isGrownElsewhere ?? false }
        set { image?.isGrownElsewhere = newValue }
    }

    package var unsettled: [UInt64] { leaving.sorted() }

    package func takeUp(unsettled numbers: [UInt64]) throws(VolumeError) {
        leaving = try noted().union(numbers)
    }

    package func settled(_ asked: [UInt64], left: [UInt64]) {
        leaving.subtract(asked)
        leaving.formUnion(left)
    }

    // MARK: Volumes

    package func create(_ name: VolumeName, _ request: VolumeRequest) throws(VolumeError) -> Volume {
        try name.check()
        try check(request)
        return try make(name, source: -1, limit: request.limits.bytes, request)
    }

    package func open(_ name: VolumeName) throws(VolumeError) -> Volume {
        let found = try find(name)
        return Volume(name: name, directory: found.directory)
    }

    package func limits(of name: VolumeName) throws(VolumeError) -> VolumeLimits {
        VolumeLimits(bytes: try limit(of: Qgroup(subvolume: try number(of: name))))
    }

    package func usage(of name: VolumeName) throws(VolumeError) -> VolumeUsage {
        VolumeUsage(bytes: try used(by: Qgroup(subvolume: try number(of: name))))
    }

    package func resize(_ name: VolumeName, to limits: VolumeLimits) throws(VolumeError) {
        try check(VolumeRequest(limits: limits))
        guard let bytes = limits.bytes else { return }
        let found = try find(name)
        let group = Qgroup(subvolume: found.number)
        // What is being written while this looks is refused as soon as the limit holds.
        let used = try used(by: group) ?? 0
        if bytes < used { throw .belowUse(name, "bytes", asked: bytes, used: used) }
        try image?.makeRoom(for: bytes - used)
        try doing("to limit \(name)") { () throws(SystemError) in
            try found.directory.limitQgroup(group, bytes: bytes)
        }
    }

    package func list() throws(VolumeError) -> [VolumeName] { try tree.list() }

    // MARK: Tenants

    package func setTotal(of tenant: String, bytes: UInt64?) throws(VolumeError) {
        try VolumeName.check(tenant)
        try VolumeLimits(bytes: bytes).check(capacity: nil)
        let group = try self.group(of: tenant)
        try doing("to limit the tenant \(tenant)") { () throws(SystemError) in
            try tree.root.limitQgroup(group, bytes: bytes)
        }
    }

    package func total(of tenant: String) throws(VolumeError) -> TenantTotal {
        try VolumeName.check(tenant)
        guard let number = try tenantNumber(tenant) else { return TenantTotal(used: 0) }
        let group = Qgroup(tenant: number)
        return TenantTotal(limit: try limit(of: group), used: try used(by: group) ?? 0)
    }

    package func forget(tenant: String) throws(VolumeError) -> Bool {
        try VolumeName.check(tenant)
        guard let number = try tenantNumber(tenant) else { return true }
        for kind in VolumeName.directories {
            if try !tree.names(in: "\(kind)/\(tenant)").isEmpty { return false }
        }
        guard try tree.removeDirectories(of: tenant) else { return false }
        tenants[tenant] = nil
        note(leaving: number)
        note(leaving: Qgroup(tenant: number).number)
        _ = try settle()
        return true
    }

    /// The qgroup of all that a tenant has, made where it is not there.
    func group(of tenant: String) throws(VolumeError) -> Qgroup {
        if let known = tenants[tenant] { return known }
        var number = try tenantNumber(tenant)
        if number == nil { number = try makeTenant(tenant) }
        guard let number else { throw .notAVolume("workspaces/\(tenant)") }
        let group = Qgroup(tenant: number)
        try doing("to make the tenant \(tenant)") { () throws(SystemError) in try tree.root.makeQgroup(group)
        }
        tenants[tenant] = group
        return group
    }

    private func makeTenant(_ tenant: String) throws(VolumeError) -> UInt64? {
        guard let parent = try tree.directory("workspaces", making: true) else {
            throw .notAVolume("\(tree.path)/workspaces")
        }
        try doing("to make the tenant \(tenant)") { () throws(SystemError) in
            try parent.makeSubvolume(tenant, bytes: nil, parents: [])
        }
        return try tenantNumber(tenant)
    }

    private func tenantNumber(_ tenant: String) throws(VolumeError) -> UInt64? {
        guard let directory = try tree.directory("workspaces/\(tenant)", making: false) else { return nil }
        return try number(of: directory, "workspaces/\(tenant)")
    }
}
