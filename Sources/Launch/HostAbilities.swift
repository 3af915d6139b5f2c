import CLinux
import Glibc
package import Linux

/// What this host, and this user on it, can give a sandbox.
package struct HostAbilities: Sendable, Hashable {
    package var uid: UInt32
    package var gid: UInt32
    /// Supplementary groups of the caller, besides its own group.
    package var supplementaryGroups: Int
    /// Whether the caller is root with the capabilities that a launch uses.
    package var privileged: Bool
    /// The highest landlock ABI; 0 without landlock.
    package var landlockABI: Int
    /// Kernel release, such as `6.1.0-18-amd64`.
    package var kernel: String
    /// In bytes.
    package var totalMemory: UInt64
    package var processors: UInt32
    /// The hard limit of open files, which only a privileged process could raise.
    package var openFilesLimit: UInt64
    /// The other hard limits (getrlimit(2)) that are not infinite, by resource.
    package var hardLimits: [HardLimit]

    /// One hard limit of getrlimit(2).
    package struct HardLimit: Sendable, Hashable {
        /// The kernel's number of the resource.
        package var resource: Int32
        package var value: UInt64

        package init(resource: Int32, value: UInt64) {
            self.resource = resource
            self.value = value
        }
    }

    package init(
        uid: UInt32, gid: UInt32, supplementaryGroups: Int, privileged: Bool, landlockABI: Int,
        kernel: String, totalMemory: UInt64, processors: UInt32, openFilesLimit: UInt64,
        hardLimits: [HardLimit] = []
    ) {
        self.uid = uid
        self.gid = gid
        self.supplementaryGroups = supplementaryGroups
        self.privileged = privileged
        self.landlockABI = landlockABI
        self.kernel = kernel
        self.totalMemory = totalMemory
        self.processors = processors
        self.openFilesLimit = openFilesLimit
        self.hardLimits = hardLimits
    }

    /// Asks the kernel.
    package static func probe() throws(SystemError) -> HostAbilities {
        // SYS_ADMIN 21, SETUID 7, SETGID 6, CHOWN 0, DAC_OVERRIDE 1, NET_ADMIN 12 (capabilities(7)).
        let needed: UInt64 = 1 << 21 | 1 << 7 | 1 << 6 | 1 << 0 | 1 << 1 | 1 << 12
        var permitted: UInt64 = 0
        _ = try call("capget") { unsafe clinux_capget(&permitted) }
        let uid = geteuid()
        let (pages, pageSize) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
        return HostAbilities(
            uid: uid, gid: getegid(), supplementaryGroups: otherGroups(than: getegid()),
            privileged: uid == 0 && permitted & needed == needed,
            landlockABI: max(0, Int(clinux_landlock_abi())), kernel: release(),
            totalMemory: UInt64(max(0, pages)) * UInt64(max(0, pageSize)),
            processors: UInt32(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))),
            openFilesLimit: try hardLimit(7), hardLimits: try otherHardLimits())
    }

    /// FSIZE 1, DATA 2, STACK 3, CORE 4, NPROC 6 (asm-generic/resource.h): what a plan sets.
    private static func otherHardLimits() throws(SystemError) -> [HardLimit] {
        var limits: [HardLimit] = []
        for resource: Int32 in [1, 2, 3, 4, 6] {
            let limit = try hardLimit(resource)
            if limit != .max { limits.append(HardLimit(resource: resource, value: limit)) }
        }
        return limits
    }

    private static func hardLimit(_ resource: Int32) throws(SystemError) -> UInt64 {
        var limit = rlimit()
        _ = try call("getrlimit") { unsafe getrlimit(__rlimit_resource_t(UInt32(resource)), &limit) }
        return UInt64(limit.rlim_max)
    }

    private static func otherGroups(than own: gid_t) -> Int {
        let count = getgroups(0, nil)
        guard count > 0 else { return 0 }
        var groups = [gid_t](repeating: 0, count: Int(count))
        let filled = unsafe getgroups(count, &groups)
        return groups.prefix(Int(max(0, filled))).count { $0 != own }
    }

    private static func release() -> String {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return "unknown" }
        return unsafe withUnsafeBytes(of: name.release) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
