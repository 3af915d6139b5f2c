// What the table of attacks (Sources/Attacks) has no row for: attacks in a directory of the host's, calls
// that must keep working beside those that are refused, and identity.

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
        MODE_4755 = (0o102).to_bytes(8, "little") + (0o4755).to_bytes(8, "little") + bytes(8)
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
        /// In a directory of the host's a setuid file would be one for every user of the host. The mode of
        /// openat2 is where no filter can look, so it does not exist there.
        @Test func `a directory of the host's gets no setuid file`() throws {
            let list = [
                ("chmod", #"call(90, b"file", 0o4755)"#),
                ("openat", #"call(257, HERE, b"new", 0o102, 0o2755)"#),
                ("openat2", #"call(437, HERE, b"newer", MODE_4755, 24)"#),
            ]
            let refused = try TemporaryDirectory(mode: 0o777)
            let calls = Calls(list: list)
            let answers = try calls.answers(Corral(["--workspace", refused.path]))
            #expect(answers == ["chmod": "EPERM", "openat": "EPERM", "openat2": "ENOSYS"])
            #expect(File.names(in: refused.path) == ["file"])
            let unfiltered = try TemporaryDirectory(mode: 0o777)
            let others = try calls.answers(Corral(["--workspace", unfiltered.path], without: [.seccomp]))
            #expect(others == ["chmod": "ok", "openat": "ok", "openat2": "ok"])
        }

        @Test func `what is refused to some is there for others`() throws {
            let calls = Calls(list: [
                // A setuid file of a workspace that ends with the sandbox is nobody's outside.
                ("openat2", #"call(437, HERE, b"newer", MODE_4755, 24)"#),
                ("chmod", #"call(90, b"file", 0o755)"#), ("sticky", #"call(83, b"sticky", 0o1777)"#),
                ("open", #"call(2, b"a", 0o102, 0o644)"#), ("unix", "call(41, 1, 1, 0)"),
                ("udp", "call(41, 2, 2, 17)"), ("FIONREAD", "call(16, 1, 0x541B, bytes(8))"),
            ])
            let answers = try calls.answers(Corral())
            #expect(
                answers.count == calls.list.count && answers.values.allSatisfy { $0 == "ok" }, "\(answers)")
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
