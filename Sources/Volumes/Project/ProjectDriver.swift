// Volumes with project quotas of ext4 and xfs.
import CLinux
import Glibc
package import Linux
import Trees

/// Volumes that are directories, each a project of its own with hard limits of bytes and inodes, on an ext4 or an
/// xfs that enforces them.
///
/// Which project is a volume's stands in the attributes of its directory, and its limits in the file system's quota
/// file: nothing else has to be kept. Whoever owns a file may give it another project, and so leave the limits,
/// unless they are in a user namespace other than the first one, as everybody in a sandbox is; and on ext4 no limit
/// holds for who has CAP_SYS_RESOURCE outside of all user namespaces, this program included.
package final class ProjectDriver: VolumeDriver {
    let tree: VolumeTree
    package let report: DriverReport
    /// Told of copies as they go on.
    package var progress: ((CopyProgress) -> Void)?
    /// How many names one ``settle()`` removes: about a tenth of a second's work.
    var namesAtATime: UInt64 = 10_000
    /// Directories in `removed` that somebody is still filling.
    var inUse: Set<String> = []
    /// Whether another process may be filling directories in `removed` that this one does not know.
    private(set) var isSharing = false
    private var numbers = ProjectNumbers(start: .random(in: 0...UInt32.max))

    /// - Parameter path: what errors call the directory.
    /// - Throws: ``VolumeError/noDriver(_:)`` where no project quotas are in force.
    package init(directory: consuming FileDescriptor, path: String) throws(VolumeError) {
        let (type, state) = try doing("to look at \(path)") { () throws(SystemError) in
            (try directory.fileSystem().type, try directory.projectState())
        }
        guard let name = Self.name(ofType: type) else { throw .noDriver("\(path) is on no ext4 and no xfs") }
        if let why = state.lack(name) { throw .noDriver("no projects at \(path): \(why)") }
        tree = try VolumeTree(root: directory, path: path)
        report = DriverReport(
            kind: .project, place: "project quotas of the \(name) at \(path)", bytes: .enforced,
            inodes: .enforced, total: .enforced, hasSnapshots: true, copiesAtOnce: false)
    }

    /// The driver of another process, in this one.
    convenience init(sharing directory: consuming FileDescriptor, path: String) throws(VolumeError) {
        try self.init(directory: directory, path: path)
        isSharing = true
    }

    package var parts: DriverParts? {
        DriverParts(kind: .project, path: tree.path, descriptors: [tree.root.number])
    }

    /// Nil for a file system that this driver does not know.
    static func name(ofType type: UInt32) -> String? {
        switch type {
        case UInt32(CLINUX_EXT4_MAGIC): "ext4"
        case UInt32(CLINUX_XFS_MAGIC): "xfs"
        default: nil
        }
    }

    // MARK: Volumes

    package func create(_ name: VolumeName, _ request: VolumeRequest) throws(VolumeError) -> Volume {
        try name.check()
        try check(request)
        try checkTotal(of: name.tenant, with: request.limits, besides: nil)
        let parent = try place(of: name)
        let spare = try makeSpare(request.limits, for: name)
        return try finish(spare, as: name, in: parent) { (directory) throws(SystemError) in
            try VolumeTree.give(directory, request)
        }
    }

    package func open(_ name: VolumeName) throws(VolumeError) -> Volume {
        let found = try find(name)
        guard case .snapshot = name else { return Volume(name: name, directory: found.directory) }
        return try doing("to open \(name)") { () throws(SystemError) in
            try VolumeTree.readOnly(name, found.directory)
        }
    }

    /// Those that are in force: none where the file system has stopped enforcing.
    package func limits(of name: VolumeName) throws(VolumeError) -> VolumeLimits {
        let quota = try quota(of: find(name), name)
        let state = try doing("to look at \(tree.path)") { () throws(SystemError) in
            try tree.root.projectState()
        }
        return state == .enforcing ? quota.limits : VolumeLimits()
    }

    package func usage(of name: VolumeName) throws(VolumeError) -> VolumeUsage {
        let quota = try quota(of: find(name), name)
        return VolumeUsage(bytes: quota.bytes, inodes: quota.inodes)
    }

    package func resize(_ name: VolumeName, to limits: VolumeLimits) throws(VolumeError) {
        try check(VolumeRequest(limits: limits))
        let found = try find(name)
        let quota = try quota(of: found, name)
        // What is being written while this looks is refused as soon as the limit holds.
        if let bytes = limits.bytes, bytes < quota.bytes {
            throw .belowUse(name, "bytes", asked: bytes, used: quota.bytes)
        }
        if let inodes = limits.inodes, inodes < quota.inodes {
            throw .belowUse(name, "inodes", asked: inodes, used: quota.inodes)
        }
        let new = Self.whole(
            VolumeLimits(
                bytes: limits.bytes ?? quota.limits.bytes, inodes: limits.inodes ?? quota.limits.inodes))
        try checkTotal(of: name.tenant, with: new, besides: name)
        try doing("to limit \(name)") { () throws(SystemError) in
            try found.directory.limitProject(found.project, new)
        }
    }

    package func list() throws(VolumeError) -> [VolumeName] { try tree.list() }

    // MARK: Finding

    /// A volume that is there: its top directory and its project.
    struct Found: ~Copyable {
        let directory: FileDescriptor
        let project: UInt32
    }

    func find(_ name: VolumeName) throws(VolumeError) -> Found {
        let directory = try tree.open(name)
        do throws(SystemError) {
            if let project = try directory.volumeProject() {
                return Found(directory: directory, project: project)
            }
        } catch {
            throw .system("to open \(name)", error)
        }
        throw .notAVolume("\(name)")
    }

    func quota(of found: borrowing Found, _ name: VolumeName) throws(VolumeError) -> ProjectQuota {
        try doing("to look at \(name)") { () throws(SystemError) in
            try found.directory.projectQuota(found.project)
        }
    }

    /// The directory that the volume is to be in.
    func place(of name: VolumeName) throws(VolumeError) -> FileDescriptor {
        guard let parent = try tree.parent(of: name, making: true) else {
            throw .notAVolume("\(tree.path)/\(name.kind)/\(name.tenant)")
        }
        return parent
    }

    // MARK: Making

    /// A volume without a name: its directory is in `removed`, so that what a process that ends leaves unfinished
    /// is removed like what was removed.
    struct Spare: ~Copyable {
        let name: String
        let directory: FileDescriptor
        let project: UInt32
    }

    /// Refuses what cannot be: before anything is made.
    func check(_ request: VolumeRequest) throws(VolumeError) {
        let room = try doing("to look at \(tree.path)") { () throws(SystemError) in
            try tree.root.fileSystem()
        }
        try request.limits.check(capacity: room.size)
        try report.check(request.limits, allowSoft: request.allowSoft)
    }

    /// In whole blocks, because a file system rounds to its own: never more than was asked for.
    static func whole(_ limits: VolumeLimits) -> VolumeLimits {
        VolumeLimits(bytes: limits.bytes.map { $0 / 4096 * 4096 }, inodes: limits.inodes)
    }

    /// An empty directory with a project of its own and these limits.
    func makeSpare(_ limits: VolumeLimits, for name: VolumeName) throws(VolumeError) -> Spare {
        guard let removed = try tree.directory(Self.removed, making: true) else {
            throw .notAVolume("\(tree.path)/\(Self.removed)")
        }
        let spare = Self.unfinished + String(UInt64.random(in: 0...UInt64.max), radix: 16)
        do throws(SystemError) {
            try removed.makeDirectory(spare, mode: 0o700)
            let directory = try removed.open(spare, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            if let project = try giveProject(directory, Self.whole(limits)) {
                inUse.insert(spare)
                return Spare(name: spare, directory: directory, project: project)
            }
        } catch {
            try? removed.removeDirectory(spare)
            switch error.errno {
            case .noSpace, .quotaExceeded:
                let room = try? tree.root.fileSystem()
                throw .diskFull(
                    "\(name)", wanted: VolumeLimits.leastBytes, available: room?.available ?? 0)
            default: throw .system("to make \(name)", error)
            }
        }
        try? removed.removeDirectory(spare)
        throw .noDriver(
            "no number for a project is free in \(ProjectNumbers.attempts) tries; expected most of "
                + "\(ProjectNumbers.range) to be")
    }

    /// - Returns: nil where no number is free.
    private func giveProject(
        _ directory: borrowing FileDescriptor, _ limits: VolumeLimits
    ) throws(SystemError) -> UInt32? {
        for _ in 0..<ProjectNumbers.attempts {
            let project = numbers.next()
            guard try directory.projectQuota(project).isUnused else { continue }
            try directory.setProject(project)
            // Two processes with volumes on one file system may have found the same one: then neither takes it.
            guard try directory.projectQuota(project).inodes == 1 else { continue }
            try directory.limitProject(project, limits)
            return project
        }
        return nil
    }

    /// Gives what was made its name.
    /// - Parameter prepare: the last that is done before somebody can find it.
    func finish(
        _ spare: consuming Spare, as name: VolumeName, in parent: borrowing FileDescriptor,
        prepare: (borrowing FileDescriptor) throws(SystemError) -> Void
    ) throws(VolumeError) -> Volume {
        let number = parent.number
        let root = tree.root.number
        let from = "\(Self.removed)/\(spare.name)"
        do throws(SystemError) {
            try prepare(spare.directory)
            _ = try call("renameat2", on: name.name) {
                unsafe clinux_rename_new(root, from, number, name.name)
            }
        } catch {
            discard(spare)
            if error.errno == .fileExists { throw .exists(name) }
            throw .system("to make \(name)", error)
        }
        inUse.remove(spare.name)
        return Volume(name: name, directory: spare.directory)
    }

    /// What was made and is not wanted any more goes with the next ``settle()``.
    func discard(_ spare: consuming Spare) { inUse.remove(spare.name) }
}
