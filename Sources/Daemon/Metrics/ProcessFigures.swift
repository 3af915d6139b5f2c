import Glibc
import Linux

/// What a process uses, by proc(5).
struct ProcessFigures {
    /// Seconds on a processor, its own threads' alone.
    let cpu: Double
    /// Bytes.
    let resident: Double
    let virtual: Double

    /// - Parameter pid: nil for this process.
    /// - Returns: nil for one that is not there, or not to be seen.
    static func read(_ pid: Int32?) -> ProcessFigures? {
        let path = "/proc/\(pid.map { "\($0)" } ?? "self")/stat"
        guard let bytes = try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 4096) else { return nil }
        return ProcessFigures(
            stat: bytes, ticks: Double(sysconf(Int32(_SC_CLK_TCK))),
            page: Double(sysconf(Int32(_SC_PAGESIZE))))
    }

    /// - Parameters:
    ///   - stat: a line of /proc/PID/stat.
    ///   - ticks: of its clock in a second.
    ///   - page: bytes of one.
    init?(stat: [UInt8], ticks: Double, page: Double) {
        // The name in parentheses may have anything in it, parentheses as well.
        guard let end = stat.lastIndex(of: UInt8(ascii: ")")), ticks > 0 else { return nil }
        let fields = stat[(end + 1)...].split(separator: UInt8(ascii: " "))
            .map { Double(String(decoding: $0, as: UTF8.self)) }
        // The first behind the name is the third of the manual page.
        guard fields.count > 21, let user = fields[11], let system = fields[12], let virtual = fields[20],
            let pages = fields[21]
        else { return nil }
        cpu = (user + system) / ticks
        resident = pages * page
        self.virtual = virtual
    }

    /// Of this process, the one that this takes not counted; nil where that cannot be seen.
    static var openDescriptors: Int? {
        guard let directory = try? FileDescriptor.open("/proc/self/fd", O_RDONLY | O_DIRECTORY),
            let names = try? directory.entries()
        else { return nil }
        return max(0, names.count - 1)
    }
}
