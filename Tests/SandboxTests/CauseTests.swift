// Causes, the limits beside them, and the last line on standard error, each in a real sandbox.

import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import Wire

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct CauseTests {
    /// Uses a processor for ever.
    private static let spin = ["sh", "-c", "while :; do :; done"]

    // MARK: Cpu time

    @Test func `cpu time that is used up ends the run`() throws {
        let ended = try Corral(["--cpu-time", "200ms"]).run(Self.spin)
        #expect(ended.status == 152 && ended.cause == "cpu", "\(ended)")
        #expect(
            ended.errors == "corral run: ended: cpu time limit of 200ms reached (change it with --cpu-time)",
            "\(ended)")
        #expect(ended.limitsHit == ["cpu"])
        // Counted by the cgroup: all that ran, by however many processes.
        let used = try #require(ended.number("times", "cpu_us"))
        #expect(used >= 200_000, "\(used)")
    }

    /// Each child alone stays far below the limit, and the program that waits for them does nothing.
    @Test func `cpu time of children counts, ended ones too`() throws {
        let script = "while :; do (i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done); done"
        let ended = try Corral(["--cpu-time", "200ms"]).shell(script)
        #expect(ended.status == 152 && ended.cause == "cpu", "\(ended)")
    }

    @Test func `sleeping uses no cpu time`() throws {
        // Starting the program takes some as well.
        let limit = "\(Int(400 * Host.patience))ms"
        let ended = try Corral(["--cpu-time", limit]).run(["sleep", "\(0.6 * Host.patience)"])
        #expect(ended.status == 0 && ended.cause == "exited" && ended.limitsHit.isEmpty, "\(ended)")
    }

    /// The positive control: without the limit it is the other one that ends it.
    @Test func `without a limit of cpu time the same program goes on`() throws {
        let ended = try Corral(["--timeout", "500ms"]).run(Self.spin)
        #expect(ended.status == 124 && ended.cause == "timeout", "\(ended)")
    }

    // MARK: Processes

    private static let forks = "i=0; while [ $i -lt 9 ]; do sleep 0.1 & i=$((i+1)); done; wait; sleep 60"

    @Test func `a refused process ends the run where that is asked for`() throws {
        let ended = try Corral(["--pids", "6", "--pids-kill"]).python(
            "import os, time\nfor i in range(9):\n  try: os.fork() or time.sleep(60)\n"
                + "  except OSError: time.sleep(60)")
        #expect(ended.status == 122 && ended.cause == "pids" && ended.limitsHit == ["pids"], "\(ended)")
        #expect(
            ended.errors
                == "corral run: ended: limit of 6 processes and threads reached (change it with --pids)",
            "\(ended)")
    }

    /// Whoever is first, the program or we: what happened decides.
    @Test func `a refused process ends the run of a program that exits at once`() throws {
        let script =
            "import os\ntry:\n  for i in range(9): os.fork() or __import__('time').sleep(60)\nexcept OSError: os._exit(3)"
        for _ in 0..<5 {
            let fatal = try Corral(["--pids", "6", "--pids-kill"]).python(script)
            #expect(fatal.status == 122 && fatal.cause == "pids", "\(fatal)")
        }
        let other = try Corral(["--pids", "6"]).python(script)
        #expect(other.status == 3 && other.cause == "exited" && other.limitsHit == ["pids"], "\(other)")
        #expect(
            other.errors == "corral run: limit of 6 processes and threads reached: 1 was refused "
                + "(change it with --pids)", "\(other)")
    }

    @Test func `as many processes as allowed end nothing`() throws {
        let ended = try Corral(["--pids", "6", "--pids-kill"]).shell("sleep 0 & sleep 0 & wait; exit 4")
        #expect(ended.status == 4 && ended.cause == "exited" && ended.limitsHit.isEmpty, "\(ended)")
    }

    // MARK: At the limit

    /// Whoever is first: the cause, the code and the line belong together.
    @Test(arguments: [
        ("--timeout", "60ms", "sleep 0.05; exit 3", Int32(124), "timeout"),
        ("--cpu-time", "30ms", "i=0; while [ $i -lt 8000 ]; do i=$((i+1)); done; exit 3", 152, "cpu"),
    ])
    func `a program that exits at the moment of its limit has one cause`(
        option: String, value: String, script: String, code: Int32, cause: String
    ) throws {
        for _ in 0..<20 {
            let ended = try Corral([option, value]).shell(script)
            let exited = ended.status == 3 && ended.cause == "exited" && !ended.errors.contains("ended: ")
            let limited = ended.status == code && ended.cause == cause && ended.errors.contains(option)
            #expect(exited != limited, "\(ended)")
        }
    }

    // MARK: Memory

    /// A child that the kernel killed for memory, and a program that a sibling kills: the same facts as
    /// when the kernel killed the program. docs/run.md says so.
    @Test func `a kill by hand after a kill for memory counts as memory, without one as a signal`() throws {
        let eat = "\(Corral.python) -ISc 'x = bytearray(128 << 20)'"
        let after = try Corral(["--memory", "48MiB"]).shell("\(eat); kill -KILL $$")
        #expect(after.status == 137 && after.cause == "memory" && after.limitsHit == ["memory"], "\(after)")
        let without = try Corral(["--memory", "48MiB"]).shell("kill -KILL $$")
        #expect(without.status == 137 && without.cause == "signalled" && without.limitsHit.isEmpty)
        #expect(without.errors == "")
    }

    @Test func `a child that is killed for memory is told, and its parent's exit is the cause`() throws {
        let ended = try Corral(["--memory", "48MiB"]).shell(
            "\(Corral.python) -ISc 'x = bytearray(128 << 20)'; exit 3")
        #expect(ended.status == 3 && ended.cause == "exited" && ended.limitsHit == ["memory"], "\(ended)")
        #expect(
            ended.errors.hasSuffix(
                "corral run: memory limit of 48MiB reached: the kernel killed 1 process (change it with --memory)"
            ), "\(ended)")
    }

    // MARK: The seccomp policy

    @Test func `the call that the policy killed for is named, with its rule`() throws {
        guard File.text("/proc/sys/kernel/seccomp/actions_logged")?.contains("kill_process") == true,
            let log = try? FileDescriptor.open("/dev/kmsg", O_RDONLY | O_NONBLOCK)
        else { return Host.skip("this kernel does not log what seccomp kills for") }
        _ = consume log
        // reboot is a tripwire of the shipped policy. The kernel's log leaves records out when there are
        // many within seconds, so the unknown is a right answer as well, but not another call.
        let ended = try Corral().python("import ctypes; ctypes.CDLL(None).syscall(169, 0, 0, 0, 0)")
        #expect(ended.status == 159 && ended.cause == "seccomp", "\(ended)")
        let start = "corral run: ended: killed by the seccomp policy (SIGSYS): "
        let known = "system call reboot, rule at "
        let unknown = "the call is unknown: the kernel's log has no record of it"
        #expect(
            ended.errors.hasPrefix(start + known) && ended.errors.contains("profiles/seccomp/")
                || ended.errors.hasPrefix(start + unknown), "\(ended)")
    }

    /// The kernel tells a parent the signal and not who sent it. The cause stays the policy's, which is
    /// the cautious reading; the line does not name a call.
    @Test func `a signal of the policy that the program sends itself names no call`() throws {
        let ended = try Corral().shell("kill -SYS $$")
        #expect(ended.status == 159 && ended.cause == "seccomp", "\(ended)")
        #expect(ended.errors.contains("the call is unknown: "), "\(ended)")
        #expect(ended.errors.contains("or where a process sent the signal itself"), "\(ended)")
    }

    // MARK: A signal to corral

    @Test func `the signal that ended it is named`() throws {
        let running = try Corral().program(["sh", "-c", "echo up; sleep 60"]).start()
        try #require(try running.waitForText("up\n", within: 60))
        try running.signal(SIGTERM)
        let ended = Corral.Ended(try running.wait(timeout: 60))
        #expect(ended.status == 143 && ended.cause == "operator", "\(ended)")
        #expect(ended.errors == "corral run: ended: signal 15 to corral", "\(ended)")
    }
}

extension Corral.Ended {
    /// The limits that were reached, as the report lists them.
    var limitsHit: [String] {
        guard case .array(let items) = report?["limits_hit"]?.value else { return ["no list"] }
        return items.map { $0.string ?? "" }
    }

    func number(_ section: String, _ key: String) -> Int? {
        guard case .number(let text) = report?[section]?[key]?.value else { return nil }
        return Int(text)
    }
}
