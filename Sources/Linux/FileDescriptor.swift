import Glibc

/// An open file descriptor with exactly one owner, which closes it.
///
/// A descriptor is lent by borrowing it (`borrowing FileDescriptor`) and given away by consuming
/// it. Its bare number is for C calls only.
package struct FileDescriptor: ~Copyable, Sendable {
    /// The number, valid for as long as this value lives.
    package let number: CInt

    /// Takes ownership of `number`, which the caller must not use again.
    package init(owning number: CInt) { self.number = number }

    // EINTR from close(2) still closes on Linux, and no caller can act on the rest, so the result
    // is dropped (see close(2), "Dealing with error returns").
    deinit { _ = Glibc.close(number) }

    /// Gives the descriptor up without closing it, for handing to C code that closes it.
    package consuming func release() -> CInt {
        let number = number
        discard self
        return number
    }

    /// A second descriptor of the same open file description, close-on-exec.
    package borrowing func duplicate() throws(SystemError) -> FileDescriptor {
        let number = number
        return FileDescriptor(
            owning: try call("fcntl(F_DUPFD_CLOEXEC)") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
    }

    /// Writes some of `bytes`; returns how many, which may be fewer than given.
    /// - Throws: `.wouldBlock` when the descriptor is non-blocking and full.
    package borrowing func write(_ bytes: Span<UInt8>) throws(SystemError) -> Int {
        let number = number
        return try unsafe bytes.withUnsafeBufferPointer { (buffer) throws(SystemError) in
            try call("write") { unsafe Glibc.write(number, buffer.baseAddress, buffer.count) }
        }
    }

    /// Writes all of `bytes`, blocking as long as it takes.
    package borrowing func writeAll(_ bytes: [UInt8]) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let rest = bytes[done...]
            done += try write(rest.span)
        }
    }

    /// Reads into the front of `buffer`; returns the count, 0 at end of file.
    package borrowing func read(into buffer: inout MutableSpan<UInt8>) throws(SystemError) -> Int {
        let number = number
        return try unsafe buffer.withUnsafeMutableBufferPointer { (buffer) throws(SystemError) in
            try call("read") { unsafe Glibc.read(number, buffer.baseAddress, buffer.count) }
        }
    }
}

extension Optional where Wrapped == FileDescriptor {
    /// The number, or -1 for none. `if let` would take the descriptor, and close it.
    package var numberOrNone: CInt {
        switch self {
        case .some(let descriptor): descriptor.number
        case .none: -1
        }
    }
}
