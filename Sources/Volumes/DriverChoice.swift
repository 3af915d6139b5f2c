import CLinux
import Glibc
package import Linux

/// What a state directory and its host can do, as far as it decides about volumes.
package struct VolumeFacts: Hashable, Sendable {
    /// Whether the state directory is on a btrfs, and how that counts: nil for without quotas.
    package var isBtrfs = false
    package var quota: QuotaMode?
    /// Which of ext4 and xfs the state directory is on, and what that does with projects: nil for another one.
    package var projectFileSystem: String?
    package var projects = ProjectState.off
    package var isReadOnly = false
    /// Whether the kernel knows btrfs (proc_filesystems(5)).
    package var knowsBtrfs = false
    package var hasLoopDevices = false
    /// Where mkfs.btrfs is.
    package var maker: String?
    /// Whether there is an image already.
    package var hasImage = false
    package var isRoot = false

    package init() {}

    /// The image's file in a state directory.
    package static let image = "volumes.btrfs"

    private static let makers = ["/usr/sbin/mkfs.btrfs", "/sbin/mkfs.btrfs", "/usr/bin/mkfs.btrfs"]

    /// - Parameter path: what errors call the directory.
    package static func read(
        _ directory: borrowing FileDescriptor, path: String
    ) throws(VolumeError) -> VolumeFacts {
        var facts = VolumeFacts()
        let number = directory.number
        try doing("to look at \(path)") { () throws(SystemError) in
            let fileSystem = try directory.fileSystem()
            facts.isReadOnly = fileSystem.read_only != 0
            facts.isBtrfs = fileSystem.type == CLINUX_BTRFS_MAGIC
            if facts.isBtrfs, let files = try QuotaFiles(of: directory.btrfsRoom()) {
                facts.quota = try files.mode()
            }
            facts.projectFileSystem = ProjectDriver.name(ofType: fileSystem.type)
            if facts.projectFileSystem != nil { facts.projects = try directory.projectState() }
            let known = try FileDescriptor.open("/proc/filesystems", O_RDONLY).readAll(limit: 64 << 10)
            let lines = String(decoding: known, as: UTF8.self).split(separator: "\n")
            facts.knowsBtrfs = lines.contains { $0.split(separator: "\t").last == "btrfs" }
        }
        facts.hasImage = unsafe faccessat(number, image, F_OK, AT_SYMLINK_NOFOLLOW) == 0
        facts.hasLoopDevices = unsafe access("/dev/loop-control", R_OK | W_OK) == 0
        facts.maker = makers.first { unsafe access($0, X_OK) == 0 }
        facts.isRoot = geteuid() == 0
        return facts
    }
}

extension VolumeFacts {
    /// What makes a btrfs in a new image here, wherever volumes are.
    /// - Throws: ``VolumeError/noDriver(_:)`` with what is in the way.
    package func imageMaker(_ path: String) throws(VolumeError) -> String {
        if isReadOnly { throw .noDriver("the file system of \(path) is read-only") }
        if !isRoot { throw .noDriver("quotas are for root to set") }
        if !knowsBtrfs { throw .noDriver("the kernel does not know btrfs") }
        if !hasLoopDevices { throw .noDriver("/dev/loop-control cannot be opened") }
        guard let maker else {
            throw .noDriver("there is no mkfs.btrfs (package btrfs-progs) to make an image")
        }
        return maker
    }
}

/// Which driver keeps the volumes of a state directory, and why.
package enum DriverChoice: Hashable, Sendable {
    /// The directory's own file system.
    case native(why: String)
    /// The directory's own file system, an ext4 or an xfs with project quotas.
    case project(why: String)
    /// A btrfs in an image file, made by this program where there is none yet.
    case image(maker: String?, why: String)
    case directory(why: String)

    /// - Parameter soft: whether the operator says that volumes without limits will do.
    /// - Throws: ``VolumeError/noDriver(_:)`` with what is in the way of each driver.
    package init(_ facts: VolumeFacts, allowSoft: Bool) throws(VolumeError) {
        if facts.isReadOnly { throw .noDriver("the file system is read-only") }
        let inTheWay: String
        switch facts {
        case _ where !facts.isRoot: inTheWay = "quotas are for root to set"
        case _ where facts.isBtrfs && facts.quota != nil:
            self = .native(why: "it is on a btrfs with quotas")
            return
        // An image may have volumes in it, and is used for as long as it is there.
        case _ where facts.projects == .enforcing && !facts.hasImage:
            self = .project(why: "it is on an \(facts.projectFileSystem ?? "?") with project quotas")
            return
        case _ where !facts.knowsBtrfs: inTheWay = "the kernel does not know btrfs"
        case _ where !facts.hasLoopDevices: inTheWay = "/dev/loop-control cannot be opened"
        case _ where facts.hasImage:
            self = .image(maker: facts.maker, why: "it has the image \(VolumeFacts.image)")
            return
        case _ where facts.maker == nil:
            inTheWay = "there is no mkfs.btrfs (package btrfs-progs) to make an image"
        default:
            self = .image(maker: facts.maker, why: Self.lack(facts))
            return
        }
        if !allowSoft {
            throw .noDriver("no limit could be enforced: \(inTheWay)")
        }
        self = .directory(why: "\(inTheWay), and volumes without limits will do")
    }
}

extension DriverChoice {
    /// What the state directory's own file system lacks.
    private static func lack(_ facts: VolumeFacts) -> String {
        if facts.isBtrfs { return "its btrfs has no quotas (btrfs quota enable --simple turns them on)" }
        let own = "its own file system has no quotas that Corral uses"
        guard let name = facts.projectFileSystem, let why = facts.projects.lack(name) else { return own }
        return "\(own): \(why)"
    }

    /// The driver, ready to be used. Changes the directory's permissions to root's alone.
    /// - Parameters:
    ///   - directory: one that is for volumes alone.
    ///   - path: what errors call it.
    ///   - enabling: the kinds of quotas that a new image may get, the preferred one first.
    package func driver(
        in directory: consuming FileDescriptor, path: String, policy: ImagePolicy = ImagePolicy(),
        enabling: [QuotaMode] = [.simple, .full]
    ) throws(VolumeError) -> any VolumeDriver {
        switch self {
        case .native: return try BtrfsDriver(directory: directory, path: path, enabling: [])
        case .project: return try ProjectDriver(directory: directory, path: path)
        case .directory: return try DirectoryDriver(directory: directory, path: path)
        case .image(let maker, _):
            let image = try BtrfsImage(
                VolumeFacts.image, in: directory, path: path, policy: policy,
                maker: maker ?? "/usr/sbin/mkfs.btrfs")
            return try BtrfsDriver(image: image, enabling: enabling)
        }
    }
}
