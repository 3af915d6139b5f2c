import CLinux
import Glibc
package import Linux

/// The file of sandbox-init, opened so that nothing can write to it: not the sandbox through
/// /proc/1/exe (CVE-2019-5736), and not root through the descriptor.
package struct InitExecutable: ~Copyable {
    /// How it is protected.
    package enum Protection: String, Sendable {
        /// A detached read-only mount of the file; takes CAP_SYS_ADMIN.
        case mount = "detached read-only mount"
        /// A sealed copy in memory.
        case memory = "sealed memfd"
    }

    package let descriptor: FileDescriptor
    package let protection: Protection

    /// Finds the file: `CORRAL_INIT`, else beside this program, else where `make install` puts it.
    /// - Parameter path: the file itself, where the caller knows it.
    package static func open(privileged: Bool, path: String? = nil) throws(LaunchError) -> InitExecutable {
        let candidates = path.map { [$0] } ?? candidates()
        for path in candidates {
            let number = unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard number >= 0 else { continue }
            let file = FileDescriptor(owning: number)
            do throws(SystemError) {
                return privileged ? try mount(file, path) : try copy(file, path)
            } catch {
                throw .system(error, doing: "protecting sandbox-init")
            }
        }
        throw .initMissing(looked: candidates)
    }

    static func candidates() -> [String] {
        if let named = unsafe getenv("CORRAL_INIT") { return [unsafe String(cString: named)] }
        guard let program = SelfPath.directory else { return ["/proc/self/exe"] }
        return ["\(program)/sandbox-init", "\(program)/../libexec/corral/sandbox-init"]
    }

    private static func mount(
        _ file: borrowing FileDescriptor, _ path: String
    ) throws(SystemError) -> InitExecutable {
        let number = file.number
        let mount = FileDescriptor(owning: try call("open_tree", on: path) { clinux_open_tree_at(number, 0) })
        let attributes = UInt64(CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV)
        let mounted = mount.number
        _ = try call("mount_setattr", on: path) { clinux_mount_setattr(mounted, 0, attributes, 0, 0, -1) }
        return InitExecutable(descriptor: mount, protection: .mount)
    }

    private static func copy(
        _ file: borrowing FileDescriptor, _ path: String
    ) throws(SystemError) -> InitExecutable {
        let number = file.number
        let memory = FileDescriptor(
            owning: try call("memfd_create") { unsafe clinux_memfd("sandbox-init", 1) })
        let copy = memory.number
        var status = clinux_stat()
        _ = try call("fstat", on: path) { unsafe clinux_fstat(number, &status) }
        var done = 0
        while done < Int(status.size) {
            let count = try call("sendfile", on: path) { clinux_sendfile(copy, number, Int(status.size)) }
            guard count > 0 else { throw SystemError("sendfile", path, .invalidArgument) }
            done += count
        }
        _ = try call("fchmod") { fchmod(copy, 0o555) }
        _ = try call("fcntl(F_ADD_SEALS)") { clinux_memfd_seal(copy) }
        return InitExecutable(descriptor: memory, protection: .memory)
    }
}
