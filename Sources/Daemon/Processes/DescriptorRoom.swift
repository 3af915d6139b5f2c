import Glibc
import Linux

/// Open descriptors: each process has up to five here, and each client one or two.
enum DescriptorRoom {
    /// Has as many as the hard limit allows (getrlimit(2)).
    static func takeAll() throws(SystemError) {
        let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        _ = try call("getrlimit") { unsafe getrlimit(kind, &limit) }
        limit.rlim_cur = limit.rlim_max
        _ = try call("setrlimit") { unsafe setrlimit(kind, &limit) }
    }

    /// Whether there are so many left. Where the descriptors of a process did not fit, what it writes could
    /// not be taken, and the connection to the warden would be lost with them.
    /// - Parameter descriptor: any that is open.
    static func has(_ count: Int, beside descriptor: CInt) -> Bool {
        var copies: [CInt] = []
        defer { copies.forEach { close($0) } }
        for _ in 0..<count {
            let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
            guard copy >= 0 else { return false }
            copies.append(copy)
        }
        return true
    }
}
