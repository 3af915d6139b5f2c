import CLinux
import Glibc
import Linux
import TestSupport

@testable import Capture

/// Bytes that tell their place: little-endian words, each the number of words before it. A byte that is
/// lost or there twice moves all that follow.
enum Pattern {
    static func bytes(_ range: Range<UInt64>) -> [UInt8] {
        if range.isEmpty { return [] }
        let words = (range.lowerBound / 8...(range.upperBound - 1) / 8).map(\.littleEndian)
        let bytes = unsafe words.withUnsafeBytes { unsafe Array($0) }
        return Array(bytes.dropFirst(Int(range.lowerBound % 8)).prefix(range.count))
    }

    /// The first offset of `bytes`, which begin at `offset`, where they are not the pattern.
    static func mismatch(_ bytes: [UInt8], at offset: UInt64) -> UInt64? {
        let expected = Self.bytes(offset..<offset + UInt64(bytes.count))
        if bytes == expected { return nil }
        return zip(bytes, expected).enumerated().first { $1.0 != $1.1 }.map { offset + UInt64($0.offset) }
    }
}

/// A ring and the writing end of the pipe that it is filled from.
struct Fed: ~Copyable {
    let ring: OutputRing
    let source: OutputSource
    var writing: FileDescriptor?
    /// What the ring kept when it was last trimmed.
    var retention: Retention

    static func make(_ retention: Retention = .last(1 << 20)) throws -> Fed {
        let pipe = try Pipe.make()
        return Fed(
            ring: try OutputRing.adopt(try OutputRing.makeMemory(name: "test")),
            source: .pipe(try pipe.reading.duplicate()), writing: try pipe.writing.duplicate(),
            retention: retention)
    }

    /// Has `bytes` written and taken, a pipe's worth at a time.
    func feed(_ bytes: [UInt8], now: UInt64 = clinux_boottime()) throws {
        for start in stride(from: 0, to: bytes.count, by: 32_768) {
            switch writing {
            case .some(let end): try end.writeAll(Array(bytes[start..<min(bytes.count, start + 32_768)]))
            case .none: return
            }
            _ = try ring.fill(from: source, atMost: 1 << 20, now: now)
            try ring.keep(retention.window(at: ring.position, beside: 0))
        }
    }

    /// Feeds the pattern up to `end`.
    func feed(upTo end: UInt64) throws {
        while ring.position < end {
            try feed(Pattern.bytes(ring.position..<min(end, ring.position + 32_768)))
        }
    }
}

extension OutputRing {
    /// KiB of memory that the file holds.
    static func kilobytes(of memory: borrowing FileDescriptor) -> Int {
        var status = stat()
        let number = memory.number
        return unsafe fstat(number, &status) == 0 ? Int(status.st_blocks) / 2 : -1
    }

    /// Everything from `offset` on that can be read now, in several reads.
    func all(from offset: UInt64) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while case .bytes(let more) = try read(from: offset + UInt64(bytes.count), atMost: 100_000) {
            bytes += more
        }
        return bytes
    }
}

/// The other side of a terminal, which passes bytes on as they are.
func openSlave(of master: borrowing FileDescriptor) throws -> FileDescriptor {
    let number = master.number
    var unlocked: CInt = 0
    // TIOCSPTLCK, which Swift cannot import.
    _ = try call("ioctl(TIOCSPTLCK)") { unsafe ioctl(number, UInt(0x4004_5431), &unlocked) }
    let slave = FileDescriptor(
        owning: try call("ioctl(TIOCGPTPEER)") { clinux_terminal_slave(number) })
    var mode = termios()
    _ = unsafe tcgetattr(slave.number, &mode)
    unsafe cfmakeraw(&mode)
    _ = unsafe tcsetattr(slave.number, TCSANOW, &mode)
    return slave
}
