import CLinux
import Glibc
package import Linux

/// Low numbers of descriptors, kept free for launches by who is about to have many descriptors: an init gets
/// copies of what is below, and of nothing above (close_range(2), CLOSE_RANGE_UNSHARE).
///
/// Else the kernel copies all of the caller's descriptors into each init and closes them one by one at its exec.
/// Those on the file of slots have a lock each, and each close goes through all locks of the file: beside a
/// thousand sandboxes that took longer than all else of a launch.
package final class LowDescriptors {
    package let first: CInt

    package init() throws(SystemError) {
        let null = FileDescriptor(
            owning: try call("open", on: "/dev/null") { unsafe open("/dev/null", O_RDWR | O_CLOEXEC) })
        let number = null.number
        first = try call("reserving descriptors") { clinux_reserve_low(number) }
    }

    deinit {
        for number in first..<first + CInt(CLINUX_LOW_FDS) { _ = close(number) }
    }
}
