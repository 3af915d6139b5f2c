// What a profile says about network, workspace and output, in real sandboxes.

import CLinux
import Glibc
import Sandbox
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct ProfileTests {
    /// For the profile; lives as long as the test.
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A profile that extends default, in a file of the test's own.
    private func profile(_ lines: String) throws -> Corral {
        try Corral([
            "--profile", directory.write("p.yaml", "description: Of a test\nextends: default\n\(lines)\n"),
        ])
    }

    // MARK: Network

    /// Connects to a port of 127.0.0.1 and prints what it is told.
    private static let connect = """
        import socket, sys
        try: print(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5).recv(100).decode())
        except OSError as error: print(type(error).__name__)
        """

    /// A server on the host's loopback that greets whoever connects; its first line is its port.
    private static let server = """
        import socket
        s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
        while True: s.accept()[0].sendall(b"from the host")
        """

    @Test func `network host reaches the host's loopback, and none does not`() throws {
        let server = try Program([Corral.python, "-ISuc", Self.server]).start()
        defer {
            try? server.signal(9)
            _ = try? server.wait()
        }
        try #require(try server.waitForText("\n", within: 30))
        let port = String(server.outputSoFar.prefix { $0 != "\n" })
        let open = "landlock: {tcp: {connect: any}}\nrequire: [seccomp]"
        let host = try profile("network: {mode: host}\n\(open)").python(Self.connect, [port])
        #expect(host.text == "from the host", "\(host)")
        #expect(host.layers["net-ns"]?.hasPrefix("off(network.mode is host") == true, "\(host.layers)")
        #expect(host.errors.contains("net-ns off(network.mode is host"))
        // Landlock still says which ports, from Linux 6.7 on.
        let closed = try profile("network: {mode: host}\nrequire: [seccomp]")
        let answer = clinux_landlock_abi() >= 4 ? "PermissionError" : "from the host"
        #expect(try closed.python(Self.connect, [port]).text == answer)
        let none = try profile("network: {mode: none}\n\(open)").python(Self.connect, [port])
        #expect(none.text == "ConnectionRefusedError", "\(none)")
        #expect(none.layers["net-ns"] == "in force")
    }

    @Test func `a required network namespace and network host exclude each other`() throws {
        let ended = try profile("network: {mode: host}").run(["/usr/bin/true"])
        #expect(ended.status == 125)
        #expect(ended.errors.contains("requires the layer net-ns, which would be off(network.mode is host"))
        #expect(ended.errors.contains("network.mode of none"))
    }

    @Test(arguments: ["network_basic", "network_extended"])
    func `a profile with a proxy is refused, never run with an open network`(name: String) throws {
        let ended = try Corral(["--profile", name]).shell("echo ran")
        #expect(ended.status == 125 && ended.outcome.output == "")
        #expect(ended.errors.contains("the profile \(name) has network.mode proxy"))
        #expect(ended.errors.contains("the egress proxy does not exist yet"))
    }

    // MARK: Workspace

    private static let write = """
        for file in new old; do echo changed > $file && echo "wrote $file"; done 2>/dev/null
        mkdir sub 2>/dev/null && echo "made sub"; rm old 2>/dev/null && echo "removed old"
        [ -e old ] && cat old; awk '$5 == "/workspace" { print substr($6, 1, 2) }' /proc/self/mountinfo
        echo x > /tmp/x && echo "wrote tmp"
        """

    /// With landlock and without it, so that each of the two walls is seen to stand alone.
    @Test(arguments: [false, true])
    func `a read-only directory of the host can be read and not changed`(withoutLandlock: Bool) throws {
        let work = try TemporaryDirectory(mode: 0o777)
        try work.write("old", "old\n", mode: 0o666)
        var corral = try profile("filesystem: {workspace: read_only}")
        corral.options += ["--workspace", work.path]
        if withoutLandlock { corral.without = [.landlockFiles] }
        #expect(try corral.shell(Self.write).lines == ["old", "ro", "wrote tmp"])
        #expect(File.text(work("old")) == "old\n" && File.names(in: work.path) == ["old"])
        var writable = Corral(["--workspace", work.path])
        writable.without = corral.without
        let changed = try writable.shell(Self.write)
        #expect(
            changed.lines == ["wrote new", "wrote old", "made sub", "removed old", "rw", "wrote tmp"],
            "\(changed)")
    }

    @Test func `landlock follows a read-only workspace`() throws {
        let work = try TemporaryDirectory()
        let file = try directory.write(
            "p.yaml", "description: x\nextends: default\nfilesystem: {workspace: read_only}\n")
        let plan = try Program.run([
            Product.path("corral"), "run", "--plan", "--profile", file, "--workspace", work.path, "true",
        ])
        #expect(plan.output.contains("nosuid, nodev, read-only\n"), "\(plan.errors)")
        #expect(plan.output.contains("landlock: write below /tmp"))
        #expect(!plan.output.contains("landlock: write below /workspace"))
    }

    @Test(arguments: [false, true])
    func `a read-only workspace of the sandbox's own is empty and stays so`(withoutLandlock: Bool) throws {
        var corral = try profile("filesystem: {workspace: read_only}")
        if withoutLandlock { corral.without = [.landlockFiles] }
        let ended = try corral.shell(
            "pwd; ls -A | wc -l; touch x 2>/dev/null || echo refused; echo x > /tmp/x")
        #expect(ended.lines == ["/workspace", "0", "refused"] && ended.status == 0, "\(ended)")
    }

    // MARK: Output

    @Test func `a run that writes more than it may is ended, and loses nothing before the limit`() throws {
        let corral = try profile("output: {limit: 100000, kill: true}")
        let script = """
            import os
            block = bytes(range(256)) * 40
            while True: os.write(1, block)
            """
        let ended = try corral.python(script)
        #expect(ended.status == 153 && ended.cause == "output", "\(ended.cause ?? "") \(ended.errors)")
        #expect(ended.errors.contains("corral run: ended: output limit of 100000 bytes reached"))
        let expected = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 % 10_240) }
        let isWhole = ended.outcome.stdout == expected
        #expect(isWhole, "\(ended.outcome.stdout.count) bytes")
    }

    @Test func `both streams count together`() throws {
        let corral = try profile("output: {limit: 10, kill: true}")
        let ended = try corral.shell("echo 1234 >&2; sleep 0.2; echo 56789; sleep 100")
        #expect(ended.status == 153 && ended.cause == "output", "\(ended)")
        #expect(ended.outcome.output == "56789" && ended.errors.hasPrefix("1234\n"), "\(ended)")
    }

    /// However fast the program is: what it wrote decides, not who is first.
    @Test func `exactly the limit is no reason to end, one byte more is, even after the exit`() throws {
        let corral = try profile("output: {limit: 70000, kill: true}")
        let write = "head -c %d /dev/zero | tr '\\\\0' x; exit 3"
        for _ in 0..<5 {
            let fits = try corral.shell(write.replacing("%d", with: "70000"))
            #expect(
                fits.status == 3 && fits.cause == "exited" && fits.outcome.stdout.count == 70_000,
                "\(fits.cause ?? "")")
            let over = try corral.shell(write.replacing("%d", with: "70001"))
            #expect(over.status == 153 && over.cause == "output" && over.outcome.stdout.count == 70_000)
        }
    }

    // MARK: Locks

    @Test func `the command line cannot change what is locked, nor ask for more time than there may be`()
        throws
    {
        let corral = try profile(
            "limits: {memory: 64MiB}\nlifetime: {timeout: 5s, max_timeout: 10s}\nlocked: [limits.memory, environment.HOME]"
        )
        let file = directory("p.yaml")
        for (words, says) in [
            (["--memory", "128MiB"], "--memory: limits.memory is locked by \(file):5 and stays 64MiB"),
            (["--env", "HOME=/tmp"], "--env: environment.HOME is locked by \(file):5 and stays \"/home\""),
            (["--timeout", "11s"], "--timeout: 11s is more than lifetime.max_timeout, 10s (\(file):4)"),
            (["--timeout", "none"], "--timeout: none is more than lifetime.max_timeout, 10s (\(file):4)"),
        ] {
            var refused = corral
            refused.options += words
            // The second time from the cache.
            for _ in 0..<2 {
                let ended = try refused.run(["/usr/bin/true"])
                #expect(ended.status == 125 && ended.errors == "corral run: \(says)", "\(ended)")
            }
        }
        var allowed = corral
        allowed.options += ["--memory=64MiB", "--env", "HOME=/home", "--timeout=10s", "--pids=5"]
        #expect(try allowed.run(["/usr/bin/true"]).status == 0)
    }

    @Test func `what comes from the user's directory stands in front of what is shipped`() throws {
        try directory.write(
            "corral/profiles/default.yaml",
            "description: Mine\nextends: default\nenvironment: {MINE: \"yes\"}\n")
        var corral = Corral()
        corral.variables["XDG_CONFIG_HOME"] = directory.path
        #expect(try corral.shell("echo $MINE $HOME").text == "yes /home")
        try File.remove(directory("corral/profiles/default.yaml"))
        #expect(try corral.shell("echo $MINE $HOME").text == "/home")
    }

    @Test(arguments: [
        (0, 0o664, "written by the group"), (0, 0o646, "written by everybody"),
        (1234, 0o644, "belongs to uid 1234"),
    ])
    func `a profile that others may write is refused`(owner: Int, mode: Int, says: String) throws {
        let file = try directory.write(
            "corral/profiles/mine.yaml", "description: x\nextends: default\n", mode: UInt32(mode))
        #expect(unsafe chown(file, uid_t(owner), 0) == 0)
        #expect(unsafe chmod(file, mode_t(mode)) == 0)
        var named = Corral(["--profile", "mine"])
        named.variables["XDG_CONFIG_HOME"] = directory.path
        for corral in [named, Corral(["--profile", file])] {
            let ended = try corral.run(["/usr/bin/true"])
            #expect(
                ended.status == 125 && ended.errors.contains("\(file): ") && ended.errors.contains(says),
                "\(ended)")
        }
    }
}
