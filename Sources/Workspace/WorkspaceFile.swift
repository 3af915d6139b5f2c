import Glibc
package import Linux
package import Trees

/// A regular file of a workspace, open for reading or for writing where it stands.
///
/// Nothing of it is ever mapped: when somebody else cuts the file, reads become short and no signal comes.
package struct WorkspaceFile: ~Copyable, Sendable {
    /// For splice(2) and sendfile(2), and for a thread that has the file alone: it has a position.
    package let descriptor: FileDescriptor
    /// What it was when it was opened.
    package let status: EntryStatus
    let path: WorkspacePath

    /// Reads into the front of `buffer`, from `offset` on; returns the count, 0 at the end of the file.
    /// - Parameter offset: in bytes from the file's beginning.
    package borrowing func read(
        at offset: UInt64, into buffer: inout MutableSpan<UInt8>
    ) throws(WorkspaceError) -> Int {
        let position = try checked(offset, buffer.count, path)
        let number = descriptor.number
        return try at(path) { () throws(SystemError) in
            try unsafe buffer.withUnsafeMutableBufferPointer { (bytes) throws(SystemError) in
                try call("pread") { unsafe pread(number, bytes.baseAddress, bytes.count, position) }
            }
        }
    }

    /// Bytes from `offset` on, at most `count` of them: fewer at the end of the file.
    package borrowing func bytes(from offset: UInt64 = 0, count: Int) throws(WorkspaceError) -> [UInt8] {
        var bytes: [UInt8] = []
        // By what there is and not by what is asked for.
        var buffer = [UInt8](repeating: 0, count: min(max(count, 0), 1 << 16))
        while bytes.count < count {
            var room = buffer.mutableSpan
            let read = try read(at: offset + UInt64(bytes.count), into: &room)
            if read == 0 { break }
            bytes += buffer[..<min(read, count - bytes.count)]
        }
        return bytes
    }

    /// Writes all of `bytes` at `offset`, or at the end of the file where it was opened to append.
    /// - Throws: code `noSpace`; some of the bytes may have been written then.
    package borrowing func write(_ bytes: Span<UInt8>, at offset: UInt64 = 0) throws(WorkspaceError) {
        let position = try checked(offset, bytes.count, path)
        let number = descriptor.number
        var done = 0
        while done < bytes.count {
            let rest = bytes.extracting(done...)
            done += try at(path) { () throws(SystemError) in
                try unsafe rest.withUnsafeBufferPointer { (buffer) throws(SystemError) in
                    try call("pwrite") {
                        unsafe pwrite(number, buffer.baseAddress, buffer.count, position + off_t(done))
                    }
                }
            }
        }
    }

    /// Makes the file `size` bytes long; what is new is a hole.
    package borrowing func truncate(to size: UInt64) throws(WorkspaceError) {
        let size = try checked(size, 0, path)
        let number = descriptor.number
        _ = try at(path) { () throws(SystemError) in try call("ftruncate") { ftruncate(number, size) } }
    }
}

/// A place in a file as the kernel counts it.
private func checked(_ offset: UInt64, _ count: Int, _ path: WorkspacePath) throws(WorkspaceError) -> off_t {
    let (end, overflow) = offset.addingReportingOverflow(UInt64(count))
    guard !overflow, end <= UInt64(off_t.max) else {
        throw WorkspaceError(
            .invalid, path, "\(count) bytes at \(offset) end behind the largest offset, \(off_t.max)")
    }
    return off_t(offset)
}

extension WorkspaceFiles {
    /// Opens a regular file for reading. A link that leads to one below the workspace is followed.
    /// - Throws: code `notRegular` at once for a FIFO, a socket or a device, without opening it.
    package func openToRead(_ path: WorkspacePath) throws(WorkspaceError) -> WorkspaceFile {
        try openRegular(path, O_RDONLY, following: true)
    }

