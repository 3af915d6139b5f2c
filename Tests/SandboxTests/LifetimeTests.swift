// How sandboxes end when somebody ends them, and that nothing of them stays.

import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import Wire

extension OneAtATime {
    @Suite struct LifetimeTests {
        /// Ignores what can be ignored, in several sessions.
        private static let stubborn = [
            "sh", "-c",
            "echo up; trap '' TERM INT HUP; (setsid sleep 100 &); sleep 100 & while :; do sleep 1; done",
        ]

        /// Starts a program that writes `up` first: once corral passes that on, the launch is over. (A
        /// process is there from its exec on, before its init has answered that it started.)
        private func start(_ command: [String] = stubborn) throws -> (RunningProgram, LiveSandbox) {
            let mark = Mark()
            let running = try Corral(mark.option).program(command).start()
            #expect(try running.waitForText("up"))
            return (running, try #require(mark.sandbox()))
        }

        @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
        func `a signal to corral ends everything in the sandbox`(number: CInt) throws {
            let (running, sandbox) = try start()
            #expect(!sandbox.processes.isEmpty && !sandbox.directories.isEmpty)
            try running.signal(number)
            let ended = Corral.Ended(try running.wait(timeout: 60))
            #expect(ended.status == 128 + number && ended.cause == "operator", "\(ended)")
            #expect(sandbox.remains == [])
        }

        /// A group cannot be removed while a process is in it: here one of the host's, which no kill of
        /// the sandbox reaches, since it is in a v1 group only.
        @Test func `how a program ended is told although its cgroup cannot be removed`() throws {
            let script = "trap 'exit 7' USR1; echo up; while :; do sleep 0.05; done"
            let (running, sandbox) = try start(["sh", "-c", script])
            let shell = try #require(
                sandbox.processes.first { File.text("/proc/\($0)/cmdline")?.contains("trap") ?? false })
            guard let group = sandbox.directories.first(where: { $0.contains("/memory/") }) else {
                kill(shell, SIGUSR1)
                _ = try running.wait(timeout: 60)
                return Host.skip("there is no v1 memory hierarchy")
            }
            let intrusion = "echo $$ > \(group)/cgroup.procs; exec sleep 3000"
            let intruder = try Program(["sh", "-c", intrusion]).start()
            #expect(
                eventually { File.text("\(group)/cgroup.procs")?.contains("\(intruder.pid)") ?? false })
            kill(shell, SIGUSR1)
            let ended = Corral.Ended(try running.wait(timeout: 60))
            #expect(ended.status == 7 && ended.cause == "exited", "\(ended)")
            #expect(ended.errors.contains("could not be removed"))
            try intruder.signal(SIGKILL)
            _ = try intruder.wait(timeout: 60)
            // The next run sweeps it; where many run at once, one of the next.
            let gone = eventually {
                _ = try? Corral().run(["true"])
                return sandbox.remains.isEmpty
            }
            #expect(gone, "\(sandbox.remains)")
        }

        @Test func `a second signal does not stop the cleaning up`() throws {
            let (running, sandbox) = try start()
            for _ in 0..<20 { try? running.signal(SIGTERM) }
            #expect(try running.wait(timeout: 60).status == 143)
            #expect(sandbox.remains == [])
        }

