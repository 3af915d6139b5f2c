import CLinux
import Glibc
package import Linux

/// Where the bytes of a stream come from: the reading end of a pipe, or the master of a terminal.
///
/// A terminal's bytes cannot go straight into a memory file. They take the way through a pipe, the elbow,
/// which is kept wherever the master is kept: so each byte is at every moment in the terminal, in the
/// elbow or in the ring, and a process that is killed in between loses none and repeats none.
package struct OutputSource: ~Copyable, Sendable {
    private let descriptor: FileDescriptor
    private let elbow: FileDescriptor?

    private init(descriptor: consuming FileDescriptor, elbow: consuming FileDescriptor?) {
        self.descriptor = descriptor
        self.elbow = elbow
    }

    package static func pipe(_ reading: consuming FileDescriptor) -> OutputSource {
        OutputSource(descriptor: reading, elbow: nil)
    }

    /// - Parameters:
    ///   - master: becomes non-blocking, for everybody who has it.
    ///   - elbow: from ``makeElbow()``.
    package static func terminal(
        _ master: consuming FileDescriptor, elbow: consuming FileDescriptor
    ) throws(SystemError) -> OutputSource {
        try master.setNonBlocking()
        return OutputSource(descriptor: master, elbow: elbow)
    }

    /// A pipe of which both ends are one descriptor, so that keeping it takes no more than one.
    package static func makeElbow() throws(SystemError) -> FileDescriptor {
        let pipe = try Pipe.make()
        return try FileDescriptor.open("/proc/self/fd/\(pipe.reading.number)", O_RDWR)
    }

    /// Has `body` watch or unwatch what becomes readable when there are bytes.
    func withDescriptor<Value, Failure>(
        _ body: (borrowing FileDescriptor) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try body(descriptor)
    }

    /// What a pipe holds once it was found full again and again. Its pages count as its writer's memory and as
    /// its maker's pipes (pipe(7), "pipe-user-pages-soft"), so one that is seldom full stays as it was made.
    static let wide = 256 << 10

    /// Has the pipe hold ``wide`` bytes, so that whoever fills it waits less often. Where the kernel allows no
    /// more it stays as it is. A terminal is no pipe, and has no bounds of its own to widen.
    func widen() {
        guard elbow.numberOrNone < 0 else { return }
        let size = clinux_pipe_size(descriptor.number)
        if size > 0, size < Self.wide { _ = clinux_pipe_resize(descriptor.number, CInt(Self.wide)) }
    }

    /// What came of one move.
    enum Moved: Hashable {
        case bytes(Int)
        /// Nothing is there now.
        case nothing
        /// Nobody can write any more, and everything was moved.
        case end
    }

    /// Moves up to `most` bytes to where `memory` stands, which moves with them (splice(2)).
    func move(to memory: borrowing FileDescriptor, atMost most: Int) throws(SystemError) -> Moved {
        let elbow = elbow.numberOrNone
        if elbow < 0 { return try splice(descriptor.number, memory.number, most) }
        // What an earlier process left there comes first.
        if case .bytes(let count) = try splice(elbow, memory.number, most) { return .bytes(count) }
        do {
            let moved = try splice(descriptor.number, elbow, most)
            guard case .bytes = moved else { return moved }
        } catch  where error.errno == Errno(rawValue: EIO) {
            return .end  // As a terminal says it.
        }
        return try splice(elbow, memory.number, most)
    }

    private func splice(_ from: CInt, _ to: CInt, _ most: Int) throws(SystemError) -> Moved {
        let flags = UInt32(CLINUX_SPLICE_MOVE | CLINUX_SPLICE_NONBLOCK)
        do {
            let count = try call("splice") { clinux_splice(from, to, most, flags) }
            return count == 0 ? .end : .bytes(count)
        } catch  where error.errno == .wouldBlock {
            return .nothing
        }
    }
}
