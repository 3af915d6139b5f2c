import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// The file systems with project quotas, each made in an image file of the tests' own.
enum ProjectKind: String, CaseIterable, Sendable {
    case ext4, xfs

    /// What the writer at its limit is told by the kernel: xfs has another error for projects than for users.
    var refusal: String { self == .ext4 ? "quota exceeded" : "No space left" }
    var refusals: [Int] { [Int(EDQUOT), Int(ENOSPC)] }

    fileprivate var size: UInt64 { (self == .ext4 ? 256 : 384) * megabyte }

    fileprivate var maker: [String] {
        switch self {
        case .ext4:
            [
                "mkfs.ext4", "-q", "-F", "-b", "4096", "-I", "256", "-O", "extent,has_journal,project,quota",
                "-E",
                "quotatype=prjquota",
            ]
        case .xfs: ["mkfs.xfs", "-q", "-f"]
        }
    }
}

/// A mounted file system in an image file. It is in the mount namespace, because Linux before 6.15 lets nobody copy
/// a mount that is in none, which opening a snapshot takes.
final class ProjectMount: Sendable {
    let place: Place
    let path: String
    private let kind: ProjectKind
    private let options: [String]

    init(_ kind: ProjectKind, options: [String] = ["prjquota"]) throws {
        (self.kind, self.options) = (kind, options)
        place = try Place()
        path = "\(place.path)/mnt"
        try File.makeDirectories(path)
        let file = try FileDescriptor.open("\(place.path)/image", O_RDWR | O_CREAT, mode: 0o600)
        let number = file.number
        _ = try call("ftruncate") { ftruncate(number, off_t(kind.size)) }
        let made = try Program.run(kind.maker + ["\(place.path)/image"], timeout: 120 * Host.patience)
        guard made.status == 0 else {
            throw VolumeError.program(kind.maker[0], made.status ?? -1, made.errors)
        }
        try mount()
    }

    private func mount() throws {
        let image = try FileDescriptor.open("\(place.path)/image", O_RDWR)
        let loop = try LoopDevice.attach(image, control: "/dev/loop-control")
        let context = FileDescriptor(
            owning: try call("fsopen", on: kind.rawValue) { unsafe clinux_fsopen(kind.rawValue) })
        let fs = context.number
        _ = try call("fsconfig") { unsafe clinux_fsconfig_string(fs, "source", loop.path) }
        for option in options {
            _ = try call("fsconfig", on: option) { unsafe clinux_fsconfig_flag(fs, option) }
        }
        _ = try call("fsconfig", on: "\(kind) with \(options)") { clinux_fsconfig_create(fs) }
        let mount = FileDescriptor(owning: try call("fsmount") { clinux_fsmount(fs, 0) })
        let root = mount.number
        _ = try call("move_mount", on: path) { unsafe clinux_move_mount_path(root, path) }
    }

    deinit { unmount() }

    func unmount() { _ = unsafe umount2(path, Int32(MNT_DETACH)) }

    /// Mounts it once more, as it is on its disk; nobody may have anything of it open.
    func again() throws {
        try #require(eventually { unsafe umount2(path, 0) == 0 })
        try mount()
    }

    /// A new directory on it, for a driver.
    func state() throws -> FileDescriptor {
        let name = "\(path)/\(UInt64.random(in: 0...UInt64.max))"
        try File.makeDirectories(name)
        return try FileDescriptor.open(name, O_RDONLY | O_DIRECTORY)
    }

    /// The name by which ``Place`` finds those that a killed run left behind.
    static let name = "mnt"
}

/// One mounted file system of each kind for all tests: making one takes longer than a test.
enum Projects {
    private static let mounts: [ProjectKind: Result<ProjectMount, any Error>] = {
        let made = ProjectKind.allCases.map { kind in (kind, Result { try ProjectMount(kind) }) }
        atexit { Projects.unmountAll() }
        return Dictionary(uniqueKeysWithValues: made)
    }()

    private static func unmountAll() {
        for case .success(let mount) in mounts.values {
            mount.unmount()
            try? File.remove(mount.place.path)
        }
    }

    static func mount(_ kind: ProjectKind) throws -> ProjectMount {
        guard let mount = mounts[kind] else { throw VolumeError.noDriver("no \(kind)") }
        return try mount.get()
    }

    /// Those that this kernel has.
    static let kinds: [ProjectKind] = {
        guard Host.isRoot else { return [] }
        return ProjectKind.allCases.filter { kind in
            guard case .success? = mounts[kind] else { return false }
            return true
        }
    }()

    /// Why there is none of one kind, for the log of the tests.
    static let why: Comment = {
        guard Host.isRoot else { return "needs root" }
        let reasons = ProjectKind.allCases.compactMap { kind -> String? in
            guard case .failure(let error)? = mounts[kind] else { return nil }
            return "\(kind): \(error)"
        }
        return "needs a kernel with project quotas of ext4 or xfs, and their mkfs: \(reasons)"
    }()
}

/// A driver on a directory of one test's own.
final class ProjectFixture {
    let kind: ProjectKind
    let mount: ProjectMount
    let path: String
    private(set) var driver: ProjectDriver

    init(_ kind: ProjectKind, mount: ProjectMount? = nil) throws {
        self.kind = kind
        self.mount = try mount ?? Projects.mount(kind)
        path = "\(self.mount.path)/\(UInt64.random(in: 0...UInt64.max))"
        try File.makeDirectories(path)
        driver = try Self.driver(path)
    }

    /// What is left is taken away, so that the next test has all of the room.
    deinit { try? File.remove(path) }

    private static func driver(_ path: String) throws -> ProjectDriver {
        try ProjectDriver(directory: FileDescriptor.open(path, O_RDONLY | O_DIRECTORY), path: path)
    }

    /// As another process would find it.
    func restart() throws { driver = try Self.driver(path) }

    /// Owned by the ordinary user, because on ext4 no limit holds for root.
    @discardableResult
    func make(
        _ id: String, bytes: UInt64? = nil, inodes: UInt64? = nil, of tenant: String = "alice"
    ) throws -> Volume {
        try driver.create(
            Fixture.session(id, of: tenant),
            VolumeRequest(
                limits: VolumeLimits(bytes: bytes, inodes: inodes), owner: Host.ordinaryUser,
                group: Host.ordinaryUser, mode: 0o700))
    }

    func quota(_ id: String) throws -> ProjectQuota {
        let name = Fixture.session(id)
        return try driver.quota(of: driver.find(name), name)
    }

    func project(_ id: String) throws -> UInt32 { try driver.find(Fixture.session(id)).project }

    /// What the kernel knows of a project, whoever has it.
    func quota(ofProject project: UInt32) throws -> ProjectQuota {
        try driver.tree.root.projectQuota(project)
    }

    func settled() throws -> Bool { try eventually { try driver.settle() == 0 } }
}

/// Runs a script in a volume as the ordinary user.
@discardableResult
func runAsUser(_ script: String, in volume: borrowing Volume) throws -> Program.Outcome {
    try run(script, in: volume, uid: Host.ordinaryUser)
}