        @Test func `signals during the launch leave nothing either`() throws {
            // From before the program is even loaded to after it runs.
            for delay in stride(from: 0, to: 16_000, by: 1_000) {
                let mark = Mark()
                let running = try Corral(mark.option).program(["sleep", "100"]).start()
                usleep(UInt32(delay))
                try running.signal(SIGTERM)
                let outcome = try running.wait(timeout: 60)
                #expect(
                    outcome.status == 143 || outcome.signal == SIGTERM, "after \(delay) µs: \(outcome.errors)"
                )
                #expect(mark.processes == [])
            }
        }

        @Test func `kill -9 of corral is the end of its sandbox, and the next run removes the rest`() throws {
            let (running, sandbox) = try start()
            let (other, live) = try start()
            try running.signal(SIGKILL)
            #expect(eventually { sandbox.processes.isEmpty }, "\(sandbox.processes)")
            _ = try running.wait(timeout: 60)
            // Somebody else's run may have removed them before; this one surely has.
            let gone = eventually {
                _ = try? Corral().run(["/usr/bin/true"])
                return sandbox.remains.isEmpty
            }
            #expect(gone, "\(sandbox.remains)")
            #expect(live.directories.allSatisfy(File.exists) && !live.directories.isEmpty)
            #expect(!live.processes.isEmpty)
            try other.signal(SIGTERM)
            #expect(try other.wait(timeout: 60).status == 143)
            #expect(live.remains == [])
        }

        @Test func `kill -9 of corral during the launch leaves no process`() throws {
            for delay in stride(from: 1_000, to: 16_000, by: 1_000) {
                let mark = Mark()
                let running = try Corral(mark.option).program(["sleep", "100"]).start()
                usleep(UInt32(delay))
                try running.signal(SIGKILL)
                _ = try running.wait(timeout: 60)
                #expect(eventually { mark.processes.isEmpty }, "after \(delay) µs")
            }
        }

        @Test func `kill -9 of the init is the end of everything`() throws {
            let (running, sandbox) = try start()
            let pid = try #require(sandbox.initPID)
            kill(pid, SIGKILL)
            let ended = Corral.Ended(try running.wait(timeout: 60))
            #expect(ended.status == 137, "\(ended)")
            #expect(sandbox.remains == [])
        }

        @Test func `a fork bomb ends at its time limit`() throws {
            let mark = Mark()
            let bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
            let corral = Corral(["--pids", "64", "--timeout", "1s"] + mark.option)
            let ended = try corral.run([Corral.python, "-ISc", bomb])
            #expect(ended.status == 124 && ended.cause == "timeout", "\(ended)")
            #expect(ended.outcome.elapsed < 50 * Host.patience)
            #expect(mark.processes == [])
            #expect(groups(ofSandbox: try #require(ended.id)) == [])
        }

        @Test func `a flood of output ends at its time limit, and memory stays flat`() throws {
            let words = Corral(["--timeout", "500ms"]).program(["yes"]).arguments
            let outcome = try Program.run(["sh", "-c", #""$@" > /dev/null"#, "sh"] + words, timeout: 100)
            #expect(outcome.status == 124 && outcome.elapsed < 50 * Host.patience)
        }

        @Test func `a reader who does not read stops neither limit nor signal`() throws {
            let mark = Mark()
            let command = Corral(["--timeout", "300ms"] + mark.option).program(["yes"], report: false)
                .arguments
            // Nothing is read before the sandbox is gone, and corral sleeps then.
            let script = """
                import glob, select, subprocess, sys, time
                mark = ("CORRAL_TEST_MARK=" + sys.argv[1] + "\\0").encode()
                def lives():
                    for path in glob.glob("/proc/[0-9]*/environ"):
                        try:
                            if mark in open(path, "rb").read(): return True
                        except OSError: pass
                    return False
                p = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE)
                select.select([p.stdout], [], [])
                while lives(): time.sleep(0.02)
                print("gone", flush=True)
                while open("/proc/%d/stat" % p.pid).read().split()[2] != "S": time.sleep(0.02)
                p.stdout.close(); print(p.wait())
                """
            let running = try Program([Corral.python, "-c", script, mark.word] + command).start()
            #expect(try running.waitForText("gone\n", within: 60), "the program outlived its limit of 300 ms")
            #expect(try running.wait(timeout: 60).output == "gone\n124\n")
        }

        @Test func `stopped and sleeping processes end as well`() throws {
            let script =
                "echo up; sleep 100 & kill -STOP $!; (sleep 100 & exec kill -STOP $!) ; kill -STOP $$"
            let (running, sandbox) = try start(["sh", "-c", script])
            usleep(50_000)
            try running.signal(SIGTERM)
            #expect(try running.wait(timeout: 60).status == 143)
            #expect(sandbox.remains == [])
        }
    }

    @Suite struct ManyTests {
        /// Starts many runs at once, `width` at a time, and prints the exit code and the report of each.
        private static let crowd = """
            import concurrent.futures, subprocess, sys
            count, width = int(sys.argv[1]), int(sys.argv[2])
            def one(number):
                p = subprocess.run(sys.argv[3:], stdin=subprocess.DEVNULL, capture_output=True, text=True)
                said = [line for line in p.stderr.strip().split("\\n")
                        if not line.startswith("corral run: not in force in full: landlock-")]
                return "%d %s" % (p.returncode, " ".join(said))
            with concurrent.futures.ThreadPoolExecutor(width) as pool:
                for line in pool.map(one, range(count)): print(line)
            """

        @Test(arguments: [(1000, 1), (100, 10), (200, 200)])
        func `many runs all succeed and leave nothing`(count: Int, width: Int) throws {
            let mark = Mark()
            // Of a daemon that was there before, perhaps.
            let others = Set(File.names(in: "/run/corral"))
            let words = Corral(mark.option).program(["/usr/bin/true"]).arguments
            let script = [Corral.python, "-c", ManyTests.crowd, "\(count)", "\(width)"]
            let outcome = try Program.run(script + words, timeout: 240)
            let lines = outcome.output.split(separator: "\n").map(String.init)
            #expect(lines.count == count, "\(outcome.errors)")
            #expect(lines.filter { !$0.hasPrefix("0 {") } == [])
            let ids = Set(
                lines.compactMap { try? JSONTree(parsing: Array($0.utf8.dropFirst(2)))["id"]?.string })
            #expect(ids.count == count)
            #expect(mark.processes == [])
            let groups = Census.take(processes: []).cgroups
            #expect(groups.filter { group in ids.contains { group.hasSuffix("-\($0)") } } == [])
            #expect(Set(File.names(in: "/run/corral")) == others.union(["slots"]))
            #expect(!(File.text("/proc/self/mountinfo") ?? "").contains(" /run/corral "))
        }
    }
}
