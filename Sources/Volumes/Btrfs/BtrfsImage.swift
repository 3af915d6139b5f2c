import CLinux
import FailPoints
import Glibc
package import Linux

/// A btrfs in a file, mounted nowhere: whoever wants to see it needs a descriptor, and when the last one is closed,
/// by a death of this process as well, the mount and its loop device are gone.
package final class BtrfsImage {
    /// What errors call the file.
    package let path: String
    package let policy: ImagePolicy
    let file: FileDescriptor
    let loop: LoopDevice
    private let mount: FileDescriptor
    let root: FileDescriptor
    /// Whether another process makes it grow in time, so that this one need not wait for the disk.
    var isGrownElsewhere = false

    /// The image `name` in `directory`, made where it is not there.
    /// - Parameters:
    ///   - path: what errors call the directory.
    ///   - maker: where mkfs.btrfs is.
    ///   - control: what gives out loop devices.
    /// - Throws: ``VolumeError/diskFull(_:wanted:available:)``, ``VolumeError/noLoopDevice(_:)``,
    ///   ``VolumeError/program(_:_:_:)``, ``VolumeError/notAVolume(_:)``.
    package init(
        _ name: String, in directory: borrowing FileDescriptor, path: String, policy: ImagePolicy,
        maker: String = "/usr/sbin/mkfs.btrfs", control: String = "/dev/loop-control"
    ) throws(VolumeError) {
        try policy.check()
        self.path = "\(path)/\(name)"
        self.policy = policy
        if let found = try Self.open(name, in: directory, self.path) {
            file = found
        } else {
            file = try Self.make(name, in: directory, self.path, policy, maker)
        }
        loop = try LoopDevice.attach(file, control: control)
        do throws(SystemError) {
            mount = try Self.mount(loop.path, makingHoles: !policy.isReserved)
            root = try mount.open(".", O_RDONLY | O_DIRECTORY)
            // A growth that was not got to the end of.
            try loop.lookAgain()
            try root.fillDevice()
        } catch {
            throw .system("to mount \(self.path)", error)
        }
    }

    /// One that another process of this program has open.
    /// - Parameters:
    ///   - root: its top directory.
    ///   - device: the path of the loop device.
    init(
        sharing root: consuming FileDescriptor, file: consuming FileDescriptor,
        loop: consuming FileDescriptor, device: String, path: String, policy: ImagePolicy
    ) throws(VolumeError) {
        try policy.check()
        self.path = path
        self.policy = policy
        self.file = file
        self.loop = LoopDevice(device: loop, path: device)
        do throws(SystemError) {
            mount = try root.open(".", O_RDONLY | O_DIRECTORY)
        } catch {
            throw .system("to open \(path)", error)
        }
        self.root = root
    }

    /// What another process needs.
    func parts(root: CInt) -> DriverParts {
        DriverParts(
            kind: .btrfs, path: path, descriptors: [root, file.number, loop.device.number],
            device: loop.path, bound: policy.bound)
    }

    /// Its top directory.
    package func top() throws(VolumeError) -> FileDescriptor {
        try doing("to open \(path)") { () throws(SystemError) in try mount.open(".", O_RDONLY | O_DIRECTORY) }
    }

    /// Makes sure that directories of it can be mounted elsewhere. Before Linux 6.15 nothing can be cloned of a mount
    /// that is in no namespace; then it is mounted in this thread's, at `path`.
    /// - Parameter path: nil where that would be a namespace of others.
    func letMount(at path: String?) throws(VolumeError) {
        let top = root.number
        do throws(SystemError) {
            _ = FileDescriptor(owning: try call("open_tree", on: self.path) { clinux_open_tree_at(top, 0) })
            return
        } catch {
            guard error.errno == .invalidArgument else { throw .system("to clone \(self.path)", error) }
        }
        guard let path else {
            throw .noDriver(
                "this kernel clones no mounts that are in no namespace, and this process has none of its own")
        }
        try attach(at: path)
    }

    /// Mounts it in this thread's namespace; whoever has it open sees it as before.
    func attach(at path: String) throws(VolumeError) {
        let number = mount.number
        try doing("to mount \(self.path)") { () throws(SystemError) in
            _ = try call("move_mount", on: path) { unsafe clinux_move_mount_path(number, path) }
        }
    }

    /// One more mount of it that is in no namespace, for others to see: it is there for as long as somebody has it.
    func anotherMount() throws(VolumeError) -> FileDescriptor {
        try doing("to mount \(path)") { () throws(SystemError) in
            try Self.mount(loop.path, makingHoles: !policy.isReserved)
        }
    }

    package func room() throws(VolumeError) -> BtrfsRoom {
        try doing("to look at \(path)") { () throws(SystemError) in try root.btrfsRoom() }
    }

    /// The loop device's path, and whether it goes past the cache of the file system below.
    package var device: (path: String, isDirect: Bool) { (loop.path, loop.isDirect()) }

    /// Grows as far as the policy says.
    /// - Parameter bytes: what a volume may use next; the headroom is enough of it.
    /// - Throws: where less than that is free and it cannot grow: ``VolumeError/imageFull(bound:)`` because it may
    ///   not, ``VolumeError/diskFull(_:wanted:available:)`` because the disk has no room.
    package func makeRoom(for bytes: UInt64) throws(VolumeError) {
        var now = try room()
        // btrfs may make a chunk of metadata of what was added, or writers may have it: then once more, until there
        // is room enough or the image has its bound.
        while policy.size(now) > now.size {
            // What is free already will do until the other process has made more.
            if isGrownElsewhere, policy.free(now) >= min(bytes, policy.headroom / 4),
                !policy.isShortOfMetadata(now)
            {
                return
            }
            do throws(VolumeError) {
                try grow()
            } catch {
                guard case .diskFull = error else { throw error }
                now = try room()
                if isRoom(for: bytes, in: now) { return }
                throw error
            }
            now = try room()
            if isRoom(for: bytes, in: now) { return }
        }
        if !isRoom(for: bytes, in: now) { throw .imageFull(bound: policy.bound) }
    }

    private func isRoom(for bytes: UInt64, in room: BtrfsRoom) -> Bool {
        policy.free(room) >= min(bytes, policy.headroom) && !policy.isShortOfMetadata(room)
    }

    /// Whether it should be bigger, and may be.
    var isShortOfRoom: Bool {
        guard let now = try? room() else { return false }
        return policy.size(now) > now.size
    }

    /// Whether ``makeRoom(for:)`` may have to grow it at once.
    var isOutOfRoom: Bool {
        guard let now = try? room(), policy.size(now) > now.size else { return false }
        return policy.free(now) < policy.headroom / 4 || policy.isShortOfMetadata(now)
    }

    /// One process at a time: who fails makes the file as short as it was, which must not be shorter than what
    /// another one has made of it meanwhile.
    private func grow() throws(VolumeError) {
        let number = file.number
        try doing("to lock \(path)") { () throws(SystemError) in
            // Of a process and not of a descriptor, because the processes share one (fcntl(2), F_SETLKW).
            _ = try call("lockf", on: path) { lockf(number, F_LOCK, 0) }
        }
        defer { _ = lockf(number, F_ULOCK, 0) }
        let now = try room()
        let size = policy.size(now)
        if size <= now.size { return }
        FailPoint.pass(.volumeGrowing)
        try Self.lengthen(file, path, from: now.size, to: size, policy)
        FailPoint.pass(.volumeLengthened)
        try doing("to grow \(path)") { () throws(SystemError) in
            try loop.lookAgain()
            try fillDevice()
        }
    }

    /// What another process needs to change its size: the file, the loop device, and the path of that.
    var sizeParts: (file: CInt, loop: CInt, device: String) { (file.number, loop.device.number, loop.path) }

    /// To grow takes room for metadata. What was freed since the last commit is room with the next one.
    func fillDevice() throws(SystemError) {
        for _ in 0..<4 {
            do throws(SystemError) {
                return try root.fillDevice()
            } catch {
                guard error.errno == .noSpace else { throw error }
                try root.syncBtrfs()
            }
        }
        try root.fillDevice()
    }

    // MARK: Making

    private static func open(
        _ name: String, in directory: borrowing FileDescriptor, _ path: String
    ) throws(VolumeError) -> FileDescriptor? {
        do throws(SystemError) {
            // Not blocking: a FIFO in its place must not hold us up.
            let file = try directory.open(
                name, O_RDWR | O_NOFOLLOW | O_NONBLOCK, resolve: [.beneath, .noSymlinks])
            var status = clinux_stat()
            let number = file.number
            _ = try call("fstat") { unsafe clinux_fstat(number, &status) }
            if status.mode & S_IFMT == S_IFREG, status.uid == geteuid() { return file }
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: return nil
            case .isDirectory, .tooManyLinks: break
            default: throw .system("to open \(path)", error)
            }
        }
        throw .notAVolume(path)
    }

    /// Under another name until it is whole, so that what has the name can be mounted.
    private static func make(
        _ name: String, in directory: borrowing FileDescriptor, _ path: String, _ policy: ImagePolicy,
        _ maker: String
    ) throws(VolumeError) -> FileDescriptor {
        let spare = ".\(name).new"
        let number = directory.number
        _ = unsafe unlinkat(number, spare, 0)
        let file = try doing("to make \(path)") { () throws(SystemError) in
            try directory.open(spare, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        }
        do throws(VolumeError) {
            try lengthen(file, path, from: 0, to: policy.initial, policy)
            try format(file, path, maker)
            try doing("to make \(path)") { () throws(SystemError) in
                let fileNumber = file.number
                _ = try call("fsync", on: path) { fsync(fileNumber) }
                _ = try call("renameat2", on: path) { unsafe clinux_rename_new(number, spare, number, name) }
                _ = try call("fsync", on: path) { fsync(number) }
            }
            return file
        } catch {
            _ = unsafe unlinkat(number, spare, 0)
            throw error
        }
    }

    /// Nothing is kept twice: what is below it is the host's to keep, and data twice would halve every quota.
    private static func format(
        _ file: borrowing FileDescriptor, _ path: String, _ maker: String
    ) throws(VolumeError) {
        let words = [
            "mkfs.btrfs", "--quiet", "--force", "--nodiscard", "--metadata", "single", "--data", "single",
            "--label",
            "corral", "/proc/self/fd/3",
        ]
        let program = HostProgram(
            path: maker, words: words, environment: ["PATH=/usr/sbin:/usr/bin", "LANG=C"])
        let number = file.number
        let outcome = try doing("to run \(maker)") { () throws(SystemError) in
            try program.run(timeout: 120_000, descriptors: [number])
        }
        guard outcome.status == 0 else {
            throw .program(
                "mkfs.btrfs", outcome.status, outcome.errors.isEmpty ? outcome.output : outcome.errors)
        }
    }

    /// Makes the file `bytes` long; one that the disk has no room for is as long as before.
    static func lengthen(
        _ file: borrowing FileDescriptor, _ path: String, from size: UInt64, to bytes: UInt64,
        _ policy: ImagePolicy
    ) throws(VolumeError) {
        let number = file.number
        do throws(SystemError) {
            if policy.isReserved {
                _ = try call("fallocate", on: path) { clinux_reserve(number, bytes) }
            } else {
                _ = try call("ftruncate", on: path) { ftruncate(number, off_t(bytes)) }
            }
        } catch {
            // What was set aside before the disk was full is given back.
            _ = ftruncate(number, off_t(size))
            guard error.errno == .noSpace else { throw .system("to lengthen \(path)", error) }
            let available = (try? file.fileSystem())?.available ?? 0
            throw .diskFull("\(path)", wanted: bytes - size, available: available)
        }
    }

    /// fsopen(2) to fsmount(2): a mount that is in nobody's namespace.
    /// - Parameter makingHoles: whether the file's blocks that nothing is in any more go back to the disk.
    private static func mount(_ device: String, makingHoles: Bool) throws(SystemError) -> FileDescriptor {
        let context = FileDescriptor(
            owning: try call("fsopen", on: "btrfs") { unsafe clinux_fsopen("btrfs") })
        let number = context.number
        _ = try call("fsconfig", on: device) { unsafe clinux_fsconfig_string(number, "source", device) }
        // Else whatever is removed makes holes, because a loop device takes discards.
        let option = makingHoles ? "discard" : "nodiscard"
        _ = try call("fsconfig", on: option) { unsafe clinux_fsconfig_flag(number, option) }
        _ = try call("fsconfig", on: device) { clinux_fsconfig_create(number) }
        return FileDescriptor(
            owning: try call("fsmount", on: device) {
                clinux_fsmount(number, UInt32(CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV))
            })
    }
}
