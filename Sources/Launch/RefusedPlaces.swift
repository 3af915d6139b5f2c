import CLinux
import Glibc
import Linux
import Sandbox

/// The places of a host that are shown to no sandbox, however a path leads to them.
///
/// A place is known by where it is in its file system, not only by its path: a bind mount of `/etc/ssl`
/// at `/srv/x` has the path of the one and the place of the other. What this cannot see is a second file
/// system with the same content: an overlay whose lower directory is `/etc`, a network file system
/// exported by this host, a FUSE one.
package struct RefusedPlaces: Hashable, Sendable {
    /// What of a place is refused.
    enum Extent: Hashable {
        /// It, all below it and all that holds it.
        case all
        /// It and all that holds it; directories below it may be shown.
        case itself
    }

    /// A refused directory, by its path and by where it is in its file system.
    struct Place: Hashable {
        let path: String
        let extent: Extent
        /// Nil where it is not there.
        let position: Position?
    }

    /// Where something is in its file system.
    struct Position: Hashable {
        let device: String
        let path: String
    }

    private let places: [Place]
    private let table: MountTable

    /// File systems that are the kernel's own, wherever they are mounted: `rw` in them is not about files.
    private static let kernelTypes = [
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs",
        "efivarfs", "fusectl", "mqueue", "nfsd", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs",
        "selinuxfs", "smackfs", "sysfs", "tracefs",
    ]

    /// - Parameter own: directories of Corral's state. One that does not exist yet counts where it would
    ///   be: what a sandbox made there would be believed.
    package static func look(own: [String]) throws(MountError) -> RefusedPlaces {
        do throws(SystemError) {
            let table = try MountTable.read()
            var places: [Place] = []
            for path in ["/", "/root", "/home"] {
                places.append(try place(path, .itself, table))
            }
            for path in ["/proc", "/sys", "/dev", "/etc", "/boot", "/run"] + own {
                places.append(try place(path, .all, table))
            }
            return RefusedPlaces(places: places, table: table)
        } catch {
            throw .system(error)
        }
    }

    private static func place(
        _ path: String, _ extent: Extent, _ table: MountTable
    ) throws(SystemError) -> Place {
        var there = path
        while true {
            do throws(SystemError) {
                let directory = try FileDescriptor.open(there, CLINUX_O_PATH)
                let missing = remainder(path, below: there) ?? ""
                let found = try appending(missing, to: directory.path())
                let entry = try table.entry(of: directory)
                return Place(path: found, extent: extent, position: entry.flatMap { position(found, $0) })
            } catch {
                // Whoever cannot reach it by its name may by another: it stays refused by its path.
                if error.errno == .accessDenied { return Place(path: path, extent: extent, position: nil) }
                guard [.noSuchFileOrDirectory, .notDirectory].contains(error.errno), there != "/" else {
                    throw error
                }
            }
            there = parent(of: there)
        }
    }

    private static func appending(_ rest: String, to directory: String) -> String {
        directory == "/" && !rest.isEmpty ? rest : directory + rest
    }

    /// Where a path is in the file system of the mount that it is on.
    static func position(_ path: String, _ mount: MountTable.Entry) -> Position? {
        guard let rest = remainder(path, below: mount.point) else { return nil }
        let top = mount.root == "/" ? "" : mount.root
        let position = top + rest
        return Position(device: mount.device, path: position.isEmpty ? "/" : position)
    }

    /// What of a path is behind a directory: empty, or with a slash in front.
    private static func remainder(_ path: String, below directory: String) -> String? {
        if path == directory { return "" }
        // Behind "/" there is all of the path, the slash included.
        if directory == "/" { return path }
        guard isBelow(path, directory) else { return nil }
        return String(decoding: path.utf8.dropFirst(directory.utf8.count), as: UTF8.self)
    }

    /// - Parameters:
    ///   - path: as the caller wrote it, for the message.
    ///   - found: the descriptor's own path, without links.
    func check(
        _ source: borrowing FileDescriptor, path: String, found: String
    ) throws(MountError) {
        let mount: MountTable.Entry?
        do throws(SystemError) {
            mount = try table.entry(of: source)
        } catch {
            throw .system(error)
        }
        guard let mount else { throw .unknownPlace(path, "it is on no mount of this mount namespace") }
        guard let position = Self.position(found, mount) else {
            throw .unknownPlace(path, "it is not below the place of its mount, \(shown(mount.point))")
        }
        for place in places {
            let here = Position(device: mount.device, path: found)
            let there = Position(device: mount.device, path: place.path)
            if let what = Self.relation(here, there, place.extent) {
                throw .refused(path, found: found, what: what, place: place.path)
            }
            if let there = place.position, let what = Self.relation(position, there, place.extent) {
                throw .refused(path, found: found, what: what, place: "\(place.path), by another mount")
            }
        }
        if Self.kernelTypes.contains(mount.type) {
            throw .refused(
                path, found: found, what: "is in a file system of the kernel's, a", place: mount.type)
        }
        try checkMemory(position, path: path, found: found)
    }

    /// A memory file system that is mounted in a refused place, as a user's directory in /run is.
    private func checkMemory(_ position: Position, path: String, found: String) throws(MountError) {
        for mount in table.entries where ["tmpfs", "ramfs"].contains(mount.type) {
            let there = Position(device: mount.device, path: mount.root)
            guard let place = places.first(where: { $0.extent == .all && isBelow(mount.point, $0.path) }),
                Self.relation(position, there, .all) != nil
            else { continue }
            throw .refused(
                path, found: found, what: "is what is mounted at \(mount.point), below", place: place.path)
        }
    }

    /// How `here` is part of what is refused at `there`; nil where it is not.
    private static func relation(_ here: Position, _ there: Position, _ extent: Extent) -> String? {
        guard here.device == there.device else { return nil }
        if here.path == there.path { return "is" }
        if extent == .all, there.path == "/" || isBelow(here.path, there.path) { return "is below" }
        return here.path == "/" || isBelow(there.path, here.path) ? "holds" : nil
    }
}

extension FileDescriptor {
    /// The path that the kernel has for it (proc_pid_fd(5)), as seen from this process's root.
    borrowing func path() throws(SystemError) -> String {
        let link = "/proc/self/fd/\(number)"
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 64)
        let count = try call("readlink", on: link) { unsafe readlink(link, &buffer, buffer.count) }
        guard count < buffer.count else { throw SystemError("readlink", link, .nameTooLong) }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
