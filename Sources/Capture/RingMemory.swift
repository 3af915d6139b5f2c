import CLinux
import Glibc
import Linux

/// The memory file of a ring, through one open file description that several processes may share.
///
/// Where that stands (lseek(2)) is how many bytes were ever written: writing moves it together with the
/// bytes, in one call that a kill cannot cut in two. Nothing here moves it otherwise.
struct RingMemory: ~Copyable {
    /// Far behind what any stream comes to lies the page with its times.
    static let notes: UInt64 = 1 << 62
    static let page: UInt64 = 4096

    let file: FileDescriptor

    init(_ file: consuming FileDescriptor) { self.file = file }

    /// - Throws: ``CaptureError/unfit(_:)`` for a descriptor of anything else.
    static func adopt(_ file: consuming FileDescriptor) throws(CaptureError) -> RingMemory {
        let number = file.number
        guard clinux_memfd_seals(number) >= 0 else {
            throw .unfit("descriptor \(number) is no memory file, and a ring is kept in one")
        }
        let flags = fcntl(number, F_GETFL)
        guard flags & O_ACCMODE == O_RDWR, flags & O_APPEND == 0 else {
            throw .unfit("the memory file of a ring must be open for reading and writing, not for appending")
        }
        return RingMemory(file)
    }

    func position() throws(SystemError) -> UInt64 {
        let number = file.number
        return UInt64(try call("lseek") { lseek(number, 0, SEEK_CUR) })
    }

    /// Up to `count` bytes from `offset` on; fewer only where the file ends.
    func read(from offset: UInt64, count: Int) throws(SystemError) -> [UInt8] {
        let number = file.number
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                do throws(SystemError) {
                    let done = filled
                    let got = try call("pread") {
                        // Safety: `done` is less than the buffer's length.
                        unsafe pread(
                            number, buffer.baseAddress.map { unsafe $0 + done }, count - done,
                            Int(offset) + done)
                    }
                    if got == 0 { return }
                    filled += got
                } catch {
                    failure = error
                    return
                }
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Writes `bytes` at `offset`, which is no part of the stream.
    func note(_ bytes: [UInt8], at offset: UInt64) throws(SystemError) {
        let number = file.number
        _ = try unsafe bytes.span.withUnsafeBufferPointer { (buffer) throws(SystemError) in
            try call("pwrite") { unsafe pwrite(number, buffer.baseAddress, buffer.count, Int(offset)) }
        }
    }

    /// Gives the memory of whole pages back.
    func punch(_ range: Range<UInt64>) throws(SystemError) {
        let number = file.number
        _ = try call("fallocate(PUNCH_HOLE)") {
            clinux_punch(number, Int64(range.lowerBound), Int64(range.count))
        }
    }

    /// Sends bytes on to a socket without taking them into this process (sendfile(2)).
    func send(_ range: Range<UInt64>, to socket: borrowing FileDescriptor) -> Transfer {
        let (number, target) = (file.number, socket.number)
        while true {
            let count = clinux_sendfile_from(target, number, Int64(range.lowerBound), range.count)
            if count > 0 { return .bytes(count) }
            // A file that ends before its position is broken, and must not be asked for ever.
            let code = count == 0 ? Errno(rawValue: EIO) : Errno(rawValue: errno)
            if code == .wouldBlock { return .wouldBlock }
            if code != .interrupted { return .failed(code) }
        }
    }
}
