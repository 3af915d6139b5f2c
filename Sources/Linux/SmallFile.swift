import Glibc

extension FileDescriptor {
    /// What is left to read of this descriptor.
    /// - Parameter limit: the most bytes to take.
    /// - Throws: `.fileTooLarge` when there are more than `limit`.
    package borrowing func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        // The first read takes a small file whole, the next one sees its end.
        var contents = try readOnce(limit: Swift.min(limit, 32 << 10) + 1)
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            if contents.count > limit { throw SystemError("read", nil, .fileTooLarge) }
            var room = buffer.mutableSpan
            let count = try read(into: &room)
            if count == 0 { return contents }
            contents += buffer[..<count]
        }
    }

    /// The whole file `path`, seen from this directory; for files of the kernel and of our own,
    /// which are small.
    /// - Parameter limit: the most bytes it may have.
    /// - Throws: `.fileTooLarge` when it has more than `limit`.
    package borrowing func readFile(
        _ path: String, limit: Int = 65536
    ) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        do {
            return try file.readAll(limit: limit)
        } catch {
            throw SystemError(error.call, path, error.errno)
        }
    }

    /// Gives `text` to the control file `path` (of cgroupfs, of /proc), seen from this directory,
    /// in one write, as such files want it. Makes no file and cuts none off.
    package borrowing func writeControl(_ path: String, _ text: String) throws(SystemError) {
        let file = try open(path, O_WRONLY)
        try file.writeControl(text, name: path)
    }

    /// Gives `text` to this open control file in one write.
    /// - Parameter name: what an error calls the file.
    package borrowing func writeControl(_ text: String, name: String) throws(SystemError) {
        let number = number
        let bytes = Array(text.utf8)
        let count = try unsafe bytes.span.withUnsafeBufferPointer { (buffer) throws(SystemError) in
            try call("write", on: name) { unsafe Glibc.write(number, buffer.baseAddress, buffer.count) }
        }
        if count != bytes.count { throw SystemError("write", name, Errno(rawValue: EIO)) }
    }

    /// What this open control file says now, after a write as well; in one call, because the kernel
    /// gives such a text as a whole (pread(2)).
    /// - Throws: `.fileTooLarge` when it says more than `limit` bytes.
    package borrowing func readControl(limit: Int = 4096) throws(SystemError) -> [UInt8] {
        let number = number
        var buffer = [UInt8](repeating: 0, count: limit + 1)
        var room = buffer.mutableSpan
        let count = try unsafe room.withUnsafeMutableBufferPointer { (bytes) throws(SystemError) in
            try call("pread") { unsafe pread(number, bytes.baseAddress, bytes.count, 0) }
        }
        if count > limit { throw SystemError("pread", nil, .fileTooLarge) }
        buffer.removeLast(buffer.count - count)
        return buffer
    }

    /// What the control file `path` says, seen from this directory; see ``readControl(limit:)``.
    package borrowing func readControl(
        _ path: String, limit: Int = 4096
    ) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        do {
            return try file.readControl(limit: limit)
        } catch {
            throw SystemError(error.call, path, error.errno)
        }
    }
}
