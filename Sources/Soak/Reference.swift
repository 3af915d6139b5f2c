import CLinux
import Glibc
import Linux
import TestSupport

/// A program that no sandbox has anything to do with, started and ended beside the cycles. Its times tell
/// how fast the machine is at the moment: one that others use as well is slower for minutes, and so is
/// every start on it.
enum Reference {
    /// How many cycles there are between two looks, and how many starts each look is.
    static let every = 50
    static let starts = 5

    /// Nanoseconds from the start of /usr/bin/true to its end.
    static func start() throws -> UInt64 {
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let began = clinux_boottime()
        let program = HostProgram(path: "/usr/bin/true", words: ["true"], environment: [])
        let child = try program.startHeld([null.number, null.number, null.number])
        var result = clinux_exit()
        _ = try call("waitid") { unsafe clinux_wait_pidfd(child.pidfd.number, 1, &result) }
        return clinux_boottime() - began
    }
}
