import CLinux
import Glibc
package import Linux
import Trees

/// The new content of a file, which nobody sees before ``commit(replacing:)``.
///
/// It is written into a file without a name (open(2), O_TMPFILE), in the directory that it will be in: when
/// the writer gives up, dies or runs out of room, nothing is left and the file that was there is untouched.
package struct Replacement: ~Copyable, Sendable {
    /// For splice(2) and sendfile(2): what is moved there is the content.
    package let descriptor: FileDescriptor
    private let place: Place
    private let path: WorkspacePath
    private let mode: UInt32

    fileprivate init(
        _ descriptor: consuming FileDescriptor, _ place: consuming Place, _ path: WorkspacePath, mode: UInt32
    ) {
        self.descriptor = descriptor
        self.place = place
        self.path = path
        self.mode = mode
    }

    /// Adds bytes to the content.
    /// - Throws: code `noSpace`.
    package borrowing func write(_ bytes: Span<UInt8>) throws(WorkspaceError) {
        var done = 0
        while done < bytes.count {
            let rest = bytes.extracting(done...)
            done += try at(path) { () throws(SystemError) in try descriptor.write(rest) }
        }
    }

    /// Sets room for a content of `size` bytes aside, so that a lack of it is told before they come. Does
    /// nothing where the file system cannot.
    /// - Throws: code `noSpace`.
    package borrowing func reserve(_ size: UInt64) throws(WorkspaceError) {
        guard size > 0, let size = Int64(exactly: size) else { return }
        let number = descriptor.number
        do throws(SystemError) {
            _ = try call("fallocate") { clinux_set_room_aside(number, size) }
        } catch {
            if error.errno != .notSupported { throw WorkspaceError(error, at: path) }
        }
    }

    /// Puts the content in the place of the file, at once: whoever opens it sees the old or the new one.
    ///
    /// What is replaced loses this name and nothing else: a link is not followed, and other names of the
    /// same file keep what they had.
    /// - Parameter replacing: false makes it an error when there is something of that name.
    /// - Throws: code `exists`, `isDirectory`, `noSpace`.
    package consuming func commit(replacing: Bool = true) throws(WorkspaceError) {
        let (number, directory, mode) = (descriptor.number, place.directory.number, mode)
        _ = try at(path) { () throws(SystemError) in try call("fchmod") { fchmod(number, mode) } }
        do throws(SystemError) {
            return try link(number, to: place.name, in: directory)
        } catch {
            guard error.errno == .fileExists, replacing else { throw WorkspaceError(error, at: path) }
        }
        // link(2) replaces nothing, rename(2) does.
        let spare = spareName()
        let (name, path) = (place.name, path)
        try at(path) { () throws(SystemError) in
            try link(number, to: spare, in: directory)
            do throws(SystemError) {
                _ = try call("renameat", on: name) { unsafe renameat(directory, spare, directory, name) }
            } catch {
                _ = unsafe unlinkat(directory, spare, 0)
                throw error
            }
        }
    }

    private borrowing func link(_ file: CInt, to name: String, in directory: CInt) throws(SystemError) {
        let source = "/proc/self/fd/\(file)"
        _ = try call("linkat", on: name) {
            unsafe linkat(AT_FDCWD, source, directory, name, AT_SYMLINK_FOLLOW)
        }
    }
}

/// A name that nobody guesses, for what has none of its own for a moment.
func spareName() -> String { ".corral-\(String(UInt64.random(in: 0...UInt64.max), radix: 16))" }

extension WorkspaceFiles {
    /// Begins to replace the file `path`, or to make it.
    /// - Parameter mode: permissions; nil for those of the file that is there, or 0644.
    /// - Throws: code `isDirectory` where a directory is, `notFound` where the directory above is missing,
    ///   `invalid` for a mode beyond 0777.
    package func replace(_ path: WorkspacePath, mode: UInt32? = nil) throws(WorkspaceError) -> Replacement {
        try refuseSlash(path)
        if let mode { try checkMode(mode, path) }
        let place = try place(of: path)
        let status = try status(at: place, path)
        if status?.kind == .directory {
            throw WorkspaceError(.isDirectory, path, "is a directory; expected a file")
        }
        let kept = status.flatMap { $0.kind == .file ? $0.mode & 0o777 : nil }
        let file = try at(path) { () throws(SystemError) in
            try place.directory.open(".", CLINUX_O_TMPFILE | O_RDWR, mode: 0o600, resolve: .workspace)
        }
        return Replacement(file, place, path, mode: mode ?? kept ?? 0o644)
    }
}
