import Glibc
import TestSupport
import Testing
import Wire

/// `corral workspace export`, `import` and `files`, and `corral cp` with workspaces.
@Suite(.serialized, VolumeHost.trait) struct WorkspaceArchiveCommandTests {
    private func corral(
        _ daemon: TestDaemon, _ words: String..., stdin: [UInt8]? = nil
    ) throws -> Program.Outcome {
        try Program.run(
            [Product.path("corral")] + words, environment: daemon.environment, stdin: stdin, timeout: 120)
    }

    private static let content =
        "mkdir -p d/e; echo one >d/e/f; chmod 750 d/e/f; head -c 300000 /dev/zero >big; ln -s d/e/f l; touch X x"
    private static let listing =
        "find . -mindepth 1 -printf '%P %y %m %l\\n' | LC_ALL=C sort; cat d/e/f; sha256sum big | head -c 8"

    @Test func `what is exported is imported, by a file or a pipe, as tar and as zip`() throws {
        let daemon = try TestDaemon()
        let directory = try TemporaryDirectory()
        try daemon.workspace("data")
        try daemon.using("data", Self.content)
        let before = try daemon.using("data", Self.listing)
        for (format, name) in [("tar", "a"), ("zip", "b")] {
            let file = directory("data.\(format)")
            let out = try corral(daemon, "workspace", "export", "--format", format, "-o", file, "data")
            #expect(out.status == 0 && out.output == "" && out.errors == "", "\(out.errors)")
            let made = try corral(daemon, "workspace", "import", "--disk", "8MiB", name, file)
            #expect(made.status == 0 && made.output == "\(name)\n" && made.errors == "", "\(made.errors)")
            #expect(try daemon.using(name, Self.listing) == before, "\(format)")
            #expect(try daemon.find(name).number("bytes") == 8 << 20)
        }
        // A file that was there is replaced, and nothing is left beside.
        try File.write(Array("old".utf8), to: directory("data.tar"), mode: 0o600)
        #expect(try corral(daemon, "workspace", "export", "-o", directory("data.tar"), "data").status == 0)
        #expect(try Program.run(["tar", "-tf", directory("data.tar")]).output.contains("./d/e/f\n"))
        #expect(File.names(in: directory.path).sorted() == ["data.tar", "data.zip"])
        try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"s"}"#)
        try daemon.using("data", "rm -r d")
        let pipe = try daemon.pipeline(
            "${corral% session} workspace export data@s | gzip | ${corral% session} workspace import c -")
        #expect(pipe.status == 0 && pipe.output == "c\n", "\(pipe.errors)")
        #expect(try daemon.using("c", Self.listing) == before)
        #expect(try daemon.find("c").number("bytes") == 1 << 30)
    }

    @Test func `an archive that is refused leaves no workspace, and one that is there stays as it is`() throws
    {
        let daemon = try TestDaemon()
        let directory = try TemporaryDirectory()
        try daemon.workspace("data")
        try daemon.using("data", Self.content)
        #expect(try corral(daemon, "workspace", "export", "-o", directory("whole"), "data").status == 0)
        let whole = try File.read(directory("whole"))
        try File.write(Array(whole.prefix(whole.count / 2)), to: directory("cut"))
        try File.write(Array("neither".utf8), to: directory("text"))
        try File.write([], to: directory("empty"))
        let before = try daemon.using("data", Self.listing)
        let cases: [(words: [String], says: String)] = [
            (["new", directory("cut")], "cut short"), (["new", directory("text")], "no tar archive"),
            (["new", directory("empty")], "empty"), (["new", directory("none")], "no such file"),
            (["new", directory.path], "is a directory"),
            (["data", directory("whole")], "there is a workspace data"),
            (["../x", directory("whole")], "name"), (["", directory("whole")], "name"),
            (["--disk", "100KiB", "new", directory("whole")], ""),
            (["--disk", "0", "new", directory("whole")], "--disk"),
            (["--disk", "1g", "new", directory("whole")], "--disk"),
            (["--disk", "1EiB", "new", directory("whole")], "--disk"),
        ]
        for (words, says) in cases {
            let refused = try Program.run(
                [Product.path("corral"), "workspace", "import"] + words, environment: daemon.environment,
                timeout: 120)
            #expect(refused.status == 1 && refused.output == "", "\(words): \(refused.output)")
            #expect(refused.errors.contains(says), "\(words): \(refused.errors)")
            #expect(try daemon.workspaces() == ["data": "ready"], "\(words)")
        }
        #expect(try daemon.using("data", Self.listing) == before)
    }

    @Test func `an export that cannot be is one error, and takes no file away`() throws {
        let daemon = try TestDaemon()
        let directory = try TemporaryDirectory()
        try daemon.workspace("data")
        try File.write(Array("old".utf8), to: directory("old"))
        for (words, says) in [
            (["none"], "no workspace"), (["data@none"], "no snapshot"), (["../x"], "no workspace"),
            (["-o", directory("no/such"), "data"], "No such file"),
            (["-o", directory.path, "data"], "is a directory"),
            (["-o", directory("old"), "none"], "no workspace"),
        ] {
            let refused = try Program.run(
                [Product.path("corral"), "workspace", "export"] + words, environment: daemon.environment)
            #expect(refused.status == 1 && refused.errors.contains(says), "\(words): \(refused.errors)")
            #expect(refused.output == "")
        }
        // What breaks off in the middle: a file that its owner may not read.
        try daemon.using("data", "head -c 3000000 /dev/zero >a; echo >b; chmod 000 b")
        let broken = try corral(daemon, "workspace", "export", "-o", directory("old"), "data")
        #expect(broken.status == 1 && broken.errors.contains("broke off"), "\(broken.errors)")
        #expect(try File.read(directory("old")) == Array("old".utf8))
        #expect(File.names(in: directory.path) == ["old"])
        #expect(try daemon.program.waitForText("was broken off", within: 60))
    }

    @Test func `an interrupt in the middle of an import leaves nothing`() throws {
        let daemon = try TestDaemon()
        for number in [SIGINT, SIGTERM] {
            let line = "(head -c 100000 /dev/zero; sleep 30) | exec ${corral% session} workspace import new -"
            let program = try Program(
                ["bash", "-c", "corral=\"$0 session\"; echo $$; \(line)", Product.path("corral")],
                environment: daemon.environment
            ).start()
            #expect(eventually { (try? daemon.workspaces()["new"]) == "importing" })
            let found = File.names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
                let line = (try? File.read("/proc/\(pid)/cmdline")) ?? []
                let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
                guard words.first == Product.path("corral"), words.contains("import") else { return false }
                return ((try? File.read("/proc/\(pid)/environ")) ?? [])
                    .split(separator: 0).contains(Array("CORRAL_SOCKET_PATH=\(daemon.socket)".utf8)[...])
            }
            #expect(found.count == 1)
            for pid in found { #expect(kill(pid, number) == 0) }
            #expect(try eventually { try daemon.workspaces().isEmpty })
            let outcome = try program.wait(timeout: 100)
            #expect(outcome.errors.contains("interrupted"), "\(outcome.errors)")
        }
    }

    @Test func `a directory that is copied in keeps its permission bits, its own among them`() throws {
        let daemon = try TestDaemon()
        let directory = try TemporaryDirectory()
        try daemon.workspace("data")
        let script = """
            mkdir -p t/open t/shared t/own && cd t && echo >open/f && chmod 666 open/f && chmod 777 open &&
            chmod 2775 shared && chmod 700 own && chmod 750 .
            """
        #expect(try Program.run(["sh", "-c", script], directory: directory.path).status == 0)
        for (target, place) in [("", "t"), ("new", "new"), ("a/b/c", "a/b/c")] {
            let done = try corral(daemon, "cp", directory("t"), "workspace:data:\(target)")
            #expect(done.status == 0 && done.errors == "", "\(target): \(done.errors)")
            let listed = try daemon.using("data", "find \(place) -printf '%m %P;' ")
            #expect(
                listed.split(separator: ";").sorted()
                    == ["666 open/f", "700 own", "750 ", "775 shared", "777 open"], "\(target)")
        }
        // What was not there above it is like any directory that is made.
        #expect(try daemon.using("data", "stat -c %a a a/b") == "755\n755\n")
    }

    @Test func `files of a workspace go in and out by the name of the workspace`() throws {
        let daemon = try TestDaemon()
        let directory = try TemporaryDirectory()
        try daemon.workspace("data")
        try File.makeDirectories(directory("t/x"))
        try File.write(Array("one".utf8), to: directory("t/x/f"))
        for target in ["workspace:data:", "workspace:data:/new", "workspace:data:sub"] {
            let done = try corral(daemon, "cp", directory("t"), target)
            #expect(done.status == 0 && done.errors == "", "\(target): \(done.errors)")
        }
        #expect(try daemon.names(in: "data", ".") == ["new", "sub", "t"])
        #expect(try daemon.using("data", "cat t/x/f new/x/f sub/x/f") == "oneoneone")
        #expect(try corral(daemon, "cp", "workspace:data:t/x/f", directory("back")).status == 0)
        #expect(try File.read(directory("back")) == Array("one".utf8))
        #expect(try corral(daemon, "cp", "-", "workspace:data:piped", stdin: Array("two".utf8)).status == 0)
        #expect(try corral(daemon, "cp", "workspace:data:piped", "-").output == "two")
        #expect(try corral(daemon, "workspace", "files", "-q", "data").output == "new\npiped\nsub\nt\n")
        #expect(try corral(daemon, "workspace", "files", "-q", "data", "/t/x").output == "f\n")
        // A session of that name is had as it was.
        let id = try daemon.session(#"{"name":"workspace"}"#)
        #expect(try corral(daemon, "cp", directory("back"), "workspace:f").status == 0)
        #expect(try corral(daemon, "cp", directory("back"), "workspace:./a:b").status == 0)
        #expect(try daemon.names(id, ".") == ["a:b", "f"])
        for (words, says) in [
            (["workspace:none:x", "."], "no workspace"), (["workspace::x", "."], "no workspace"),
            (["workspace:data:../x", "."], "has .."), (["workspace:data@no:x", "."], "no snapshot"),
            (["workspace:data:t", "workspace:data:u"], "both are in sessions or workspaces"),
            ([directory("back"), "workspace:data:no/x"], "is not there"),
        ] {
            let refused = try Program.run(
                [Product.path("corral"), "cp"] + words, environment: daemon.environment)
            #expect(refused.status == 1 && refused.errors.contains(says), "\(words): \(refused.errors)")
        }
    }
}
