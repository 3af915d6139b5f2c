import CLinux
import Glibc
import Launch
import Linux

/// Finds the system call that a seccomp policy killed a program for: SIGSYS as a parent sees it does not
/// tell, the kernel's log does. Read after the fact only, so that a run that does not end so pays nothing.
enum KernelLog {
    /// The record is written by a thread of the kernel, and may come a little later than the end.
    private static let patience: UInt64 = 300_000_000
    /// The clock of the records advances by the timer tick.
    private static let slack: UInt64 = 20

    /// - Parameters:
    ///   - identity: the sandbox's ids. Only a uid of its own says that a record is about it.
    ///   - started: on CLOCK_BOOTTIME.
    static func seccompCause(_ identity: Identity, started: UInt64?) -> SeccompCause {
        guard case .pair(_, let uid) = identity, let started else {
            return .unknown("the sandbox has no uid of its own to find it in the kernel's log by")
        }
        var records: [SeccompRecord] = []
        do throws(SystemError) {
            let log = try FileDescriptor.open("/dev/kmsg", O_RDONLY | O_NONBLOCK)
            let age = (clinux_boottime() - min(started, clinux_boottime())) / 1_000_000
            let now = realTime()
            let earliest = now - min(now, age + slack)
            let deadline = clinux_boottime() + patience
            while true {
                while let line = try next(log) {
                    guard let record = SeccompRecord(line: line) else { continue }
                    if record.uid == uid, record.time >= earliest { records.append(record) }
                }
                let time = clinux_boottime()
                if !records.isEmpty || time >= deadline { return SeccompCause(records) }
                var ready = pollfd(fd: log.number, events: Int16(POLLIN), revents: 0)
                let pause = CInt(clamping: (deadline - time) / 1_000_000 + 1)
                _ = try call("poll") { unsafe poll(&ready, 1, pause) }
            }
        } catch {
            return .unknown("the kernel's log cannot be read (/dev/kmsg: \(error.errno))")
        }
    }

    /// The next record; nil when there is none now.
    private static func next(_ log: borrowing FileDescriptor) throws(SystemError) -> String? {
        // A record has at most so much (printk.h, PRINTK_MESSAGE_MAX, and its fields).
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            do throws(SystemError) {
                var room = buffer.mutableSpan
                let count = try log.read(into: &room)
                return String(decoding: buffer[..<count], as: UTF8.self)
            } catch {
                // Broken pipe: records were overwritten before they were read.
                if error.errno == .brokenPipe { continue }
                if error.errno == .wouldBlock { return nil }
                throw error
            }
        }
    }

    /// CLOCK_REALTIME in milliseconds.
    private static func realTime() -> UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(max(0, now.tv_sec)) * 1000 + UInt64(now.tv_nsec) / 1_000_000
    }
}
