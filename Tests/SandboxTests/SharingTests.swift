// What a running sandbox and the rest of the machine still have in common, and what they do not.

import Glibc
import Linux
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct SharingTests {
    /// flock(2) needs no right to write, and no filter sees which file it is about: two sandboxes that
    /// want to can signal by one (docs/run.md). Leases, with which one could hold another's open up,
    /// are refused.
    @Test func `a lock on a file that two sandboxes read is seen by both, a lease is not to be had`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("file", "text\n")
        let mount = ["-v", "\(directory.path):/shared:ro"]
        let holder = """
            import fcntl, time
            file = open("/shared/file")
            fcntl.flock(file, fcntl.LOCK_EX)
            print("locked", flush=True)
            time.sleep(300)
            """
        let attempt = """
            import errno, fcntl
            file = open("/shared/file")
            def tell(name, call, *arguments):
                try: call(file, *arguments); print(name, "ok")
                except OSError as error: print(name, errno.errorcode[error.errno])
            tell("lock", fcntl.flock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tell("lease", fcntl.fcntl, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            tell("notify", lambda file: fcntl.fcntl(file, fcntl.F_NOTIFY, 1))
            """
        #expect(try Corral(mount).python(attempt).lines == ["lock ok", "lease EINVAL", "notify EINVAL"])
        let running = try Corral(mount).program([Corral.python, "-ISc", holder]).start()
        #expect(try running.waitForText("locked\n", within: 30))
        #expect(try Corral(mount).python(attempt).lines.first == "lock EAGAIN")
        try running.signal(SIGTERM)
        _ = try running.wait()
        #expect(try Corral(mount).python(attempt).lines.first == "lock ok")
    }

    /// On hosts with systemd every mount is shared: what is mounted later goes to all peers.
    @Test func `what the host mounts while a sandbox runs does not appear inside`() throws {
        let directory = try TemporaryDirectory()
        try File.makeDirectories(directory("sub"))
        let script = """
            import os, subprocess, sys
            sub = sys.argv[1]
            p = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            print(p.stdout.readline().strip())
            subprocess.run(["mount", "-t", "tmpfs", "none", sub], check=True)
            open(sub + "/below", "w").close()
            p.stdin.write("go\\n"); p.stdin.flush()
            print("inside", p.stdout.read().split(), "outside", os.listdir(sub), p.wait())
            """
        let command = Corral(["-i", "-v", "\(directory.path):/data"]).program(
            ["sh", "-c", "echo up; read line; ls /data/sub"], report: false)
        // Peers of their own: where the host's mounts are shared they would be among its peers otherwise.
        let apart = ["unshare", "--mount", "--propagation", "private"]
        let shared = apart + ["unshare", "--mount", "--propagation", "shared"]
        let words = shared + [Corral.python, "-ISc", script, directory("sub")] + command.arguments
        let outcome = try Program.run(words, timeout: 60)
        #expect(
            outcome.output == "up\ninside [] outside ['below'] 0\n", "\(outcome.output) \(outcome.errors)")
    }

    /// CVE-2020-15257: whoever shares the host's network namespace could connect to one.
    @Test func `neither corral nor the init has a socket with an abstract name`() throws {
        let mark = Mark()
        let running = try Corral(mark.option).program(["sleep", "60"]).start()
        let pid = try #require(mark.sandbox()?.initPID)
        var own: Set<String> = []
        for process in [running.pid, pid] {
            for number in File.names(in: "/proc/\(process)/fd") {
                guard let link = File.target(ofLink: "/proc/\(process)/fd/\(number)") else { continue }
                if link.hasPrefix("socket:[") { own.insert(String(link.dropFirst(8).dropLast())) }
            }
        }
        // The control channel at least.
        #expect(!own.isEmpty)
        let named = (File.text("/proc/net/unix") ?? "").split(separator: "\n").filter { line in
            let fields = line.split(separator: " ")
            return fields.count == 8 && own.contains(String(fields[6])) && fields[7].hasPrefix("@")
        }
        #expect(named == [])
        try running.signal(SIGTERM)
        _ = try running.wait()
    }

    /// CVE-2020-5291 and its like need a program that has rights which its caller has not.
    @Test func `no program of Corral's has rights of its own`() throws {
        let installed = try TemporaryDirectory()
        _ = try Product.install(to: installed.path)
        let script = """
            import os, stat, sys
            for top in sys.argv[1:]:
                for path in [top] + [os.path.join(d, f) for d, _, files in os.walk(top) for f in files]:
                    mode = os.lstat(path).st_mode
                    if mode & (stat.S_ISUID | stat.S_ISGID): print(path, oct(mode))
                    if "security.capability" in os.listxattr(path): print(path, "has capabilities")
            print("looked")
            """
        let paths = ["corral", "sandbox-init", "corral-unpack"].map(Product.path) + [installed.path]
        let outcome = try Program.run([Corral.python, "-ISc", script] + paths)
        #expect(outcome.output == "looked\n", "\(outcome.output) \(outcome.errors)")
    }
}
