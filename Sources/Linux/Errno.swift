import CLinux
import Glibc

/// A Linux error number (errno(3)).
package struct Errno: RawRepresentable, Hashable, Sendable {
    package let rawValue: CInt
    package init(rawValue: CInt) { self.rawValue = rawValue }

    package static let notPermitted = Errno(rawValue: EPERM)
    package static let noSuchFileOrDirectory = Errno(rawValue: ENOENT)
    package static let noSuchProcess = Errno(rawValue: ESRCH)
    package static let interrupted = Errno(rawValue: EINTR)
    package static let badDescriptor = Errno(rawValue: EBADF)
    package static let wouldBlock = Errno(rawValue: EAGAIN)
    package static let outOfMemory = Errno(rawValue: ENOMEM)
    package static let accessDenied = Errno(rawValue: EACCES)
    package static let busy = Errno(rawValue: EBUSY)
    package static let fileExists = Errno(rawValue: EEXIST)
    package static let crossesDevice = Errno(rawValue: EXDEV)
    package static let notDirectory = Errno(rawValue: ENOTDIR)
    package static let isDirectory = Errno(rawValue: EISDIR)
    package static let invalidArgument = Errno(rawValue: EINVAL)
    package static let tooManyFilesInSystem = Errno(rawValue: ENFILE)
    package static let tooManyFiles = Errno(rawValue: EMFILE)
    package static let textBusy = Errno(rawValue: ETXTBSY)
    package static let fileTooLarge = Errno(rawValue: EFBIG)
    package static let notEmpty = Errno(rawValue: ENOTEMPTY)
    package static let quotaExceeded = Errno(rawValue: EDQUOT)
    package static let noDeviceOrAddress = Errno(rawValue: ENXIO)
    package static let noSpace = Errno(rawValue: ENOSPC)
    package static let readOnlyFileSystem = Errno(rawValue: EROFS)
    package static let brokenPipe = Errno(rawValue: EPIPE)
    package static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
    package static let noSystemCall = Errno(rawValue: ENOSYS)
    package static let tooManyLinks = Errno(rawValue: ELOOP)
    package static let notSupported = Errno(rawValue: EOPNOTSUPP)
    package static let connectionRefused = Errno(rawValue: ECONNREFUSED)
    package static let connectionReset = Errno(rawValue: ECONNRESET)
    package static let argumentListTooLong = Errno(rawValue: E2BIG)
    package static let execFormat = Errno(rawValue: ENOEXEC)
    package static let noChild = Errno(rawValue: ECHILD)

    /// The constant's name, such as `EACCES`; the number where glibc has no name for it.
    package var name: String {
        guard let name = unsafe clinux_errno_name(rawValue) else { return "errno \(rawValue)" }
        return unsafe String(cString: name)
    }

    /// What it means, such as `Permission denied`.
    package var meaning: String { unsafe String(cString: strerror(rawValue)) }
}

extension Errno: CustomStringConvertible {
    package var description: String { "\(name) (\(meaning))" }
}
