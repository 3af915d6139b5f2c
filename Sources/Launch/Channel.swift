import CLinux
import InitPlan
import Linux

/// What connects the launcher with one init: the control socket and the status pipe.
struct Channel: ~Copyable {
    /// The launcher's end of the control socket.
    var outer: FileDescriptor
    /// The init's end.
    var inner: FileDescriptor
    var statusReading: FileDescriptor
    var statusWriting: FileDescriptor

    static func make() throws(SystemError) -> Channel {
        var ends: [2 of CInt] = [-1, -1]
        var span = ends.mutableSpan
        _ = try unsafe span.withUnsafeMutableBufferPointer { (buffer) throws(SystemError) in
            try call("socketpair") { unsafe clinux_seqpacket_pair(buffer.baseAddress) }
        }
        let outer = FileDescriptor(owning: ends[0])
        let inner = FileDescriptor(owning: ends[1])
        let status = try Pipe.make()
        return Channel(
            outer: outer, inner: inner, statusReading: status.reading, statusWriting: status.writing)
    }

    private init(
        outer: consuming FileDescriptor, inner: consuming FileDescriptor,
        statusReading: consuming FileDescriptor, statusWriting: consuming FileDescriptor
    ) {
        self.outer = outer
        self.inner = inner
        self.statusReading = statusReading
        self.statusWriting = statusWriting
    }
}

/// Bytes in a memory file, to be handed to another process by descriptor.
enum MemoryFile {
    static func make(_ name: String, _ bytes: [UInt8]) throws(SystemError) -> FileDescriptor {
        let memory = FileDescriptor(owning: try call("memfd_create") { unsafe clinux_memfd(name, 0) })
        try memory.writeAll(bytes)
        return memory
    }
}
