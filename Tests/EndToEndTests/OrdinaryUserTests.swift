// `corral run` by an ordinary user: no root, no delegated cgroup.

import Glibc
import Linux
import TestSupport
import Testing

/// Corral installed where everybody can read it, and somebody who is nobody to run it.
struct OrdinaryUser {
    static let uid = Host.ordinaryUser

    let directory: TemporaryDirectory
    let corral: String

    init() throws {
        directory = try TemporaryDirectory()
        corral = try Product.install(to: directory("installed"))
    }

    func program(_ words: [String]) -> Program { Program([corral, "run"] + words, user: Self.uid) }

    func run(_ words: [String], timeout: Double = 120) throws -> Program.Outcome {
        try Corral.leavesNothing { try program(words).start().wait(timeout: timeout) }
    }

    /// A directory of the user's own.
    func ownDirectory(_ name: String) throws -> String {
        let path = directory(name)
        try File.makeDirectories(path)
        _ = try call("chown", on: path) { unsafe chown(path, Self.uid, Self.uid) }
        return path
    }

    /// Owner and group of a file, as `stat -c %u:%g` prints them.
    static func owner(of path: String) throws -> String {
        String(try Program.run(["stat", "-c", "%u:%g", path]).output.dropLast())
    }

    /// The layers that need neither a user's privileges nor a kernel newer than Linux 6.1.
    static func weakLayers(in report: Report) -> [String: String] {
        report.weakLayers.filter { !$0.key.hasPrefix("landlock") }
    }
}

@Suite(.enabled(if: Host.isRoot, "only root can become another user"))
struct OrdinaryUserTests {
    private static let own = "partial(the init and the processes share uid \(OrdinaryUser.uid))"
    private static let memory = "partial(no delegated cgroup; RLIMIT_DATA: per process, private memory only)"
    private static let off = "off(no delegated cgroup)"

    @Test func `a program runs, and one line tells what is not in force in full`() throws {
        let outcome = try OrdinaryUser().run(["--", "id"])
        #expect(outcome.status == 0)
        #expect(outcome.output == "uid=1000(plugin) gid=1000(plugin) groups=1000(plugin)\n")
        let line = outcome.errors
        #expect(line.hasPrefix("corral run: not in force in full: uids \(Self.own), "))
        for part in ["memory \(Self.memory)", "swap \(Self.off)", "cpu \(Self.off)"] {
            #expect(line.contains(part), "\(line)")
        }
        #expect(line.hasSuffix("\n") && !line.dropLast().contains("\n"))
        #expect(!line.contains("pids") && !line.contains("seccomp"))
    }

