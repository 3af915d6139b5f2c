import Glibc

/// Waiting before there is a loop to wait on.
enum ShortWait {
    static func milliseconds(_ count: Int) { usleep(UInt32(clamping: count * 1000)) }
}
