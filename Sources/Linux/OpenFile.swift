import Glibc

extension FileDescriptor {
    /// Opens `path`, seen from the working directory, close-on-exec (open(2)).
    /// - Parameters:
    ///   - flags: `O_*`; without `O_CLOEXEC`, which is always added.
    ///   - mode: the permissions of a file that the call makes.
    /// - Throws: `.invalidArgument` for a path with a NUL byte, else what open(2) says.
    package static func open(
        _ path: String, _ flags: CInt, mode: UInt32 = 0
    ) throws(SystemError) -> FileDescriptor {
        try open(at: AT_FDCWD, path, flags, mode)
    }

    /// Opens `path`, seen from this directory, close-on-exec (openat(2)).
    ///
    /// The path is followed like any other: links and `..` lead out of the directory. Where
    /// somebody else can change what lies below it, use ``open(_:_:mode:resolve:)``.
    package borrowing func open(
        _ path: String, _ flags: CInt, mode: UInt32 = 0
    ) throws(SystemError) -> FileDescriptor {
        try Self.open(at: number, path, flags, mode)
    }

    private static func open(
        at directory: CInt, _ path: String, _ flags: CInt, _ mode: UInt32
    ) throws(SystemError) -> FileDescriptor {
        try refuseNUL(in: path, for: "openat")
        return FileDescriptor(
            owning: try call("openat", on: path) {
                unsafe openat(directory, path, flags | O_CLOEXEC, mode)
            })
    }
}

/// C would take the path to end at its first NUL byte, and so mean another file than was named.
func refuseNUL(in path: String, for call: String) throws(SystemError) {
    let hasNUL = unsafe path.utf8.withContiguousStorageIfAvailable { unsafe $0.contains(0) }
    if hasNUL ?? path.utf8.contains(0) { throw SystemError(call, path, .invalidArgument) }
}