    @Test func `a program can have a terminal`() throws {
        let script = "tty; stat -c %U:%a /dev/pts/0; stty -echo && echo >/dev/tty set; ls /dev/pts"
        let outcome = try OrdinaryUser().run(["-t", "--", "sh", "-c", script])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == "/dev/pts/0\r\nplugin:620\r\nset\r\n0  ptmx\r\n", "\(outcome.errors)")
    }

    @Test func `a report tells the state of every layer`() throws {
        let outcome = try OrdinaryUser().run(["--json", "--", "true"])
        let report = try Report(in: outcome.errors)
        #expect(
            OrdinaryUser.weakLayers(in: report) == [
                "uids": Self.own, "memory": Self.memory, "swap": Self.off, "cpu": Self.off,
            ])
        #expect(report.text("layers", "pids") == "in force" && report.text("layers", "groups") == "in force")
    }

    @Test func `supplementary groups that the user has are told`() throws {
        let user = try OrdinaryUser()
        let id = "\(OrdinaryUser.uid)"
        let words = [
            "setpriv", "--reuid", id, "--regid", id, "--groups", "\(id),1,2", "--", user.corral, "run",
        ]
        let outcome = try Program.run(words + ["--json", "--", "true"])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(
            try Report(in: outcome.errors).text("layers", "groups") == "partial(2 groups of the user kept)")
    }

    @Test func `strict refuses and names the layer, the reason and the cure`() throws {
        let outcome = try OrdinaryUser().run(["--profile", "strict", "--", "touch", "made"])
        let refusal = Refusal(
            "", [], says: "profile strict requires the layer uids", Self.own, "/etc/subuid", "newuidmap")
        refusal.check(outcome)
    }

    /// What no cgroup counts cannot end a run, and is no limit that is silently not there.
    @Test(arguments: [["--cpu-time", "1s"], ["--pids-kill"]])
    func `a limit that takes a cgroup is an error without one, with the cure`(options: [String]) throws {
        let outcome = try OrdinaryUser().run(options + ["--", "echo", "started"])
        #expect(outcome.output == "")
        Refusal(
            "", [], says: options[0], "needs a cgroup that counts", "no delegated cgroup",
            "systemd-run --user --scope -p Delegate=yes corral run"
        ).check(outcome)
    }

    @Test func `processes are limited for the sandbox as a whole`() throws {
        // Zombies count; the init is one and the shell of this script another.
        let script = """
            import os, time
            count = 0
            try:
                while count < 100:
                    if os.fork() == 0:
                        time.sleep(30)
                        os._exit(0)
                    count += 1
            except BlockingIOError:
                print(count)
            """
        let outcome = try OrdinaryUser().run(["--pids", "20", "--", Corral.python, "-c", script])
        #expect(outcome.output == "18\n", "\(outcome.errors)")
    }

    @Test func `memory is limited for each process`() throws {
        let script = """
            try:
                block = bytearray(200 << 20)
                print("got it")
            except MemoryError:
                print("MemoryError")
            """
        let user = try OrdinaryUser()
        #expect(
            try user.run(["--memory=64MiB", "--", Corral.python, "-c", script]).output == "MemoryError\n")
        #expect(try user.run(["--memory=512MiB", "--", Corral.python, "-c", script]).output == "got it\n")
    }

    @Test(.enabled(if: File.exists("/usr/bin/node"), "node is not installed"))
    func `a limit of memory lets node start, which reserves much more than it uses`() throws {
        let outcome = try OrdinaryUser().run(["--", "/usr/bin/node", "-p", "1 + 1"])
        #expect(outcome.output == "2\n", "\(outcome.errors)")
    }

    @Test func `files of a workspace stay the user's`() throws {
        let user = try OrdinaryUser()
        let workspace = try user.ownDirectory("workspace")
        let script = "echo text >file && mkdir -p a/b && stat -c %u:%g . file && chmod 4755 file"
        let outcome = try user.run(["--workspace", workspace, "--", "sh", "-c", script])
        #expect(outcome.output == "1000:1000\n1000:1000\n")
        // The last step: no setuid file may come into being.
        #expect(outcome.status == 1 && outcome.errors.contains("Operation not permitted"))
        #expect(File.text("\(workspace)/file") == "text\n")
        let id = "\(OrdinaryUser.uid):\(OrdinaryUser.uid)"
        for path in ["file", "a", "a/b"] { #expect(try OrdinaryUser.owner(of: "\(workspace)/\(path)") == id) }
    }

    @Test(arguments: [[], ["--workspace"]])
    func `a program runs although the user may not enter the current directory`(option: [String]) throws {
        let user = try OrdinaryUser()
        let locked = try TemporaryDirectory(mode: 0o700)
        let workspace = try user.ownDirectory("workspace")
        let words = [user.corral, "run"] + option.flatMap { [$0, workspace] } + ["--", "pwd"]
        let script =
            "cd \(locked.path) && exec setpriv --reuid \(OrdinaryUser.uid) --regid \(OrdinaryUser.uid) "
            + #"--clear-groups "$@""#
        let outcome = try Program.run(["sh", "-c", script, "sh"] + words)
        #expect(outcome.status == 0 && outcome.output == "/workspace\n", "\(outcome.errors)")
    }

    @Test func `what the user may not read stays unread`() throws {
        let user = try OrdinaryUser()
        let workspace = try user.ownDirectory("workspace")
        try File.write(Array("secret".utf8), to: "\(workspace)/roots", mode: 0o600)
        let outcome = try user.run(["--workspace", workspace, "--", "cat", "roots"])
        #expect(outcome.status == 1 && outcome.output == "")
        #expect(outcome.errors.contains("Permission denied"))
    }

    @Test func `kill -9 of corral kills what is in the sandbox`() throws {
        let user = try OrdinaryUser()
        // A number that marks the process on the host.
        let seconds = "\(100_000 + Int(getpid()) % 100_000).5"
        let script = "sleep \(seconds) & sleep \(seconds) & echo running; wait"
        try Corral.leavesNothing {
            let program = try user.program(["--", "sh", "-c", script]).start()
            #expect(try program.waitForText("running"))
            #expect(eventually { Self.sleeping(seconds) == 2 })
            try program.signal(SIGKILL)
            #expect(try program.wait(timeout: 60).signal == SIGKILL)
            #expect(eventually { Self.sleeping(seconds) == 0 })
        }
    }

    /// Processes `sleep SECONDS` on the host.
    private static func sleeping(_ seconds: String) -> Int {
        File.names(in: "/proc").count { File.text("/proc/\($0)/cmdline") == "sleep\0\(seconds)\0" }
    }

    @Test(arguments: [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)])
    func `a signal to corral ends the sandbox`(number: CInt, code: Int) throws {
        let user = try OrdinaryUser()
        try Corral.leavesNothing {
            let program = try user.program(["--json", "--", "sh", "-c", "echo running; sleep 100"]).start()
            #expect(try program.waitForText("running"))
            try program.signal(number)
            let outcome = try program.wait(timeout: 60)
            #expect(outcome.status.map(Int.init) == code)
            #expect(try Report(in: outcome.errors).text("cause") == "operator")
        }
    }

    @Test func `a plugin is relayed to a host that the user may connect to`() throws {
        let user = try OrdinaryUser()
        let workspace = try user.ownDirectory("workspace")
        let plugin = Repository.path("examples/tgo/plugin/main.py")
        try File.write(File.read(plugin), to: "\(workspace)/main.py")
        let host = user.directory("host.py")
        try File.write(File.read(Repository.path("examples/tgo/host/host.py")), to: host)
        let socket = try user.ownDirectory("sockets") + "/host.sock"
        let words = ["--relay", "tgo=\(socket)", "--workspace", workspace, "--", "python3", "main.py"]
        let server = try Program([Corral.python, "-B", host, socket], user: OrdinaryUser.uid).start()
        try #require(eventually { Host.listens(at: socket) })
        let outcome = try user.run(words)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try server.wait(timeout: 60).status == 0)
        #expect(try OrdinaryUser.owner(of: "\(workspace)/notes.json") == "65534:65534")
    }

    @Test func `a host that the user may not connect to starts nothing`() throws {
        let user = try OrdinaryUser()
        let socket = user.directory("roots.sock")
        let listen = """
            import socket, sys, time
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(sys.argv[1])
            listener.listen(1)
            time.sleep(100)
            """
        let server = try Program([Corral.python, "-c", listen, socket]).start()
        try #require(eventually { Host.listens(at: socket) })
        let outcome = try user.run(["--relay", "tgo=\(socket)", "--", "true"])
        Refusal("", [], says: "--relay tgo=\(socket)", "permission denied").check(outcome)
        try server.signal(SIGKILL)
    }

    @Test func `a read-only workspace, the host's network and the output limit hold for a user as well`()
        throws
    {
        let user = try OrdinaryUser()
        let work = try user.ownDirectory("work")
        try user.directory.write("work/f", "text\n")
        let profile = try user.directory.write(
            "p.yaml",
            """
            description: Of a test
            extends: default
            filesystem: {workspace: read_only}
            network: {mode: host}
            output: {limit: 5, kill: true}
            require: [seccomp]

            """)
        let words = ["--json", "--profile", profile, "--workspace", work, "--", "sh", "-c"]
        let outcome = try user.run(words + ["touch g 2>/dev/null || cat f; echo more; sleep 100"])
        #expect(outcome.output == "text\n" && File.names(in: work) == ["f"], "\(outcome.errors)")
        #expect(outcome.status == 153)
        let report = try Report(in: outcome.errors)
        #expect(report.text("cause") == "output")
        #expect(report.weakLayers["net-ns"]?.hasPrefix("off(network.mode is host") == true)
    }
}
