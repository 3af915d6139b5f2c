import TestSupport
import Testing

@testable import Seccomp

/// What the shipped policies must refuse and allow, one promise a test; the golden tables hold the
/// rest.
@Suite struct ShippedPolicyTests {
    /// Bits above an `int`, which the kernel does not look at.
    private static let garbage: UInt64 = 0xDEAD_BEEF_0000_0000

    @Test func `there is a policy for every profile, relay and workspace`() {
        let profiles = File.names(in: "\(sourceRoot)/profiles").filter { $0.hasSuffix(".yaml") }
        #expect(shippedPolicies.count == profiles.count * 4)
        #expect(shippedPolicies["strict+relay"]?.contains("unix") == true)
        #expect(shippedPolicies["strict"]?.contains("unix") == false)
        #expect(shippedPolicies["offline"] == shippedPolicies["default"])
    }

    @Test(arguments: shippedNames)
    func `another ABI kills`(policy: String) throws {
        let filter = try FilterUnderTest(shippedFilter(policy))
        for number in UInt32(0)...600 {
            let i386 = SeccompCall(number, architecture: SeccompCall.i386)
            #expect(filter.interpreter.verdict(on: i386) == .killProcess)
        }
    }

    #if arch(x86_64)
        @Test(arguments: shippedNames)
        func `x32 kills`(policy: String) throws {
            let filter = try FilterUnderTest(shippedFilter(policy))
            for number in UInt32(0)...600 {
                #expect(filter.interpreter.verdict(on: SeccompCall(0x4000_0000 | number)) == .killProcess)
            }
        }
    #endif

    @Test(arguments: shippedNames)
    func `an ioctl passes by its low half, and only those of the list do`(policy: String) throws {
        let filter = try FilterUnderTest(shippedFilter(policy))
        let allowed: [UInt64] = [0x541B, 0x5421, 0x5450, 0x5451, 0x5452, 0x5401, 0x5413, 0x802C_542A]
        for request in allowed {
            #expect(try filter("ioctl", 0, request) == .allow)
            #expect(try filter("ioctl", 0, request | Self.garbage) == .allow)
        }
        for request in UInt64(0x5400)...0x54FF where !allowed.contains(request) {
            #expect(try filter("ioctl", 0, request) == .errno(25))
            #expect(try filter("ioctl", 0, request | Self.garbage) == .errno(25))
        }
    }

    @Test(arguments: shippedNames)
    func `clone makes no namespace`(policy: String) throws {
        let filter = try FilterUnderTest(shippedFilter(policy))
        // SIGCHLD; what glibc asks for a thread and for posix_spawn.
        for flags in [0x11, 0x3D_0F00, 0x4111] as [UInt64] {
            #expect(try filter("clone", flags) == .allow)
            #expect(try filter("clone", flags | Self.garbage) == .allow)
            for bit in [17, 25, 26, 27, 28, 29, 30] as [UInt64] {
                #expect(try filter("clone", flags | 1 << bit) == .errno(1))
                #expect(try filter("clone", flags | 1 << bit | Self.garbage) == .errno(1))
            }
        }
        #expect(try filter("clone3") == .errno(38))
        #expect(try filter("unshare", 1 << 28) == .errno(1))
        #expect(try filter("setns") == .errno(1))
    }

    @Test(arguments: shippedNames)
    func `no call that takes a mode takes a setuid or setgid bit`(policy: String) throws {
        let filter = try FilterUnderTest(shippedFilter(policy))
        for mode in [0, 0o644, 0o755, 0o1777] as [UInt64] {
            for bits in [0, 0o4000, 0o2000, 0o6000] as [UInt64] {
                let expected = bits == 0 ? SeccompVerdict.allow : .errno(1)
                for high in [0, Self.garbage] {
                    let mode = mode | bits | high
                    for call in ["chmod", "fchmod", "creat", "mkdir"] {
                        guard case .number = Syscalls.look(up: call) else { continue }
                        #expect(try filter(call, 0, mode) == expected, "\(call) \(mode)")
                    }
                    for call in ["fchmodat", "fchmodat2", "mkdirat"] {
                        #expect(try filter(call, 0, 0, mode) == expected, "\(call) \(mode)")
                    }
                    #expect(try filter("mknodat", 0, 0, mode) == expected)
                    #expect(try filter("mknodat", 0, 0, mode | 0o010000) == expected)
                    // Devices: never.
                    #expect(try filter("mknodat", 0, 0, mode | 0o020000) == .errno(1))
                    #expect(try filter("mknodat", 0, 0, mode | 0o060000) == .errno(1))
                    // With O_CREAT and with O_TMPFILE the mode counts, without it is garbage.
                    #expect(try filter("openat", 0, 0, 0o101, mode) == expected)
                    #expect(try filter("openat", 0, 0, 0o20200002, mode) == expected)
                    #expect(try filter("openat", 0, 0, 0o2000000, mode) == .allow)
                }
            }
        }
        for flags in [0, 0o2, 0o200] as [UInt64] {
            #expect(try filter("mq_open", 0, flags, 0o4644) != .errno(1))
        }
        #expect(try filter("mq_open", 0, 0o100, 0o4644) != .allow)
        #expect(try filter("mq_open", 0, 0o102, 0o2644) != .allow)
    }

