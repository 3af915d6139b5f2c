import CLinux
import Client
import Glibc
import Linux
import Sandbox

/// Files of this machine for `corral cp`. What has been named on the command line is followed like any path;
/// below it nothing is, so that what a session calls its files leads nowhere else.
enum LocalFiles {
    enum Kind: Hashable {
        case nothing, file, directory, other
    }

    static func kind(_ path: String) throws(CommandError) -> Kind {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else {
            if errno == ENOENT { return .nothing }
            throw CommandError("\(shown(path)): \(Errno(rawValue: errno))")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        default: return .other
        }
    }

    static func directory(_ path: String) throws(CommandError) -> FileDescriptor {
        try at(path) { () throws(SystemError) in try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) }
    }

    /// A directory in another that is there or is made, and no link.
    static func directory(
        _ name: String, in parent: borrowing FileDescriptor, _ path: String, mode: UInt32
    ) throws(CommandError) -> FileDescriptor {
        try check(name)
        let number = parent.number
        return try at(path) { () throws(SystemError) in
            if unsafe mkdirat(number, name, mode | 0o700) != 0, errno != EEXIST {
                throw SystemError("mkdirat", nil, Errno(rawValue: errno))
            }
            return try parent.open(
                name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: [.beneath, .noSymlinks])
        }
    }

    /// A file to write from its beginning, made where there is none; no link, and no device or FIFO, which is
    /// not opened either.
    static func newFile(
        _ name: String, in parent: borrowing FileDescriptor, _ path: String, mode: UInt32
    ) throws(ClientError) -> FileDescriptor {
        do throws(SystemError) {
            for _ in 0..<16 {
                do throws(SystemError) {
                    return try parent.open(
                        name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode & 0o777,
                        resolve: [.beneath, .noSymlinks])
                } catch {
                    guard error.errno == .fileExists else { throw error }
                }
                do throws(SystemError) {
                    return try oldFile(name, in: parent)
                } catch {
                    // Gone since.
                    guard error.errno == .noSuchFileOrDirectory else { throw error }
                }
            }
            throw SystemError("open", path, .busy)
        } catch {
            throw .failed(SystemError("open", path, error.errno))
        }
    }

    /// - Throws: ENXIO for what is no regular file.
    private static func oldFile(
        _ name: String, in parent: borrowing FileDescriptor
    ) throws(SystemError) -> FileDescriptor {
        let reference = try parent.open(
            name, CLINUX_O_PATH | O_NOFOLLOW, resolve: [.beneath, .noSymlinks])
        var status = stat()
        let number = reference.number
        _ = try call("fstat") { unsafe fstat(number, &status) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw SystemError("open", name, .isDirectory)
        case S_IFLNK: throw SystemError("open", name, .tooManyLinks)
        default: throw SystemError("open", name, .noDeviceOrAddress)
        }
        return try FileDescriptor.open("/proc/self/fd/\(number)", O_WRONLY | O_TRUNC)
    }

    /// What has more than a name in it leads out of the directory.
    static func check(_ name: String) throws(CommandError) {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(UInt8(ascii: "/")),
            !name.utf8.contains(0)
        else {
            throw CommandError("the session has a file called \(quoted(name)), which cannot be made here")
        }
    }

    /// Writes bytes to where they are to go, amid what is asked of a daemon.
    static func write(
        _ bytes: [UInt8], to file: borrowing FileDescriptor, _ path: String
    ) throws(ClientError) {
        do throws(SystemError) {
            try file.writeAll(bytes)
        } catch {
            throw .failed(SystemError("write", path, error.errno))
        }
    }

    /// The next piece of what is read; empty at its end.
    static func read(_ number: CInt, _ path: String) throws(ClientError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = unsafe Glibc.read(number, &buffer, buffer.count)
            if count >= 0 { return Array(buffer.prefix(count)) }
            guard errno == EINTR else { throw .failed(SystemError("read", path, Errno(rawValue: errno))) }
        }
    }

    static func at<Value: ~Copyable>(
        _ path: String, _ body: () throws(SystemError) -> Value
    ) throws(CommandError) -> Value {
        do throws(SystemError) {
            return try body()
        } catch {
            throw CommandError("\(shown(path)): \(error.errno)")
        }
    }
}
