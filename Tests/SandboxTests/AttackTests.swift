// System calls that a plugin has no business with. Each is made for real, and once more with
// seccomp left out, to see that it is the filter that refuses.

import Sandbox
import TestSupport
import Testing

/// Makes calls by number in one sandbox and tells what each answered.
private struct Calls {
    /// `name: expression`, evaluated in Python with `call(number, arguments...)`.
    let list: [(name: String, expression: String)]

    func answers(_ corral: Corral) throws -> [String: String] {
        let table = list.map { "(\"\($0.name)\", lambda: \($0.expression)),\n" }.joined()
        let ended = try corral.python(Calls.prelude + "calls = [\n" + table + "]\n" + Calls.epilogue)
        #expect(ended.status == 0, "\(ended)")
        var answers: [String: String] = [:]
        for line in ended.lines {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { answers[parts[0]] = parts[1] }
        }
        return answers
    }

    private static let prelude = """
        import ctypes, errno, os, signal
        libc = ctypes.CDLL(None, use_errno=True)
        HERE = -100
        def call(number, *arguments):
            ctypes.set_errno(0)
            words = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_char_p(a) for a in arguments]
            result = libc.syscall(ctypes.c_long(number), *words)
            return "ok" if result >= 0 else errno.errorcode[ctypes.get_errno()]
        open("file", "w").close()

        """

    // One child for each call: some change their caller.
    private static let epilogue = """
        for name, attempt in calls:
            child = os.fork()
            if child == 0:
                print(name + "=" + attempt(), flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
            if status != signal.SIGKILL: print(name + "=died of " + str(status))
        """
}

