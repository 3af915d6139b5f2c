import Glibc
package import Launch
package import Linux

/// Directories that Corral keeps things in between runs.
package enum StateDirectory {
    /// For locks: /run/corral for root, `$XDG_RUNTIME_DIR/corral` for others; nil where there is none.
    package static func runtime(_ host: HostAbilities) -> String? {
        if host.uid == 0 { return "/run/corral" }
        guard let directory = unsafe getenv("XDG_RUNTIME_DIR") else { return nil }
        return unsafe String(cString: directory) + "/corral"
    }

    /// Opens the lock directory, which it makes where needed. It must be the caller's and writable
    /// by nobody else, or somebody else could hold or fake the locks.
    package static func open(_ path: String, _ host: HostAbilities) throws(SystemError) -> FileDescriptor {
        if unsafe mkdir(path, 0o711) < 0, errno != EEXIST {
            throw SystemError("mkdir", path, Errno(rawValue: errno))
        }
        let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        var status = stat()
        let number = directory.number
        _ = try call("fstat", on: path) { unsafe fstat(number, &status) }
        guard status.st_uid == host.uid, status.st_mode & 0o022 == 0 else {
            throw SystemError("the directory is not the caller's alone", path, .accessDenied)
        }
        return directory
    }

    /// For compiled filters: /var/cache/corral for root, `$XDG_CACHE_HOME/corral` or
    /// `~/.cache/corral` for others; nil where it cannot be made. The cache checks its ownership.
    package static func cache() -> FileDescriptor? {
        guard let path = cachePath else { return nil }
        _ = unsafe mkdir(path, 0o700)
        return try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    }

    private static var cachePath: String? {
        var base: String?
        if geteuid() == 0 {
            base = "/var/cache"
        } else if let directory = unsafe getenv("XDG_CACHE_HOME") {
            base = unsafe String(cString: directory)
        } else if let home = unsafe getenv("HOME") {
            base = unsafe String(cString: home) + "/.cache"
        }
        guard let base, base.hasPrefix("/") else { return nil }
        return base + "/corral"
    }

    /// The paths of all directories that Corral believes: locks, filters, images, the user's profiles. What
    /// a sandbox could change in them would be believed by the next run.
    package static func all(_ host: HostAbilities) throws(PreparationError) -> [String] {
        [runtime(host), cachePath, try ImageLookup.find()?.path, ProfileDirectories.userDirectory]
            .compactMap { $0 }
    }
}
