import API
import Capture
import Glibc
import Linux
import Sessions
import Store

// Modules that know nothing of each other have records of the same name; here both are used.
typealias StoredSession = Store.SessionRecord
typealias StoredProcess = Store.ProcessRecord
typealias SessionNote = Sessions.SessionRecord
typealias ProcessNote = Sessions.ProcessRecord
typealias OutputRetention = Capture.Retention

/// The two clocks: the one that counts, and the one for people.
enum DaemonClock {
    /// CLOCK_BOOTTIME in nanoseconds.
    static var now: UInt64 { Timer.now }

    /// Milliseconds since 1970.
    static var wall: Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    static var moment: Moment { Moment(wall: wall, boot: now) }

    /// A moment of this boot on both clocks, as the wall clock is set now.
    static func moment(_ boot: UInt64) -> Moment {
        let difference = Int64(clamping: boot / 1_000_000) - Int64(clamping: now / 1_000_000)
        return Moment(wall: wall + difference, boot: boot)
    }
}

extension Moment {
    var text: String { APITime(milliseconds: wall).description }
}

/// Which boot this is (proc(5), /proc/sys/kernel/random/boot_id): times of another one mean nothing.
enum Boot {
    static func id() -> String { line("/proc/sys/kernel/random/boot_id") }
    static func kernel() -> String { line("/proc/sys/kernel/osrelease") }

    private static func line(_ path: String) -> String {
        let bytes = (try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 256)) ?? []
        return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }
}