#if arch(x86_64)
    @Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
    struct AttackTests {
        /// - Parameter differ: the calls that the kernel alone would answer otherwise; nil for all.
        private func expect(
            _ answer: String, from list: [(name: String, expression: String)], differ: Set<String>? = nil,
            corral: Corral = Corral()
        ) throws {
            let calls = Calls(list: list)
            let answers = try calls.answers(corral)
            for (name, _) in list { #expect(answers[name] == answer, "\(name)") }
            var control = corral
            control.without = [.seccomp]
            let unfiltered = try calls.answers(control)
            for (name, _) in list where differ?.contains(name) ?? true {
                #expect(unfiltered[name] != answer, "\(name), without the filter")
            }
        }

        /// In a directory of the host's a setuid file would be one for every user of the host.
        @Test func `setuid and setgid modes are refused however they are set`() throws {
            let directory = try TemporaryDirectory(mode: 0o777)
            let list = [
                ("chmod", #"call(90, b"file", 0o4755)"#),
                ("fchmod", #"call(91, os.open("file", 2), 0o2755)"#),
                ("chmod, high bits", #"call(90, b"file", 1 << 32 | 0o4755)"#),
                ("fchmodat", #"call(268, HERE, b"file", 0o4755)"#),
                ("fchmodat2", #"call(452, HERE, b"file", 0o6755, 0)"#),
                ("open", #"call(2, b"a", 0o102, 0o4755)"#),
                ("openat", #"call(257, HERE, b"b", 0o102, 0o4755)"#),
                ("O_TMPFILE", #"call(257, HERE, b".", 0o20200002, 0o4755)"#),
                ("creat", #"call(85, b"c", 0o4755)"#), ("mkdir", #"call(83, b"d", 0o2755)"#),
                ("mkdirat", #"call(258, HERE, b"e", 0o2755)"#), ("mknod", #"call(133, b"f", 0o104755, 0)"#),
                ("mknodat", #"call(259, HERE, b"g", 0o104755, 0)"#),
            ]
            try expect(
                "EPERM", from: list, differ: ["chmod", "fchmod", "fchmodat", "open", "openat", "creat"],
                corral: Corral(["--workspace", directory.path]))
        }

        @Test func `openat2, whose mode no filter can see, does not exist in a directory of the host`() throws
        {
            let list = [("openat2", #"call(437, HERE, b"file", bytes(24), 24)"#)]
            let directory = try TemporaryDirectory(mode: 0o777)
            try expect("ENOSYS", from: list, corral: Corral(["--workspace", directory.path]))
            // A setuid file of a workspace that ends with the sandbox is nobody's outside.
            #expect(try Calls(list: list).answers(Corral()) == ["openat2": "ok"])
        }

        @Test func `ordinary modes can be set`() throws {
            let calls = Calls(list: [
                ("chmod", #"call(90, b"file", 0o755)"#), ("sticky", #"call(83, b"sticky", 0o1777)"#),
                ("open", #"call(2, b"a", 0o102, 0o644)"#),
            ])
            #expect(try calls.answers(Corral()) == ["chmod": "ok", "sticky": "ok", "open": "ok"])
        }

        @Test(arguments: [
            ("user", 0x1000_0000), ("mount", 0x2_0000), ("pid", 0x2000_0000), ("net", 0x4000_0000),
            ("ipc", 0x800_0000), ("uts", 0x400_0000), ("cgroup", 0x200_0000),
        ])
        func `no new namespace`(name: String, flag: Int) throws {
            let both = 0x1000_0000 | flag
            try expect(
                "EPERM",
                from: [
                    ("unshare", "call(272, \(both))"), ("clone", "call(56, \(both) | 17, 0, 0, 0, 0)"),
                    ("clone, high bits", "call(56, 1 << 40 | \(both) | 17, 0, 0, 0, 0)"),
                ], differ: ["unshare", "clone"])
        }

        @Test func `calls with newer ways around the filter do not exist`() throws {
            try expect(
                "ENOSYS",
                from: [
                    ("clone3", "call(435, bytes(64), 8)"), ("open_tree", #"call(428, HERE, b"/usr", 0)"#),
                    ("move_mount", #"call(429, HERE, b"/usr", HERE, b"/tmp", 0)"#),
                    ("fsopen", #"call(430, b"tmpfs", 0)"#), ("fsconfig", "call(431, 0, 0, 0, 0, 0)"),
                    ("fsmount", "call(432, 0, 0, 0)"), ("fspick", #"call(433, HERE, b"/tmp", 0)"#),
                    ("mount_setattr", #"call(442, HERE, b"/tmp", 0, bytes(32), 32)"#),
                    ("io_uring_setup", "call(425, 1, bytes(120))"),
                    ("io_uring_enter", "call(426, 0, 0, 0, 0, 0)"),
                    ("io_uring_register", "call(427, 0, 0, 0, 0)"), ("io_setup", "call(206, 1, bytes(8))"),
                ])
            // Not in every kernel, so that the filter's answer may be the kernel's own.
            try expect(
                "ENOSYS",
                from: [("memfd_secret", "call(447, 1 << 20)"), ("modify_ldt", "call(154, 9, 0, 0)")],
                differ: [])
        }

        @Test func `mounts, tracing, keys and the kernel's own affairs are refused`() throws {
            let list = [
                ("mount", #"call(165, b"none", b"/tmp", b"tmpfs", 0, 0)"#),
                ("umount2", #"call(166, b"/tmp", 2)"#),
                ("pivot_root", #"call(155, b".", b".")"#), ("chroot", #"call(161, b".")"#),
                ("setns", #"call(308, os.open("/proc/self/ns/net", 0), 0)"#),
                ("ptrace", "call(101, 0, 0, 0, 0)"),
                ("ptrace of the parent", "call(101, 0x4206, os.getppid(), 0, 0)"),
                ("process_vm_readv", "call(310, os.getppid(), 0, 0, 0, 0, 0)"),
                ("process_vm_writev", "call(311, os.getppid(), 0, 0, 0, 0, 0)"),
                ("kcmp", "call(312, os.getpid(), os.getpid(), 1, 0, 0)"),
                ("pidfd_getfd", "call(438, os.pidfd_open(os.getpid()), 0, 0)"),
                ("keyctl", "call(250, 0, -3, 1, 0, 0)"),
                ("add_key", #"call(248, b"user", b"k", b"v", 1, -3)"#),
                ("request_key", #"call(249, b"user", b"k", 0, 0)"#), ("bpf", "call(321, 0, bytes(128), 128)"),
                ("perf_event_open", "call(298, bytes(128), 0, -1, -1, 0)"), ("userfaultfd", "call(323, 1)"),
                ("name_to_handle_at", #"call(303, HERE, b"file", bytes(128), bytes(8), 0)"#),
                ("open_by_handle_at", "call(304, 3, bytes(128), 0)"), ("syslog", "call(103, 10, 0, 0)"),
                ("fanotify_init", "call(300, 0x200, 0)"), ("quotactl", "call(179, 0, 0, 0, 0)"),
                ("init_module", #"call(175, b"", 0, b"")"#), ("finit_module", #"call(313, 0, b"", 0)"#),
                ("clock_settime", "call(227, 0, bytes(16))"), ("sethostname", #"call(170, b"x", 1)"#),
            ]
            // What the kernel refuses the sandbox's ids anyway has two layers in its way.
            let refusedTwice: Set = [
                "mount", "umount2", "pivot_root", "chroot", "setns", "bpf", "open_by_handle_at", "syslog",
                "fanotify_init", "quotactl", "init_module", "finit_module", "clock_settime", "sethostname",
                "perf_event_open", "userfaultfd",
            ]
            try expect("EPERM", from: list, differ: Set(list.map(\.0)).subtracting(refusedTwice))
        }

        /// Families and types that reach past the network namespace, or the kernel's rarer code.
        @Test func `only unix and plain internet sockets exist`() throws {
            let list = [
                ("AF_VSOCK", "call(41, 40, 1, 0)"), ("AF_PACKET", "call(41, 17, 3, 0)"),
                ("AF_NETLINK", "call(41, 16, 3, 0)"), ("AF_ALG", "call(41, 38, 5, 0)"),
                ("AF_BLUETOOTH", "call(41, 31, 3, 0)"), ("AF_XDP", "call(41, 44, 3, 0)"),
                ("AF_CAN", "call(41, 29, 3, 0)"), ("AF_KEY", "call(41, 15, 3, 2)"),
                ("raw", "call(41, 2, 3, 1)"), ("raw, IPv6", "call(41, 10, 3, 58)"),
                ("ping", "call(41, 2, 2, 1)"),
                ("SCTP", "call(41, 2, 1, 132)"), ("MPTCP", "call(41, 2, 1, 262)"),
                ("pair of AF_NETLINK", "call(53, 16, 3, 0, bytes(8))"),
            ]
            // Those that every kernel has.
            let live: Set = ["AF_PACKET", "AF_NETLINK", "raw", "ping"]
            try expect("EAFNOSUPPORT", from: list, differ: live)
            let open = Calls(list: [("unix", "call(41, 1, 1, 0)"), ("udp", "call(41, 2, 2, 17)")])
            #expect(try open.answers(Corral()) == ["unix": "ok", "udp": "ok"])
        }

        /// The 32-bit entry has other numbers for the same calls, which no rule of the filter knows.
        @Test func `a call through int 0x80 is the end of the program`() throws {
            let script = """
                import ctypes, mmap
                memory = mmap.mmap(-1, 4096, prot=7)
                memory.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20 (getpid); int 0x80; ret
                code = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
                print(code() > 0)
                """
            guard try Corral(without: [.seccomp]).python(script).text == "True" else {
                return Host.skip("this kernel has no 32-bit entry")
            }
            let ended = try Corral().python(script)
            #expect(ended.status == 159 && ended.cause == "seccomp", "\(ended)")
            #expect(ended.errors.contains("seccomp"))
        }

        @Test(arguments: [
            ("reboot", 169), ("kexec_load", 246), ("swapon", 167), ("iopl", 172), ("ioperm", 173),
        ])
        func `a tripwire ends the program`(name: String, number: Int) throws {
            let script = "import ctypes; print(ctypes.CDLL(None).syscall(\(number), 0, 0, 0, 0))"
            let ended = try Corral().python(script)
            #expect(ended.status == 159 && ended.cause == "seccomp" && ended.text == "", "\(ended)")
            // The kernel's own answer, which for iopl is 0 where it has that call.
            #expect(["-1", "0"].contains(try Corral(without: [.seccomp]).python(script).text))
        }

        @Test func `terminal input cannot be forged, with garbage in the upper half either`() throws {
            // A terminal of the sandbox's own is not to be had, so the answer to a pipe must do: ENOTTY
            // is the filter's, and a terminal would get the same.
            let calls = Calls(list: [
                ("TIOCSTI", "call(16, 1, 0x5412, b'x')"),
                ("TIOCSTI, high bits", "call(16, 1, 1 << 32 | 0x5412, b'x')"),
                ("TIOCLINUX", "call(16, 1, 0x541C, b'x')"), ("FIONREAD", "call(16, 1, 0x541B, bytes(8))"),
            ])
            let answers = try calls.answers(Corral())
            #expect(answers["FIONREAD"] == "ok")
            #expect(answers.filter { $0.key != "FIONREAD" }.values.allSatisfy { $0 == "ENOTTY" })
        }
    }
#endif

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct IdentityTests {
    @Test func `another uid, group or capability is not to be had`() throws {
        let script = """
            import os
            def attempt(name, call, *arguments):
                try: call(*arguments); print(name, "succeeded")
                except OSError: pass
            for number in (0, 1, 65534): attempt("setuid", os.setuid, number); attempt("setgid", os.setgid, number)
            attempt("setresuid", os.setresuid, 1000, 1000, 0)
            attempt("setgroups", os.setgroups, [0])
            attempt("chown", lambda: (open("f", "w").close(), os.chown("f", 0, 0)))
            attempt("mknod", os.mknod, "null", 0o020666, os.makedev(1, 3))
            attempt("nice", os.nice, -1)
            print(os.getresuid() + os.getresgid())
            """
        let ended = try Corral().python(script)
        #expect(ended.text == "(1000, 1000, 1000, 1000, 1000, 1000)", "\(ended)")
    }

    @Test func `setuid programs of the host give nothing`() throws {
        let script = """
            import glob, os, stat
            found = [p for p in glob.glob("/usr/bin/*") if os.path.isfile(p) and os.stat(p).st_mode & stat.S_ISUID]
            print(len(found) > 0, bool(os.statvfs("/usr").f_flag & os.ST_NOSUID))
            """
        let ended = try Corral().python(script)
        #expect(ended.text.hasSuffix("True"), "\(ended)")
        let asRoot = try Corral().shell("su -c id root < /dev/null; mount 2> /dev/null | wc -l")
        #expect(!asRoot.text.contains("uid=0"), "\(asRoot)")
    }

    /// Two sandboxes at once have different ids on the host, so neither can signal or trace the
    /// other, whatever namespace they might share one day.
    @Test func `two sandboxes have no uid in common`() throws {
        let marks = [Mark(), Mark()]
        let running = try marks.map { try Corral($0.option).program(["sleep", "60"]).start() }
        var uids: [Set<String>] = []
        for mark in marks {
            let sandbox = try #require(mark.sandbox())
            _ = eventually { !mark.processes.isEmpty }
            uids.append(Set(sandbox.processes.map { status("Uid", of: $0) }))
        }
        #expect(uids.allSatisfy { $0.count == 2 && !$0.contains("0") && !$0.contains("") })
        #expect(uids[0].isDisjoint(with: uids[1]))
        for program in running {
            try program.signal(15)
            _ = try program.wait()
        }
    }

    private func status(_ field: String, of pid: Int32) -> String {
        let lines = (File.text("/proc/\(pid)/status") ?? "").split(separator: "\n")
        let line = lines.first { $0.hasPrefix("\(field):") }
        return line?.split(separator: "\t").dropFirst().first.map(String.init) ?? ""
    }
}
