import Glibc
import Linux
import Trees

/// The bytes of an archive as they come from a pipe, counted, with a look ahead at the first few.
///
/// A class, because libarchive holds it while it reads the archive that these bytes are.
@safe final class ArchiveInput {
    private let descriptor: CInt
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    /// Bytes at the buffer's front that were looked at and not given.
    private var ahead = 0
    /// Bytes that were read.
    private(set) var bytes: UInt64 = 0
    private(set) var failure: UnpackError?

    /// - Parameter descriptor: stays the caller's, who keeps it open.
    init(_ descriptor: CInt) { self.descriptor = descriptor }

    deinit { unsafe buffer.deallocate() }

    /// The first bytes of all, which are given again; fewer where there are no more.
    func first(_ count: Int) throws(UnpackError) -> [UInt8] {
        while ahead < count {
            let more = try read(at: ahead)
            if more == 0 { break }
            ahead += more
        }
        return unsafe Array(buffer[..<min(count, ahead)])
    }

    /// The next bytes, valid until the next call; empty at the end.
    func next() throws(UnpackError) -> UnsafeRawBufferPointer {
        let count = ahead > 0 ? ahead : try read(at: 0)
        ahead = 0
        return unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    /// Reads what is left, and drops it.
    func drain() throws(UnpackError) {
        while unsafe !(try next()).isEmpty {}
    }

    private func read(at offset: Int) throws(UnpackError) -> Int {
        do throws(SystemError) {
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[offset...])
            let count = try call("read") { unsafe Glibc.read(descriptor, room.baseAddress, room.count) }
            bytes += UInt64(count)
            return count
        } catch {
            let failed = UnpackError.tree(.system(error, entry: nil))
            failure = failed
            throw failed
        }
    }
}
