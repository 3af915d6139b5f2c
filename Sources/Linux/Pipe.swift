import CLinux

/// The two ends of a pipe, both close-on-exec.
@frozen
package struct Pipe: ~Copyable, Sendable {
    package var reading: FileDescriptor
    package var writing: FileDescriptor

    private init(reading: consuming FileDescriptor, writing: consuming FileDescriptor) {
        self.reading = reading
        self.writing = writing
    }

    package static func make() throws(SystemError) -> Pipe {
        var ends: [2 of CInt] = [-1, -1]
        var span = ends.mutableSpan
        _ = try unsafe span.withUnsafeMutableBufferPointer { (buffer) throws(SystemError) in
            try call("pipe2") { unsafe clinux_pipe(buffer.baseAddress) }
        }
        return Pipe(reading: FileDescriptor(owning: ends[0]), writing: FileDescriptor(owning: ends[1]))
    }
}
