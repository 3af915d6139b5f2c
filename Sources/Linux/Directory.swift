import Glibc

extension FileDescriptor {
    /// Makes the directory `path`, seen from this directory (mkdirat(2)).
    /// - Parameter mode: its permissions, less the umask.
    package borrowing func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
        try refuseNUL(in: path, for: "mkdirat")
        let directory = number
        _ = try call("mkdirat", on: path) { unsafe mkdirat(directory, path, mode) }
    }

    /// Removes the empty directory `path`, seen from this directory (unlinkat(2), AT_REMOVEDIR).
    package borrowing func removeDirectory(_ path: String) throws(SystemError) {
        try remove(path, AT_REMOVEDIR)
    }

    /// Removes the name `path`, seen from this directory, of anything but a directory (unlinkat(2)).
    package borrowing func removeFile(_ path: String) throws(SystemError) {
        try remove(path, 0)
    }

    private borrowing func remove(_ path: String, _ flags: CInt) throws(SystemError) {
        try refuseNUL(in: path, for: "unlinkat")
        let directory = number
        _ = try call("unlinkat", on: path) { unsafe unlinkat(directory, path, flags) }
    }
}
