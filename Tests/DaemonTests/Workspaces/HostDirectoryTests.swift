import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// Sessions with a directory of the host, over the API and at a shell, with a daemon that has dropped root.
@Suite(.serialized, .enabled(if: Host.isRoot, "needs root"))
struct HostDirectoryTests {
    /// A daemon, and a directory of a user's that its sessions may have.
    private static func make(_ more: [String] = []) throws -> (daemon: TestDaemon, path: String) {
        let directory = try TemporaryDirectory()
        let path = directory("shared/alice")
        try File.makeDirectories(path)
        _ = try call("chown", on: path) { unsafe chown(path, 23_456, 23_457) }
        let daemon = try TestDaemon(["--set", "mounts=\(directory("shared"))"] + more, in: directory)
        return (daemon, path)
    }

    private static func owner(_ path: String) -> UInt32 {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status.st_uid : .max
    }

    @Test func `a session works in a directory of the host, which outlives it, and no limit is claimed`()
        throws
    {
        let (daemon, path) = try Self.make()
        let id = try daemon.session(#"{"directory":"\#(path)"}"#)
        #expect(try daemon.exec(id, "echo made >f; id -u").decoded("stdout") == "1000\n")
        let shown = try daemon.call("GET", "/v1/sessions/\(id)")
        #expect(shown.text("persistent") == "true")
        #expect(shown["workspace"]?["kind"]?.text == "directory" && shown["workspace"]?["path"]?.text == path)
        for limit in ["bytes_enforced", "inodes_enforced"] {
            #expect(shown["workspace"]?[limit]?.text?.hasPrefix("not enforced") == true)
        }
        #expect(shown["limits"]?["workspace_bytes"] == nil)
        let listed = try daemon.corral("ls", "-o", "wide", "--no-trunc")
        #expect(listed.output.contains("\(path), not enforced"), "\(listed.output)\(listed.errors)")
        // It is what it says: more goes in than a workspace in memory would take.
        let fill = "dd if=/dev/zero of=big bs=1M count=80 2>/dev/null; stat -c %s big; rm big"
        #expect(try daemon.exec(id, fill).decoded("stdout") == "\(80 << 20)\n")
        // A daemon that was killed meanwhile knows of it.
        try daemon.kill()
        try daemon.startAgain()
        #expect(try daemon.call("GET", "/v1/sessions/\(id)")["workspace"]?["path"]?.text == path)
        #expect(try daemon.exec(id, "cat f").decoded("stdout") == "made\n")
        try daemon.end(id)
        #expect(File.text("\(path)/f") == "made\n" && Self.owner("\(path)/f") == 23_456)
        // Two at a time may have it, as programs of the host do.
        let (one, two) = (
            try daemon.session(#"{"directory":"\#(path)"}"#), try daemon.session(#"{"directory":"\#(path)"}"#)
        )
        try daemon.exec(one, "echo one >g")
        #expect(try daemon.exec(two, "cat g").decoded("stdout") == "one\n")
    }

    @Test func `a limit there is refused with the ways out, and a wish is shown as one`() throws {
        let (daemon, path) = try Self.make()
        for quota in [
            #"{"bytes":1048576}"#, #"{"bytes":1048576,"inodes":100}"#, #"{"bytes":1048576,"soft":false}"#,
        ] {
            let refused = try daemon.call(
                "POST", "/v1/sessions", #"{"directory":"\#(path)","quota":\#(quota)}"#)
            #expect(refused.status == 409 && refused.reason == "volume-not-enforced", "\(refused.message)")
            #expect(refused.field == "quota" && refused.hint.contains("--allow-soft-quota"))
            #expect(refused.hint.contains("corral workspace create"))
        }
        #expect(try daemon.call("GET", "/v1/sessions?all=true")["sessions"]?.list.isEmpty == true)
        let id = try daemon.session(#"{"directory":"\#(path)","quota":{"bytes":1048576,"soft":true}}"#)
        let shown = try daemon.call("GET", "/v1/sessions/\(id)")
        #expect(shown["workspace"]?["bytes_enforced"]?.text?.hasPrefix("not enforced") == true)
        #expect(shown["limits"]?["workspace_bytes"] == nil)
        let fill = "dd if=/dev/zero of=big bs=1M count=4 2>/dev/null; stat -c %s big; rm big"
        #expect(try daemon.exec(id, fill).decoded("stdout") == "\(4 << 20)\n")
    }

    @Test func `a request for a directory that cannot be had says which, and leaves nothing running`() throws
    {
        let (daemon, path) = try Self.make()
        try File.write([], to: "\(path)/file", mode: 0o644)
        _ = try call("symlink", on: path) { unsafe symlink("/etc", "\(path)/link") }
        let cases: [(path: String, status: Int)] = [
            ("/etc", 403), ("\(daemon.state)/daemon", 403), ("\(path)/file", 400), ("\(path)/none", 400),
            ("\(path)/link", 400), ("\(path)/..", 400), ("\(path)/", 400), ("alice", 400), ("", 400),
            ("/", 400),
            (String(repeating: "/x", count: 2500), 400),
        ]
        for (wanted, status) in cases {
            let body = JSONText.object { $0.add("directory", wanted) }.description
            let refused = try daemon.call("POST", "/v1/sessions", body)
            #expect(refused.status == status && refused.field == "directory", "\(wanted): \(refused.message)")
        }
        for (body, field) in [
            (#"{"directory":"\#(path)","workspace":"data"}"#, "directory"),
            (#"{"directory":"\#(path)","workspace_shared":true}"#, "workspace_shared"),
            (#"{"directory":"\#(path)","persistent":false}"#, "persistent"),
            (#"{"directory":5}"#, "directory"), (#"{"directory":"/srv/\u0000"}"#, "directory"),
        ] {
            let refused = try daemon.call("POST", "/v1/sessions", body)
            #expect(refused.status == 400 && refused.field == field, "\(body): \(refused.message)")
        }
        #expect(try daemon.call("GET", "/v1/sessions")["sessions"]?.list.isEmpty == true)
    }

    @Test func `Corral's own directories are no session's, even where the operator's root holds them`() throws
    {
        let directory = try TemporaryDirectory()
        let daemon = try TestDaemon(["--set", "mounts=\(directory.path)"], in: directory)
        for path in ["\(daemon.state)/daemon", daemon.state, directory("run"), directory.path] {
            let refused = try daemon.call("POST", "/v1/sessions", #"{"directory":"\#(path)"}"#)
            #expect(
                refused.status == 400 && refused.message.contains("no sandbox may see"), "\(refused.message)")
        }
    }

    @Test func `files go in and out by the API, and are the host owner's`() throws {
        let (daemon, path) = try Self.make()
        let id = try daemon.session(#"{"directory":"\#(path)"}"#)
        let local = try TemporaryDirectory()
        try local.write("given", "from a client\n")
        let copied = try Program.run(
            [Product.path("corral"), "cp", local("given"), "\(id):given"],
            environment: daemon.environment, timeout: 120)
        #expect(copied.status == 0, "\(copied.errors)")
        #expect(File.text("\(path)/given") == "from a client\n" && Self.owner("\(path)/given") == 23_456)
        #expect(
            try daemon.exec(id, "cat given; stat -c %u given").decoded("stdout") == "from a client\n1000\n")
    }

    @Test func `a tenant's directories are its own, and another's are as those of nobody`() throws {
        let directory = try TemporaryDirectory()
        let (red, common, own) = (directory("shared/red"), directory("shared/all"), directory("mine"))
        for path in [red, common, own, "\(red)/below"] {
            try File.makeDirectories(path)
            _ = try call("chown", on: path) { unsafe chown(path, 23_456, 23_457) }
        }
        let shared = try SharedDaemon(
            ["--set", "mounts=red=\(red):red,blue=\(common):\(own)"], in: directory)
        func ask(_ uid: UInt32?, _ path: String) throws -> SharedDaemon.Answer {
            try shared.call(uid, "POST", "/v1/sessions", #"{"directory":"\#(path)"}"#)
        }
        // The controls: whose they are.
        for (uid, path) in [
            (SharedDaemon.red, red), (SharedDaemon.red, "\(red)/below"), (SharedDaemon.red, common),
            (SharedDaemon.blue, common), (nil, own),
        ] {
            let answer = try ask(uid, path)
            #expect(answer.status == 201, "\(path): \(answer.text)")
        }
        for (uid, path) in [
            (SharedDaemon.blue, red), (SharedDaemon.blue, "\(red)/below"), (SharedDaemon.blue, own),
            (SharedDaemon.red, own), (nil, red), (nil, common), (SharedDaemon.blue, directory("shared")),
        ] {
            let refused = try ask(uid, path)
            let nobodys = try ask(uid, "/srv/nobodys")
            #expect(refused.status == 403, "\(path): \(refused.text)")
            #expect(refused.text == nobodys.text.replacing("/srv/nobodys", with: path), "\(refused.text)")
            if uid == SharedDaemon.blue {
                #expect(!nobodys.text.contains(own) && !nobodys.text.contains(red))
            }
        }
        // An administrator's session is its tenant's.
        let text = #"{"directory":"\#(red)","tenant":"red"}"#
        #expect(try shared.call(nil, "POST", "/v1/sessions", text).status == 201)
        // Which directory it was, and that it was refused, is on record.
        #expect(
            try eventually {
                let rows = try Program.run([
                    "sqlite3", "-readonly", "\(shared.daemon.state)/daemon/corral.db",
                    "SELECT object, outcome FROM audit WHERE what = 'session.create'",
                ]).output.split(separator: "\n")
                return rows.contains { $0.hasSuffix(" directory=\(red)|accepted") }
                    && rows.contains("directory=\(own)|forbidden")
            })
    }

    @Test func `at a shell it is --workspace with an absolute path`() throws {
        let (daemon, path) = try Self.make()
        let made = try daemon.corral("create", "--name", "here", "--workspace", path + "/")
        #expect(made.status == 0, "\(made.errors)")
        try daemon.exec("here", "echo shell >f")
        #expect(File.text("\(path)/f") == "shell\n")
        let limited = try daemon.corral("create", "--workspace", path, "--disk", "1GiB")
        #expect(
            limited.status != 0 && limited.errors.contains("--disk: ") && limited.errors.contains("hint: "))
        #expect(limited.errors.contains("--allow-soft-quota"), "\(limited.errors)")
        let soft = try daemon.corral(
            "create", "--workspace", path, "--disk", "1GiB", "--allow-soft-quota", "--persistent")
        #expect(soft.status == 0, "\(soft.errors)")
        for (word, says) in [
            ("/etc", "in none of those"), ("shared/alice", "absolute path"), ("./alice", "absolute path"),
            ("/", "--workspace"),
        ] {
            let refused = try daemon.corral("create", "--workspace", word)
            #expect(refused.status != 0 && refused.errors.contains(says), "\(word): \(refused.errors)")
        }
    }
}
