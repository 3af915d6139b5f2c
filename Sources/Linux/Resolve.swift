import CLinux
import Glibc

/// How far a path may lead (openat2(2), `resolve`).
package struct Resolve: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Not onto another mount; EXDEV else.
    package static let noCrossing = Resolve(rawValue: UInt64(CLINUX_RESOLVE_NO_XDEV))
    /// Through no link like `/proc/self/exe`; ELOOP else.
    package static let noMagicLinks = Resolve(rawValue: UInt64(CLINUX_RESOLVE_NO_MAGICLINKS))
    /// Through no symbolic link; ELOOP else.
    package static let noSymlinks = Resolve(rawValue: UInt64(CLINUX_RESOLVE_NO_SYMLINKS))
    /// Not out of the directory it starts from; EXDEV else.
    package static let beneath = Resolve(rawValue: UInt64(CLINUX_RESOLVE_BENEATH))
    /// The directory it starts from is `/` for absolute paths, links and `..`.
    package static let inRoot = Resolve(rawValue: UInt64(CLINUX_RESOLVE_IN_ROOT))
}

extension FileDescriptor {
    /// Opens `path`, seen from this directory, within the bounds of `resolve`, close-on-exec
    /// (openat2(2)).
    /// - Parameters:
    ///   - flags: `O_*`; unlike open(2), a flag the kernel does not know is refused.
    ///   - mode: the permissions of a file that the call makes; must be 0 when it makes none.
    /// - Throws: `.invalidArgument` for a path with a NUL byte, `.wouldBlock` when renames on
    ///   the way kept the kernel from being sure of the bounds, else what openat2(2) says.
    package borrowing func open(
        _ path: String, _ flags: CInt, mode: UInt32 = 0, resolve: Resolve
    ) throws(SystemError) -> FileDescriptor {
        try refuseNUL(in: path, for: "openat2")
        let directory = number
        for _ in 0..<Self.raceRetries {
            do {
                return FileDescriptor(
                    owning: try call("openat2", on: path) {
                        unsafe clinux_openat2(
                            directory, path, UInt64(flags), UInt64(mode), resolve.rawValue)
                    })
            } catch {
                // EAGAIN: a rename or mount somewhere on the system crossed the walk; openat2(2)
                // asks the caller to try again.
                if error.errno != .wouldBlock { throw error }
            }
        }
        throw SystemError("openat2", path, .wouldBlock)
    }

    /// Somebody who renames in a loop may not keep us here for ever.
    private static let raceRetries = 32
}
