import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// What this machine needs for images: root, a kernel with btrfs, loop devices, mkfs.btrfs.
enum Machine {
    static let hasImages: Bool = {
        guard let directory = try? FileDescriptor.open("/tmp", O_RDONLY | O_DIRECTORY),
            let facts = try? VolumeFacts.read(directory, path: "/tmp")
        else { return false }
        return facts.isRoot && facts.knowsBtrfs && facts.hasLoopDevices && facts.maker != nil
    }()
    static let why: Comment = "needs root, a kernel with btrfs, /dev/loop-control and mkfs.btrfs"

    static let hasSimpleQuotas = File.exists("/sys/fs/btrfs/features/simple_quota")
    /// The kinds of quotas that this kernel has.
    static let modes: [QuotaMode] = hasSimpleQuotas ? [.simple, .full] : [.full]
}

let megabyte: UInt64 = 1 << 20

/// A directory of one test's own, on the disk that the tree is on, because images are big. One that a killed run
/// left behind is removed by the next run; its mounts and loop devices ended with it.
final class Place: Sendable {
    let path: String
    private static let top = Repository.path(".build/tmp/volumes-tests")

    private static let cleaned: Void = {
        for name in File.names(in: top) {
            if let pid = name.split(separator: "-").first.flatMap({ pid_t($0) }), kill(pid, 0) == 0 {
                continue
            }
            // Only project quotas need a mount that is in the namespace.
            _ = unsafe umount2("\(top)/\(name)/\(ProjectMount.name)", CInt(MNT_DETACH))
            try? File.remove("\(top)/\(name)")
        }
    }()

    init() throws {
        _ = Self.cleaned
        path = "\(Self.top)/\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        try File.makeDirectories(path)
    }

    deinit { try? File.remove(path) }

    func open() throws -> FileDescriptor { try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) }
}

/// A btrfs image of one test's own with a driver on it.
final class Fixture {
    let place: Place
    let driver: BtrfsDriver
    let image: BtrfsImage

    static let policy = ImagePolicy(
        initial: 256 * megabyte, step: 64 * megabyte, headroom: 64 * megabyte, bound: 512 * megabyte)

    init(
        _ mode: QuotaMode = Machine.modes[0], policy: ImagePolicy = Fixture.policy, place: Place? = nil
    ) throws {
        let place = try place ?? Place()
        self.place = place
        image = try BtrfsImage(VolumeFacts.image, in: place.open(), path: place.path, policy: policy)
        driver = try BtrfsDriver(image: image, enabling: [mode])
    }

    static func session(_ id: String, of tenant: String = "alice") -> VolumeName {
        .session(tenant: tenant, id: id)
    }

    func make(_ id: String, bytes: UInt64?, of tenant: String = "alice") throws -> Volume {
        try driver.create(
            Self.session(id, of: tenant), VolumeRequest(limits: VolumeLimits(bytes: bytes), mode: 0o755))
    }

    func used(_ id: String, of tenant: String = "alice") throws -> UInt64 {
        try #require(try driver.usage(of: Self.session(id, of: tenant)).bytes)
    }

    /// What the file system's files use in all, when everything is written.
    func dataUsed() throws -> UInt64 {
        try image.top().syncBtrfs()
        return try image.room().dataUsed
    }

    /// Removals are at their end; fails after a while.
    func settled() throws -> Bool { try eventually { try driver.settle() == 0 } }

    /// What the kernel has of quota groups, but for the file system's own. It takes a group's directory away a
    /// moment after the group.
    func qgroups() throws -> [String] {
        let directory = "/sys/fs/btrfs/\(try image.room().uuid)/qgroups"
        return File.names(in: directory).filter { $0.first?.isNumber == true && $0 != "0_5" }
    }
}

/// Runs a script in a volume, as root or somebody else.
@discardableResult
func run(_ script: String, in volume: borrowing Volume, uid: UInt32? = nil) throws -> Program.Outcome {
    try Program.run(
        ["sh", "-c", "cd /proc/self/fd/3 && { \(script); }"], timeout: 300 * Host.patience, uid: uid,
        descriptors: [volume.directory.number])
}

/// Whether an operation was refused with an error of this code.
func code<Value: ~Copyable>(_ body: () throws -> Value) -> String? {
    do {
        _ = try body()
        return nil
    } catch let error as VolumeError {
        return error.code
    } catch {
        return "\(error)"
    }
}
