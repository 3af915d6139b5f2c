import CLinux
import Glibc
import Linux
import Trees

/// The directories that volumes lie in, below a held root: found by descriptor, one component at a time, through
/// no link.
struct VolumeTree: ~Copyable {
    let root: FileDescriptor
    /// What an error calls the root.
    let path: String

    private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW

    /// - Parameter root: given away; has to be a directory that nobody but root may write to.
    init(root: consuming FileDescriptor, path: String) throws(VolumeError) {
        let number = root.number
        try doing("to make \(path) private") { () throws(SystemError) in
            _ = try call("fchmod", on: path) { fchmod(number, 0o700) }
        }
        self.root = root
        self.path = path
    }

    /// The directory that the volume's name is in; nil where it is not there and not to be made.
    borrowing func parent(of name: VolumeName, making: Bool) throws(VolumeError) -> FileDescriptor? {
        try directory("\(name.kind)/\(name.tenant)", making: making)
    }

    /// The top directory of a volume that is there.
    /// - Throws: ``VolumeError/absent(_:)``; ``VolumeError/notAVolume(_:)`` where something else has its name.
    borrowing func open(_ name: VolumeName) throws(VolumeError) -> FileDescriptor {
        try name.check()
        guard let parent = try parent(of: name, making: false) else { throw .absent(name) }
        do throws(SystemError) {
            return try parent.open(name.name, O_RDONLY | O_DIRECTORY, resolve: [.beneath, .noSymlinks])
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: throw .absent(name)
            case .notDirectory, .tooManyLinks: throw .notAVolume("\(name)")
            default: throw .system("to open \(name)", error)
            }
        }
    }

    /// Takes away the directories of a tenant that has no volumes any more, that of workspaces last: drivers
    /// remember by it who the tenant is.
    /// - Returns: false when one of them is not empty.
    borrowing func removeDirectories(of tenant: String) throws(VolumeError) -> Bool {
        for kind in VolumeName.directories.filter({ $0 != "workspaces" }) + ["workspaces"] {
            do throws(SystemError) {
                try root.removeDirectory("\(kind)/\(tenant)")
            } catch {
                switch error.errno {
                case .noSuchFileOrDirectory: continue
                case .notEmpty: return false
                default: throw .system("to remove \(kind)/\(tenant)", error)
                }
            }
        }
        return true
    }

    /// The directory `names`, with those above it.
    /// - Throws: ``VolumeError/notAVolume(_:)`` where something else is in its place.
    borrowing func directory(_ names: String, making: Bool) throws(VolumeError) -> FileDescriptor? {
        do throws(SystemError) {
            return try root.open(names, Self.flags, resolve: [.beneath, .noSymlinks])
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory where making: break
            case .noSuchFileOrDirectory: return nil
            case .notDirectory, .tooManyLinks: throw .notAVolume("\(path)/\(names)")
            default: throw .system("to open \(path)/\(names)", error)
            }
        }
        var made = ""
        for component in names.split(separator: "/") {
            made += made.isEmpty ? "\(component)" : "/\(component)"
            do throws(SystemError) {
                try root.makeDirectory(made, mode: 0o700)
            } catch  where error.errno == .fileExists {
                continue
            } catch {
                throw .system("to make \(path)/\(made)", error)
            }
        }
        return try directory(names, making: false)
    }

    /// What is called like a volume, sorted. What else lies there is none of Corral's and left alone.
    borrowing func list() throws(VolumeError) -> [VolumeName] {
        var found: [VolumeName] = []
        for kind in VolumeName.directories {
            for tenant in try names(in: kind) {
                for name in try names(in: "\(kind)/\(tenant)") {
                    if let volume = VolumeName(kind: kind, tenant: tenant, name: name) {
                        found.append(volume)
                    }
                }
            }
        }
        return found
    }

    /// The directories in `directory`, sorted; none where it is not there.
    borrowing func names(in directory: String) throws(VolumeError) -> [String] {
        guard let opened = try self.directory(directory, making: false) else { return [] }
        let entries = try doing("to read \(path)/\(directory)") { () throws(SystemError) in
            try opened.entries()
        }
        return entries.filter { $0.kind == .directory && $0.oddName == nil }.map(\.name).sorted()
    }

    /// A snapshot on a mount of its own, because its files could be written to otherwise.
    static func readOnly(
        _ name: VolumeName, _ directory: borrowing FileDescriptor
    ) throws(SystemError) -> Volume {
        let number = directory.number
        let mount = FileDescriptor(owning: try call("open_tree") { clinux_open_tree_at(number, 0) })
        let mountNumber = mount.number
        let flags = CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV
        _ = try call("mount_setattr") { clinux_mount_setattr(mountNumber, 0, UInt64(flags), 0, 0, -1) }
        let top = try mount.open(".", O_RDONLY | O_DIRECTORY)
        return Volume(name: name, directory: top, mount: mount)
    }

    /// Gives a new volume's top directory its owner and permissions.
    static func give(_ directory: borrowing FileDescriptor, _ request: VolumeRequest) throws(SystemError) {
        let number = directory.number
        _ = try call("fchown") { fchown(number, request.owner, request.group) }
        _ = try call("fchmod") { fchmod(number, request.mode) }
    }
}
