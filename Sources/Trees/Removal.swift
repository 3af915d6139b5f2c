import Glibc
package import Linux

extension FileDescriptor {
    /// Removes `name` in this directory with everything below it, by descriptor: no link is followed,
    /// and a directory that something is mounted on is refused (EBUSY), not entered.
    package borrowing func removeTree(_ name: String) throws(SystemError) {
        do throws(SystemError) {
            try removeFile(name)
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: return
            // EPERM is what POSIX has unlink(2) say of a directory, EISDIR what Linux does.
            case .isDirectory, .notPermitted: break
            default: throw error
            }
            try emptyDirectory(name)
            try removeDirectory(name)
        }
    }

    private borrowing func emptyDirectory(_ name: String) throws(SystemError) {
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try openOnSameMount(name)
        } catch {
            guard error.errno == .accessDenied else { throw error }
            // A directory of mode 0 must not stay for ever; its owner may change it.
            let number = number
            _ = try call("fchmodat", on: name) { unsafe fchmodat(number, name, 0o700, 0) }
            directory = try openOnSameMount(name)
        }
        for entry in try directory.entries() { try directory.removeTree(entry.name) }
    }

    /// - Throws: `.busy` where something else is mounted there.
    private borrowing func openOnSameMount(_ name: String) throws(SystemError) -> FileDescriptor {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        do throws(SystemError) {
            return try open(name, flags, resolve: [.beneath, .noCrossing])
        } catch {
            if error.errno.rawValue == EXDEV { throw SystemError("openat2", name, .busy) }
            guard error.errno == .noSystemCall else { throw error }
            // A sandbox with a directory of the host has no openat2(2); nor can it mount anything.
            let directory = try open(name, flags)
            guard try directory.status().device == status().device else {
                throw SystemError("openat", name, .busy)
            }
            return directory
        }
    }
}
