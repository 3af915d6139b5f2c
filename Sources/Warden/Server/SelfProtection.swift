import CLinux
import Glibc
import Linux

/// What the warden does to itself so that it outlives what happens around it.
enum SelfProtection {
    /// Raises the limit of open files as far as it may be.
    /// - Returns: the limit that holds now.
    static func raiseDescriptorLimit() throws(SystemError) -> Int {
        var limit = rlimit()
        _ = try call("getrlimit") { unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        limit.rlim_cur = limit.rlim_max
        _ = try call("setrlimit") { unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        return Int(clamping: limit.rlim_max)
    }

    /// Has the kernel, when memory runs out, look for another process first: without the warden every
    /// sandbox ends.
    /// - Throws: without CAP_SYS_RESOURCE, as in many containers and for every ordinary user.
    static func spareWhenMemoryRunsOut() throws(SystemError) {
        try FileDescriptor.open("/proc/self", O_RDONLY | O_DIRECTORY).writeControl("oom_score_adj", "-900")
    }
}

/// A process that the warden starts has the warden's score, and what runs in a sandbox must not be spared.
enum OutOfMemoryScore {
    /// - Parameter pid: of an init that waits for its plan, and is not reaped.
    static func reset(of pid: Int32) throws(SystemError) {
        try FileDescriptor.open("/proc/\(pid)", O_RDONLY | O_DIRECTORY).writeControl("oom_score_adj", "0")
    }
}