    /// How a file is written where it stands; ``replace(_:mode:)`` replaces one as a whole.
    package enum Writing: Hashable, Sendable {
        /// Each write goes to the file's end, whoever else writes.
        case appending
        /// Each write goes where it says.
        case atOffsets
    }

    /// Opens a regular file to write to it where it stands.
    ///
    /// Its other names (hard links) see what is written. A link as last name is not followed.
    /// - Parameter mode: makes an empty file with these permissions where there is none; nil has that be an
    ///   error.
    /// - Throws: code `notRegular`, `notFound`; `invalid` for a mode beyond 0777.
    package func openToWrite(
        _ path: WorkspacePath, _ writing: Writing, creating mode: UInt32? = nil
    ) throws(WorkspaceError) -> WorkspaceFile {
        let flags = O_WRONLY | (writing == .appending ? O_APPEND : 0)
        try refuseSlash(path)
        if let mode { try checkMode(mode, path) }
        for _ in 0..<Self.attempts {
            do throws(WorkspaceError) {
                return try openRegular(path, flags, following: false)
            } catch {
                guard error.code == .notFound, mode != nil else { throw error }
            }
            do throws(WorkspaceError) {
                return try create(path, flags, mode: mode ?? 0)
            } catch {
                // Somebody else made it in between.
                guard error.code == .exists else { throw error }
            }
        }
        throw WorkspaceError(.busy, path, "is made and removed all the time by somebody else")
    }

    /// Somebody who makes and removes names in a loop may not keep us here for ever.
    static var attempts: Int { 16 }

    private func openRegular(
        _ path: WorkspacePath, _ flags: CInt, following: Bool
    ) throws(WorkspaceError) -> WorkspaceFile {
        let reference = try reference(to: path, following: following)
        let status = try at(path) { () throws(SystemError) in try reference.status() }
        guard status.kind == .file else {
            let isDirectory = status.kind == .directory
            throw WorkspaceError(
                isDirectory ? .isDirectory : .notRegular, path,
                "is a \(printable(status.kind)); expected a regular file")
        }
        if path.isDirectory {
            throw WorkspaceError(.notDirectory, path, "is a file; the slash at its end asks for a directory")
        }
        // Not waiting matters for files too: whoever owns one can have a lease on it, which would keep us
        // until it is broken.
        let file = try at(path) { () throws(SystemError) in
            try reference.reopen(flags | O_NONBLOCK | O_NOCTTY)
        }
        return WorkspaceFile(descriptor: file, status: status, path: path)
    }

    private func create(
        _ path: WorkspacePath, _ flags: CInt, mode: UInt32
    ) throws(WorkspaceError) -> WorkspaceFile {
        let place = try place(of: path)
        let file = try at(path) { () throws(SystemError) in
            try place.directory.open(
                place.name, flags | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode, resolve: .workspace)
        }
        let number = file.number
        let status = try at(path) { () throws(SystemError) in
            _ = try call("fchmod") { fchmod(number, mode) }
            return try file.status()
        }
        return WorkspaceFile(descriptor: file, status: status, path: path)
    }

    func refuseSlash(_ path: WorkspacePath) throws(WorkspaceError) {
        guard path.isDirectory else { return }
        throw WorkspaceError(.isDirectory, path, "names a directory; expected a file")
    }

    /// Permissions and nothing else: what a client makes must not be setuid for somebody.
    func checkMode(_ mode: UInt32, _ path: WorkspacePath) throws(WorkspaceError) {
        guard mode <= 0o777 else {
            throw WorkspaceError(
                .invalid, path,
                "the mode \(String(mode, radix: 8)) has more than permissions; expected 0 to 777")
        }
    }
}

/// As a message has it.
func printable(_ kind: EntryStatus.Kind) -> String {
    switch kind {
    case .fifo: "FIFO"
    case .symlink: "symbolic link"
    case .file, .directory, .socket, .device: kind.rawValue
    }
}
