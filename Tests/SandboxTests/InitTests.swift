// PID 1 of a sandbox: what the processes beside it can do to it, and what it does for them.

import Glibc
import Sandbox
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct InitTests {
    /// Prints each attack that succeeded, or failed for a reason that is not a refusal.
    private static let attacks = """
        import ctypes, errno, os, resource, signal
        libc = ctypes.CDLL(None, use_errno=True)
        refusals = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ESRCH)
        def attempt(name, call, *arguments):
            try: print(name, "succeeded:", call(*arguments))
            except OSError as error:
                if error.errno not in refusals: print(name, error)
        def raw(name, call, *arguments):
            ctypes.set_errno(0)
            result = call(*arguments)
            if result >= 0: print(name, "succeeded:", result)
            elif ctypes.get_errno() not in refusals: print(name, os.strerror(ctypes.get_errno()))
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGCHLD, 0):
            attempt("kill %d" % number, os.kill, 1, number)
        attempt("pidfd", lambda: signal.pidfd_send_signal(os.pidfd_open(1), signal.SIGKILL))
        for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_CPU, resource.RLIMIT_AS):
            attempt("prlimit %d" % which, resource.prlimit, 1, which, (1, 1))
        attempt("prlimit read", resource.prlimit, 1, resource.RLIMIT_NOFILE)
        attempt("setpriority", os.setpriority, os.PRIO_PROCESS, 1, 19)
        attempt("setaffinity", os.sched_setaffinity, 1, {0})
        attempt("scheduler", os.sched_setscheduler, 1, os.SCHED_IDLE, os.sched_param(0))
        for name in ("mem", "environ", "exe", "maps", "auxv", "stack", "io", "fd/0", "fd/3", "root/etc/passwd", "cwd/x"):
            attempt("read /proc/1/" + name, lambda: open("/proc/1/" + name, "rb").read(1))
        for name in ("mem", "exe", "fd/3", "oom_score_adj", "uid_map", "comm"):
            attempt("write /proc/1/" + name, lambda: open("/proc/1/" + name, "r+b"))
        for name in ("exe", "root", "cwd", "ns/mnt", "ns/user"):
            attempt("readlink /proc/1/" + name, os.readlink, "/proc/1/" + name)
        for name in ("fd", "fdinfo", "map_files"): attempt("list " + name, os.listdir, "/proc/1/" + name)
        raw("ptrace attach", libc.ptrace, 16, 1, None, None)
        raw("ptrace seize", libc.ptrace, 0x4206, 1, None, None)
        buffer = ctypes.create_string_buffer(8)
        class Vector(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
        vector = Vector(ctypes.addressof(buffer), 8)
        arguments = (1, ctypes.byref(vector), 1, ctypes.byref(vector), 1, 0)
        raw("process_vm_readv", libc.process_vm_readv, *arguments)
        raw("process_vm_writev", libc.process_vm_writev, *arguments)
        print("tried")
        """

    /// Without seccomp it is the init itself that is out of reach: another uid, not dumpable, more
    /// capabilities.
    @Test(arguments: [[], [.seccomp], [.seccomp, .landlockFiles, .landlockScopes]] as [Set<Layer>])
    func `the init cannot be signalled, traced, limited, reniced or read`(without: Set<Layer>) throws {
        let ended = try Corral(without: without).python(InitTests.attacks)
        #expect(ended.text == "tried", "\(ended)")
        #expect(ended.status == 0)
    }

    /// CVE-2019-5736: a script whose interpreter is the program that is about to start it.
    @Test(
        arguments: [[], [.seccomp, .landlockFiles, .landlockTCP, .landlockScopes, .capabilities]]
            as [Set<Layer>])
    func `the file of the init is the same after it was executed by name`(without: Set<Layer>) throws {
        let before = try File.read(Product.path("sandbox-init"))
        let directory = try TemporaryDirectory()
        try directory.write("again", "#!/proc/self/exe\n", mode: 0o755)
        let ended = try Corral(["--workspace", directory.path], without: without).run(["/workspace/again"])
        // Without landlock it runs, finds no plan and ends.
        #expect(without.isEmpty ? ended.status == 126 : ended.outcome.signal == nil, "\(ended)")
        #expect(try File.read(Product.path("sandbox-init")) == before)
    }

    /// What root on the host cannot do, a sandbox cannot either.
    @Test func `not even root can write to the file that the init runs from`() throws {
        let before = try File.read(Product.path("sandbox-init"))
        let mark = Mark()
        let running = try Corral(mark.option).program(["sleep", "60"]).start()
        let pid = try #require(mark.sandbox()?.initPID)
        #expect(File.target(ofLink: "/proc/\(pid)/exe") != nil)
        for flags in [O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC] {
            let number = unsafe open("/proc/\(pid)/exe", flags | O_CLOEXEC)
            #expect(number < 0 && [EROFS, ETXTBSY].contains(errno))
            if number >= 0 { close(number) }
        }
        try running.signal(SIGTERM)
        _ = try running.wait()
        #expect(try File.read(Product.path("sandbox-init")) == before)
    }

    /// The strongest attacker there could be inside: every capability over the sandbox's user
    /// namespace, no filter, and a descriptor of the init's file that nothing inside can get.
    @Test func `the mount that the init runs from cannot be made writable from inside`() throws {
        let before = try File.read(Product.path("sandbox-init"))
        let mark = Mark()
        let running = try Corral(mark.option).program(["sleep", "60"]).start()
        let pid = try #require(mark.sandbox()?.initPID)
        let outcome = try Program.run([Corral.python, "-ISc", InitTests.remount, "\(pid)"])
        #expect(outcome.output == "control: 0\n", "\(outcome.output) \(outcome.errors)")
        try running.signal(SIGTERM)
        _ = try running.wait()
        #expect(try File.read(Product.path("sandbox-init")) == before)
    }

    // The namespaces are entered by root, who owns the file; the bind mount and the opening for
    // reading show that the attempts are not refused for another reason.
    private static let remount = """
        import ctypes, os, struct, sys
        libc = ctypes.CDLL(None, use_errno=True)
        pid = sys.argv[1]
        file = os.open("/proc/%s/exe" % pid, os.O_RDONLY)
        for space in [os.open("/proc/%s/ns/%s" % (pid, kind), os.O_RDONLY) for kind in ("user", "pid", "mnt")]:
            if libc.setns(space, 0) < 0: sys.exit("setns: " + os.strerror(ctypes.get_errno()))
        if child := os.fork(): sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        def attempt(name, result):
            if result >= 0: print(name, "succeeded")
            return result
        clear = struct.pack("QQQQ", 0, 1, 0, 0)
        def clear_read_only(fd): return libc.syscall(442, fd, b"", 0x1000, clear, 32)
        attempt("mount_setattr", clear_read_only(file))
        copy = libc.syscall(428, file, b"", 0x1001)
        if copy >= 0: attempt("mount_setattr of a copy", clear_read_only(copy))
        link = ("/proc/self/fd/%d" % file).encode()
        attempt("remount", libc.mount(None, link, None, 32 | 4096, None))
        attempt("bind", libc.mount(link, b"/proc/keys", None, 4096, None))
        for flags in (os.O_WRONLY, os.O_RDWR):
            try:
                os.open(link, flags)
                print("opened for writing")
            except OSError as error: pass
        os.close(os.open(link, os.O_RDONLY))
        print("control:", libc.mount(b"/workspace", b"/tmp", None, 4096, None))
        """

    @Test func `the init reaps 200 orphans and stays`() throws {
        let script = """
            import os, time
            for number in range(200):
                child = os.fork()
                if child == 0:
                    os.setsid()
                    if os.fork() == 0: os.setsid(); time.sleep(0.001)
                    os._exit(0)
                os.waitpid(child, 0)
            def others(): return {int(n) for n in os.listdir("/proc") if n.isdigit()} - {1, os.getpid()}
            end = time.monotonic() + 10
            while others() and time.monotonic() < end: time.sleep(0.005)
            print(others(), open("/proc/1/comm").read().strip())
            """
        let ended = try Corral().python(script)
        #expect(ended.text == "set() sandbox-init", "\(ended)")
    }

    @Test func `nothing of the host's terminal is inside`() throws {
        // The program that corral is started from has a terminal on all three streams.
        let host = """
            import os, pty, subprocess, sys
            controller, terminal = pty.openpty()
            p = subprocess.Popen(sys.argv[1:], stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
                                 preexec_fn=lambda: __import__("fcntl").ioctl(0, 0x540E, 0))
            os.close(terminal)
            text = b""
            try:
                while chunk := os.read(controller, 4096): text += chunk
            except OSError: pass
            print(p.wait(), text.decode().split())
            """
        let script = """
            import os
            def opens():
                try: os.open("/dev/tty", os.O_RDWR); return "opens"
                except OSError: return "none"
            print("inside:", *(os.isatty(n) for n in range(3)), opens(), os.tcgetpgrp is not None)
            """
        let command = Corral(["-i"]).program([Corral.python, "-ISc", script], report: false).arguments
        let outcome = try Program.run([Corral.python, "-c", host] + command)
        // What this kernel lacks comes first, on the same terminal.
        let said = outcome.output
        let inside = "'inside:', 'False', 'False', 'False', 'none', 'True']\n"
        #expect(said.hasPrefix("0 [") && said.hasSuffix(inside), "\(said)")
    }
}