    /// Its mode is behind a pointer, where no filter can look.
    @Test(arguments: shippedNames)
    func `openat2 is there only where no directory of the host is the workspace`(policy: String) throws {
        let filter = try FilterUnderTest(shippedFilter(policy))
        #expect(try filter("openat2") == (policy.contains("+directory") ? .errno(38) : .allow))
    }

    /// Every family, type and protocol that a program could try.
    @Test(
        arguments: [
            ("default", [1, 2, 10]), ("offline_readonly", [1]), ("network_basic", [1, 2, 10]),
            ("network_extended", [1, 2, 10, 16]), ("strict", []), ("strict+relay", [1]),
        ] as [(String, Set<UInt64>)])
    func `only the sockets of the list can be made`(policy: String, families: Set<UInt64>) throws {
        let filter = try FilterUnderTest(shippedFilter(policy))
        let protocols: [UInt64] = [0, 1, 6, 9, 17, 58, 132, 255, 262]
        for family in UInt64(0)...46 {
            for type in UInt64(0)...11 {
                for number in protocols {
                    let allowed =
                        switch (family, type) {
                        case (1, 1), (1, 2), (1, 5): families.contains(1)
                        case (2, 1), (10, 1): families.contains(family) && (number == 0 || number == 6)
                        case (2, 2), (10, 2): families.contains(family) && (number == 0 || number == 17)
                        case (16, 2), (16, 3): families.contains(family) && number == 0
                        default: false
                        }
                    let expected = allowed ? SeccompVerdict.allow : .errno(97)
                    // SOCK_CLOEXEC | SOCK_NONBLOCK, and bits that the kernel ignores.
                    for flags in [0, 0o2004000, Self.garbage] {
                        #expect(
                            try filter("socket", family, type | flags, number) == expected,
                            "socket(\(family), \(type | flags), \(number))")
                        #expect(
                            try filter("socket", family | Self.garbage, type, number | Self.garbage)
                                == expected)
                    }
                }
            }
            // A pair of SOCK_DGRAM is as good as any other such socket: it can be connected anew.
            for type in UInt64(0)...11 {
                let allowed = family == 1 && ([1, 5].contains(type) || type == 2 && families.contains(1))
                let expected = allowed ? SeccompVerdict.allow : .errno(97)
                #expect(
                    try filter("socketpair", family, type | 0o2004000) == expected,
                    "socketpair(\(family), \(type))")
            }
        }
        for call in ["connect", "bind", "listen", "accept", "accept4"] {
            #expect(try filter(call) == (families.isEmpty ? .errno(38) : .allow), "\(call)")
        }
    }

    /// With 0 in the place of 1 the kernel would start the program of a core_pattern with a pipe.
    @Test(arguments: shippedNames)
    func `the limit of core dumps stays as it is, and who sets it is told that it is done`(policy: String)
        throws
    {
        let filter = try FilterUnderTest(shippedFilter(policy))
        for core in [4, 4 | Self.garbage] as [UInt64] {
            #expect(try filter("setrlimit", core) == .errno(0))
            #expect(try filter("prlimit64", 0, core, 1) == .errno(0))
            #expect(try filter("prlimit64", Self.garbage, core, 1 << 32) == .errno(0))
            #expect(try filter("prlimit64", 1, core, 1) == .errno(1))
            #expect(try filter("prlimit64", 0, core, 0) == .allow)
        }
        for other in (0...15) as ClosedRange<UInt64> where other != 4 {
            #expect(try filter("setrlimit", other | Self.garbage) == .allow)
            #expect(try filter("prlimit64", 0, other | Self.garbage, 1) == .allow)
        }
    }

    @Test(arguments: shippedNames)
    func `limits and priorities are changed of oneself only`(policy: String) throws {
        let filter = try FilterUnderTest(shippedFilter(policy))
        for pid in [1, 2, 0xFFFF_FFFF] as [UInt64] {
            #expect(try filter("prlimit64", pid) == .errno(1))
            #expect(try filter("prlimit64", pid | Self.garbage) == .errno(1))
            #expect(try filter("setpriority", 0, pid) == .errno(1))
        }
        #expect(try filter("prlimit64", Self.garbage) == .allow)
        #expect(try filter("setpriority", 0, 0) == .allow)
        #expect(try filter("setpriority", 2, 0) == .errno(1))
        #expect(try filter("sched_setaffinity", 1 | Self.garbage) == .errno(1))
        #expect(try filter("sched_setaffinity", 0) == .allow)
        #expect(try filter("sched_setaffinity", 11) == .allow)
        #expect(try filter("ioprio_set", 1, 0) == .allow)
        #expect(try filter("ioprio_set", 3, 0) == .errno(1))
    }

    @Test(arguments: shippedNames)
    func `prctl, personality and fcntl pass by their lists`(policy: String) throws {
        let filter = try FilterUnderTest(shippedFilter(policy))
        #expect(try filter("prctl", 15) == .allow)
        #expect(try filter("prctl", 4, 0) == .allow)
        #expect(try filter("prctl", 4, 2) == .errno(22))
        // PR_SET_SECCOMP, PR_SET_MM, PR_SET_SYSCALL_USER_DISPATCH, PR_CAP_AMBIENT, PR_SET_PTRACER.
        for option in [22, 35, 59, 47, 0x5961_6D61, 8, 24, 28] as [UInt64] {
            #expect(try filter("prctl", option) == .errno(22))
        }
        #expect(try filter("personality", 0) == .allow)
        #expect(try filter("personality", 0xFFFF_FFFF) == .allow)
        for persona in [8, 0x40000, 0x20000, 0x80_0000] as [UInt64] {
            #expect(try filter("personality", persona) == .errno(1))
        }
        #expect(try filter("fcntl", 0, 1030) == .allow)
        // F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY.
        for command in [8, 10, 15, 1024, 1026] as [UInt64] {
            #expect(try filter("fcntl", 0, command) == .errno(22))
        }
    }

    @Test func `known privileged calls fail with EPERM and newer ones with ENOSYS`() throws {
        let filter = try FilterUnderTest(shippedFilter("default"))
        for call in [
            "mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "ptrace", "process_vm_readv",
            "process_vm_writev", "pidfd_getfd", "kcmp", "keyctl", "add_key", "request_key", "bpf",
            "perf_event_open", "userfaultfd", "name_to_handle_at", "open_by_handle_at", "setuid", "setgid",
            "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capset",
            "init_module", "finit_module", "delete_module", "syslog", "quotactl", "acct", "settimeofday",
            "clock_settime", "sethostname", "fanotify_init",
        ] {
            #expect(try filter(call) == .errno(1), "\(call)")
        }
        for call in [
            "clone3", "io_uring_setup", "io_uring_enter", "io_uring_register", "open_tree",
            "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_tree_attr",
            "statmount", "listmount", "landlock_create_ruleset", "landlock_add_rule",
            "landlock_restrict_self", "memfd_secret", "lsm_set_self_attr", "seccomp",
        ] {
            #expect(try filter(call) == .errno(38), "\(call)")
        }
        for number in UInt32(470)...1000 {
            #expect(filter.interpreter.verdict(on: SeccompCall(number)) == .errno(38))
        }
        for call in ["sync", "syncfs"] { #expect(try filter(call) == .errno(0)) }
        for call in ["kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff"] {
            #expect(try filter(call) == .killProcess, "\(call)")
        }
    }

    @Test func `strict takes away and kills more`() throws {
        let filter = try FilterUnderTest(shippedFilter("strict"))
        for call in [
            "memfd_create", "execveat", "splice", "tee", "vmsplice", "inotify_add_watch", "shmget", "semop",
            "msgsnd", "mq_open",
        ] {
            #expect(try filter(call) == .errno(38), "\(call)")
        }
        for call in ["init_module", "finit_module", "delete_module", "bpf", "kexec_load", "reboot"] {
            #expect(try filter(call) == .killProcess, "\(call)")
        }
    }

    /// Whatever the one lets through, the other does too, with the same arguments.
    @Test(arguments: [
        ("strict", "strict+relay"), ("strict+relay", "offline_readonly"), ("offline_readonly", "default"),
        ("strict+directory", "strict"), ("default+directory", "default"),
        ("network_basic", "default"), ("default", "network_extended"),
    ])
    func `a narrower profile is never wider`(narrow: String, wide: String) throws {
        let strict = try Policy(parts: shippedPolicy(narrow))
        let both = try (FilterUnderTest(shippedFilter(wide)), FilterUnderTest(shippedFilter(narrow)))
        for number in UInt32(0)...600 {
            let rules = strict.rules(for: CInt(number))
            for arguments in telling(rules) {
                let call = SeccompCall(number, arguments)
                guard both.1.interpreter.verdict(on: call) == .allow else { continue }
                #expect(both.0.interpreter.verdict(on: call) == .allow, "\(number) \(arguments)")
            }
        }
    }

    @Test(arguments: shippedNames)
    func `every rule says why, and every name is a call of some machine`(name: String) throws {
        let policy = try Policy(parts: shippedPolicy(name))
        for rule in policy.rules {
            #expect(rule.comment?.isEmpty == false, "\(rule.names.map(\.text))")
        }
        #expect(policy.warnings.isEmpty)
    }

    @Test(arguments: [("default", 261), ("strict", 227), ("strict+relay", 233)])
    func `filters stay small`(name: String, calls: Int) throws {
        let filter = try shippedFilter(name)
        #expect(filter.allowedCount <= calls)
        #expect(filter.instructionCount < 480)
    }
}
