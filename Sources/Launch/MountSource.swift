import CLinux
import Glibc
import Linux
package import Sandbox

/// A directory or a regular file of the host that is to be mounted in a sandbox.
///
/// Its path is followed once, here. What counts from then on is the descriptor: which place it is, is
/// asked of it, and it is what is mounted.
package final class MountSource: Sendable {
    /// What was found, as values for a plan.
    package struct Found: Hashable, Sendable {
        /// Its path without links, by which an init of an ordinary user finds it again.
        package let path: String
        /// Which tell whether that found the same.
        package let device: UInt64
        package let inode: UInt64
        package let isDirectory: Bool

        package init(path: String, device: UInt64, inode: UInt64, isDirectory: Bool) {
            self.path = path
            self.device = device
            self.inode = inode
            self.isDirectory = isDirectory
        }
    }

    package let found: Found
    /// As given, for display.
    private let path: String
    private let descriptor: FileDescriptor
    private let owner: FileOwner

    private init(_ descriptor: consuming FileDescriptor, _ path: String, _ found: Found, _ owner: FileOwner) {
        self.descriptor = descriptor
        self.path = path
        self.found = found
        self.owner = owner
    }

    /// Opens what `path` leads to, through its links, and refuses what no sandbox may see.
    package static func open(
        _ path: String, refusing places: RefusedPlaces, without: Ablation = []
    ) throws(MountError) -> MountSource {
        let descriptor = try open(path, without.contains(.pathResolver) ? [] : .noMagicLinks)
        let status = try status(of: descriptor)
        guard let isDirectory = isDirectory(status.mode) else {
            throw .kind(path, kind(of: status.mode))
        }
        let place: String
        do throws(SystemError) {
            place = try descriptor.path()
        } catch {
            throw .system(error)
        }
        let found = Found(
            path: place, device: status.device, inode: status.inode, isDirectory: isDirectory)
        try places.check(descriptor, path: path, found: place)
        try checkAgain(found, path)
        if isDirectory { try checkSockets(in: descriptor, path) }
        return MountSource(descriptor, path, found, FileOwner(uid: status.uid, gid: status.gid))
    }

    /// A detached mount of it and of nothing that is mounted below it, as ``detachedMount(of:_:_:to:readOnly:without:)``
    /// makes it.
    func mounted(
        for identity: Identity, readOnly: Bool, without: Ablation
    ) throws(MountError) -> FileDescriptor {
        do throws(SystemError) {
            return try detachedMount(
                of: descriptor, path, owner, to: identity.processes, readOnly: readOnly, without: without)
        } catch {
            if error.call == idmapCall { throw .cannotMap(path, error.errno) }
            throw .system(error)
        }
    }

    private static func open(
        _ path: String, _ resolve: Resolve
    ) throws(MountError) -> FileDescriptor {
        do throws(SystemError) {
            // Here, so that "." is the working directory's own; a bare openat2 would do the same.
            let here = try FileDescriptor.open(".", CLINUX_O_PATH | O_DIRECTORY)
            return try here.open(path, CLINUX_O_PATH, resolve: resolve)
        } catch {
            if error.errno == .noSuchFileOrDirectory { throw .missing(path) }
            throw .cannotOpen(path, error.errno)
        }
    }

    private static func status(of descriptor: borrowing FileDescriptor) throws(MountError) -> clinux_stat {
        var status = clinux_stat()
        let number = descriptor.number
        do throws(SystemError) {
            _ = try call("fstat") { unsafe clinux_fstat(number, &status) }
        } catch {
            throw .system(error)
        }
        return status
    }

    /// The kernel's path has to lead to it: that of something which was removed, or is outside of this
    /// process's root, does not, and its place could not be told by it.
    private static func checkAgain(_ found: Found, _ path: String) throws(MountError) {
        let why = "its path, \(shown(found.path)), leads elsewhere; it was moved or removed meanwhile"
        let number = unsafe clinux_open_source(
            found.path, found.device, found.inode, found.isDirectory ? 1 : 0)
        guard number >= 0 else { throw .unknownPlace(path, why) }
        _ = close(number)
    }

    /// Sockets of container engines, by the names that they have in every distribution.
    private static let engines = [
        "docker.sock", "containerd.sock", "podman.sock", "crio.sock", "cri-dockerd.sock", "buildkitd.sock",
        "dockershim.sock",
    ]

    private static func checkSockets(
        in directory: borrowing FileDescriptor, _ path: String
    ) throws(MountError) {
        for name in engines {
            let entry: FileDescriptor
            do throws(SystemError) {
                entry = try directory.open(
                    name, CLINUX_O_PATH | O_NOFOLLOW, resolve: [.beneath, .noMagicLinks])
            } catch {
                if error.errno == .noSuchFileOrDirectory { continue }
                throw .cannotOpen("\(path)/\(name)", error.errno)
            }
            if try status(of: entry).mode & S_IFMT == S_IFSOCK { throw .engine(path, socket: name) }
        }
    }

    /// Nil for what can be neither.
    private static func isDirectory(_ mode: UInt32) -> Bool? {
        switch mode & S_IFMT {
        case S_IFDIR: true
        case S_IFREG: false
        default: nil
        }
    }

    private static func kind(of mode: UInt32) -> String {
        switch mode & S_IFMT {
        case S_IFSOCK: "socket"
        case S_IFCHR, S_IFBLK: "device"
        case S_IFIFO: "FIFO"
        default: "file of another kind"
        }
    }
}
