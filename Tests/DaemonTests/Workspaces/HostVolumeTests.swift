// Directories of the host that are volumes, with both daemons: who sees them, what stops whom, what outlives whom, and
// what is left of them.

import Glibc
import Linux
import TestSupport
import Testing
import Wire

@Suite(.serialized, VolumeHost.trait, .timeLimit(.minutes(20)))
final class HostVolumeTests {
    private static let user: UInt32 = 23_456
    private static let group: UInt32 = 23_457
    static let size = 256 << 20

    let directory: TemporaryDirectory
    var shared: String { directory("shared") }
    var box: String { directory("shared/box") }

    init() throws {
        directory = try TemporaryDirectory()
        try File.makeDirectories(directory("shared/box"))
        _ = try call("chown") { unsafe chown(directory("shared/box"), Self.user, Self.group) }
    }

    deinit {
        // A test that failed leaves nothing on the machine.
        while unsafe umount2(directory("shared/box"), 2) == 0 {}
    }

    func start() throws -> (daemon: TestDaemon, census: HostVolumeCensus) {
        let daemon = try TestDaemon(["--set", "mounts=\(shared)"], in: directory)
        return (daemon, HostVolumeCensus(daemon: daemon, path: box))
    }

    func corral(_ daemon: TestDaemon, _ words: String...) throws -> Program.Outcome {
        try Program.run(
            [Product.path("corral"), "volume"] + words, environment: daemon.environment, timeout: 120)
    }

    func make(_ daemon: TestDaemon) throws {
        let made = try daemon.call("POST", "/v1/volumes", #"{"path":"\#(box)","bytes":\#(Self.size)}"#)
        try #require(made.status == 201, "\(made.message) \(daemon.program.errorsSoFar)")
        #expect(made.text("state") == "mounted" && made.number("bytes") == Self.size)
    }

    func session(_ daemon: TestDaemon, _ name: String, bytes: Int? = nil) throws -> String {
        let quota = bytes.map { #","quota":{"bytes":\#($0)}"# } ?? ""
        return try daemon.session(#"{"directory":"\#(box)/\#(name)"\#(quota)}"#)
    }

    func remove(_ daemon: TestDaemon, data: String = "delete") throws -> TestDaemon.Answer {
        try daemon.call("DELETE", "/v1/volumes?path=\(box)&data=\(data)")
    }

    private static func status(_ path: String) -> stat {
        var status = stat()
        _ = unsafe lstat(path, &status)
        return status
    }

    // MARK: What it is for

    @Test func `a limit stops a session in its directory, while programs of the host and others go on`()
        throws
    {
        let (daemon, census) = try start()
        let made = try corral(daemon, "create", "--size", "256MiB", box + "/")
        #expect(made.status == 0 && made.output == "\(box)\n", "\(made.errors)")
        #expect(census.mounts == 1 && census.loops == 1)
        #expect(Self.status(box).st_uid == Self.user && Self.status(box).st_gid == Self.group)
        // Programs of the host write to the same path.
        try File.write(Array("of the host\n".utf8), to: "\(box)/plain", mode: 0o644)
        let id = try session(daemon, "alice", bytes: 16 << 20)
        let shown = try daemon.call("GET", "/v1/sessions/\(id)")
        #expect(shown["workspace"]?["kind"]?.text == "directory")
        #expect(shown["workspace"]?["bytes_enforced"]?.text == "enforced")
        #expect(shown["workspace"]?["inodes_enforced"]?.text == "counted as bytes")
        #expect(shown["limits"]?["workspace_bytes"]?.text == "\(16 << 20)")
        #expect(Self.status("\(box)/alice").st_uid == Self.user)
        let fill = try daemon.exec(
            id, "dd if=/dev/zero of=big bs=1M count=64 conv=fsync 2>&1; stat -c %s big")
        #expect(fill.decoded("stdout").contains("Disk quota exceeded"), "\(fill.decoded("stdout"))")
        let size = Int(Self.status("\(box)/alice/big").st_size)
        #expect(size > 8 << 20 && size <= 16 << 20, "\(size)")
        // The host's programs and another session do not notice; the control is that they write as much.
        let host = try Program.run(
            ["dd", "if=/dev/zero", "of=\(box)/host", "bs=1M", "count=32", "conv=fsync"], timeout: 120)
        #expect(host.status == 0, "\(host.errors)")
        let other = try session(daemon, "bob")
        #expect(
            try daemon.exec(other, "dd if=/dev/zero of=f bs=1M count=32 conv=fsync 2>/dev/null && echo whole")
                .decoded("stdout") == "whole\n")
        // Files keep the host owner's ids, and what one writes the other reads.
        #expect(Self.status("\(box)/alice/big").st_uid == Self.user)
        try daemon.exec(id, "rm big; echo hello >f")
        #expect(File.text("\(box)/alice/f") == "hello\n")
        try File.write(Array("back\n".utf8), to: "\(box)/alice/g", mode: 0o644)
        #expect(try daemon.exec(id, "cat g").decoded("stdout") == "back\n")
        // What is used and allowed is told.
        let statistics = try daemon.call("GET", "/v1/sessions/\(id)/stats")
        #expect(
            (statistics.number("workspace_bytes") ?? 0) > 0,
            "\(String(decoding: statistics.bytes, as: UTF8.self))")
        #expect(try daemon.call("GET", "/v1/volumes")["volumes"]?.list.first?["sessions"]?.text == "2")
        #expect(try corral(daemon, "ls").output.contains("mounted"))
        // It is not taken away while a session has it, nor while it has files.
        #expect(try remove(daemon).reason == "volume-in-use")
        for session in [id, other] { try daemon.end(session) }
        let full = try daemon.call("DELETE", "/v1/volumes?path=\(box)")
        #expect(full.status == 409 && full.reason == "volume-not-empty", "\(full.message)")
        #expect(File.text("\(box)/alice/f") == "hello\n")
        let removed = try corral(daemon, "rm", "--data", "delete", box)
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(eventually { census.isClean }, "\(census.mounts) \(census.loops) \(census.records)")
        #expect(File.names(in: box).isEmpty && Self.status(box).st_uid == Self.user)
    }

    @Test func `after both daemons were killed it is there once, with what was in it and its limits`() throws
    {
        let (daemon, census) = try start()
        try make(daemon)
        let id = try session(daemon, "alice", bytes: 16 << 20)
        try daemon.exec(id, "echo before >f")
        for _ in 0..<2 {
            try daemon.kill()
            if let warden = daemon.warden { _ = Glibc.kill(warden, SIGKILL) }
            #expect(eventually { daemon.warden == nil })
            // Programs of the host do not notice.
            #expect(File.text("\(box)/alice/f") == "before\n" && census.mounts == 1)
            try daemon.startAgain()
            #expect(census.mounts == 1 && census.loops == 1, "\(census.mounts) \(census.loops)")
        }
        let again = try session(daemon, "alice")
        #expect(try daemon.exec(again, "cat f").decoded("stdout") == "before\n")
        #expect(
            try daemon.call("GET", "/v1/sessions/\(again)")["limits"]?["workspace_bytes"]?.text
                == "\(16 << 20)")
        #expect(
            try daemon.exec(again, "dd if=/dev/zero of=big bs=1M count=64 conv=fsync 2>&1").decoded("stdout")
                .contains("Disk quota exceeded"))
        try daemon.end(again)
        // As after the machine was started again: nothing is mounted, and the record is there.
        try daemon.kill()
        if let warden = daemon.warden { _ = Glibc.kill(warden, SIGKILL) }
        #expect(eventually { daemon.warden == nil })
        #expect(unsafe umount2(box, 0) == 0 && eventually { census.loops == 0 })
        try daemon.startAgain()
        #expect(
            eventually { census.mounts == 1 && census.loops == 1 }, "\(census.mounts) \(census.loops)")
        #expect(File.text("\(box)/alice/f") == "before\n")
        #expect(try remove(daemon).status == 204)
        #expect(eventually { census.isClean }, "\(census.mounts) \(census.loops) \(census.records)")
    }

    @Test func `what is kept is taken up again, and a volume that somebody unmounted is told of`() throws {
        let (daemon, census) = try start()
        try make(daemon)
        let id = try session(daemon, "alice")
        try daemon.exec(id, "echo kept >f")
        try daemon.end(id)
        // A program of the host that is in it.
        let sleeper = try Program(["sh", "-c", "cd \(box) && echo in >&2 && exec sleep 600"]).start()
        #expect(try sleeper.waitForText("in", within: 60))
        let busy = try remove(daemon, data: "keep")
        #expect(busy.status == 409 && busy.reason == "volume-in-use", "\(busy.message)")
        #expect(busy.message.contains("program of the host") && census.mounts == 1)
        try sleeper.signal(SIGKILL)
        _ = try sleeper.wait(timeout: 60)
        #expect(try remove(daemon, data: "keep").status == 204)
        #expect(eventually { census.mounts == 0 && census.loops == 0 } && census.records.count == 1)
        #expect(try corral(daemon, "inspect", box).output.contains("\"kept\""))
        #expect(try daemon.call("POST", "/v1/sessions", #"{"directory":"\#(box)/alice"}"#).status == 400)
        #expect(try corral(daemon, "create", "--size", "256MiB", box).errors.contains("kept"))
        try daemon.kill()
        try daemon.startAgain()
        #expect(census.mounts == 0)
        let adopted = try corral(daemon, "create", "--adopt", box)
        #expect(adopted.status == 0 && File.text("\(box)/alice/f") == "kept\n", "\(adopted.errors)")
        #expect(unsafe umount2(box, 0) == 0)
        let listed = try daemon.call("GET", "/v1/volumes")["volumes"]?.list.first
        #expect(
            listed?["state"]?.text == "unmounted" && listed?["problem"]?.text?.contains("unmounted") == true)
        let refused = try daemon.call("POST", "/v1/sessions", #"{"directory":"\#(box)/alice"}"#)
        #expect(refused.status == 409 && refused.message.contains("is not mounted"), "\(refused.message)")
        #expect(try corral(daemon, "create", "--adopt", box).status == 0 && census.mounts == 1)
        #expect(try remove(daemon).status == 204)
        #expect(eventually { census.isClean })
    }

    @Test func `directories of two tenants have limits of their own, and only administrators make volumes`()
        throws
    {
        let users = try SharedDaemon(["--set", "mounts=red,blue=\(shared)"], in: directory)
        let daemon = users.daemon
        let body = #"{"path":"\#(box)","bytes":\#(Self.size)}"#
        let requests: [(method: String, path: String, body: String?)] = [
            ("POST", "/v1/volumes", body), ("GET", "/v1/volumes", nil),
            ("DELETE", "/v1/volumes?path=\(box)&data=delete", nil),
            ("POST", "/v1/volumes/resize", body),
        ]
        for (method, path, body) in requests {
            let refused = try users.call(SharedDaemon.red, method, path, body)
            #expect(refused.status == 403, "\(method): \(refused.text)")
        }
        try make(daemon)
        let red = try users.session(
            SharedDaemon.red, #"{"directory":"\#(box)/red","quota":{"bytes":8388608}}"#)
        let blue = try users.session(
            SharedDaemon.blue, #"{"directory":"\#(box)/blue","quota":{"bytes":33554432}}"#)
        let fill = "dd if=/dev/zero of=f bs=1M count=20 conv=fsync 2>&1; stat -c %s f"
        #expect(try daemon.exec(red, fill).decoded("stdout").contains("Disk quota exceeded"))
        #expect(try daemon.exec(blue, fill).decoded("stdout").hasSuffix("\(20 << 20)\n"))
        // Whoever has it under one limit keeps that.
        let other = try users.call(
            SharedDaemon.blue, "POST", "/v1/sessions",
            #"{"directory":"\#(box)/red","quota":{"bytes":33554432}}"#)
        #expect(other.status == 409 && other.text.contains("volume-in-use"), "\(other.text)")
        for id in [red, blue] { try daemon.end(id) }
        #expect(try remove(daemon).status == 204)
        #expect(eventually { HostVolumeCensus(daemon: daemon, path: box).isClean })
    }

    // MARK: Bad input

    @Test func `a request that cannot be says what is wrong, and nothing is changed`() throws {
        let (daemon, census) = try start()
        try File.makeDirectories("\(shared)/full/below")
        try File.write([], to: "\(shared)/file", mode: 0o644)
        _ = try call("symlink") { unsafe symlink(box, "\(shared)/link") }
        let size = "\(Self.size)"
        let cases: [(path: String, bytes: String, status: Int, field: String, says: String)] = [
            ("\(shared)/full", size, 409, "path", "has files in it"),
            ("\(shared)/file", size, 400, "path", "ENOTDIR"),
            ("\(shared)/link", size, 400, "path", "symbolic link"),
            ("\(shared)/link/x", size, 400, "path", "symbolic link"),
            ("\(shared)/none", size, 400, "path", "no such directory"),
            ("/srv", size, 403, "path", "setting mounts"), ("/", size, 400, "path", "root"),
            ("box", size, 400, "path", "absolute"), ("\(box)/..", size, 400, "path", "normal form"),
            ("", size, 400, "path", "absolute"), ("\(daemon.state)", size, 403, "path", "setting mounts"),
            (box, "0", 400, "bytes", "bytes"), (box, "-1", 400, "bytes", "bytes"),
            (box, "1048576", 400, "bytes", "at least"),
            (box, "\(1 << 40)", 403, "bytes", "volumes.image"),
            (box, "\(UInt64.max)", 403, "bytes", "volumes.image"),
        ]
        for (path, bytes, status, field, says) in cases {
            let body = #"{"path":"\#(path)","bytes":\#(bytes)}"#
            let refused = try daemon.call("POST", "/v1/volumes", body)
            #expect(
                refused.status == status && refused.field == field,
                "\(body): \(refused.status) \(refused.message)")
            #expect(refused.message.contains(says), "\(body): \(refused.message)")
            #expect(census.isClean, "\(body)")
        }
        for body in [
            "{}", #"{"path":"\#(box)"}"#, #"{"path":"\#(box)","bytes":268435456,"adopt":true}"#,
            #"{"path":"\#(box)","bytes":268435456,"more":1}"#,
        ] {
            #expect(try daemon.call("POST", "/v1/volumes", body).status == 400, "\(body)")
        }
        #expect(
            try daemon.call("POST", "/v1/volumes", #"{"path":"\#(box)","adopt":true}"#).reason
                == "volume-absent")
        #expect(try daemon.call("DELETE", "/v1/volumes?path=\(box)").status == 404)
        #expect(try daemon.call("DELETE", "/v1/volumes").status == 400)
        for words in [["create", box], ["create", "--size", "1GiB"], ["create", "--size", "none", box]] {
            let refused = try Program.run(
                [Product.path("corral"), "volume"] + words, environment: daemon.environment, timeout: 120)
            #expect(refused.status != 0 && !refused.errors.isEmpty, "\(words)")
        }
        #expect(census.isClean)
    }

    @Test func `what is there already is refused twice, and so is what no limit would hold for`() throws {
        let (daemon, census) = try start()
        try File.makeDirectories("\(box)-beside")
        try make(daemon)
        for path in [box, "\(box)/inside"] {
            let again = try daemon.call("POST", "/v1/volumes", #"{"path":"\#(path)","bytes":\#(Self.size)}"#)
            #expect(again.status == 409 && again.reason == "volume-exists", "\(again.message)")
        }
        #expect(
            try daemon.call("POST", "/v1/volumes", #"{"path":"\#(box)","adopt":true}"#).reason
                == "volume-exists")
        // Made by programs of the host: an empty one becomes one with a limit, one with files does not.
        for name in ["empty", "plain"] {
            try File.makeDirectories("\(box)/\(name)")
            _ = try call("chown") { unsafe chown("\(box)/\(name)", Self.user + 7, Self.group) }
        }
        try File.write([], to: "\(box)/plain/f", mode: 0o644)
        _ = try call("symlink") { unsafe symlink("/etc", "\(box)/link") }
        for (name, says) in [
            ("plain", "files in it"), ("link", "no directory"), ("link/x", "symbolic"),
            ("plain/f", "no directory"),
        ] {
            let refused = try daemon.call("POST", "/v1/sessions", #"{"directory":"\#(box)/\#(name)"}"#)
            #expect(
                [400, 409].contains(refused.status) && refused.field == "directory",
                "\(name): \(refused.message)")
            #expect(refused.message.contains(says), "\(name): \(refused.message)")
        }
        let whole = try daemon.call("POST", "/v1/sessions", #"{"directory":"\#(box)"}"#)
        #expect(
            whole.status == 409 && whole.message.contains("name a directory below it"), "\(whole.message)")
        let id = try session(daemon, "empty", bytes: 1 << 20)
        #expect(Self.status("\(box)/empty").st_uid == Self.user + 7)
        #expect(
            try daemon.call("GET", "/v1/sessions/\(id)")["limits"]?["workspace_bytes"]?.text == "\(1 << 20)")
        // Below one that has a limit there is none of its own.
        let below = try daemon.call("POST", "/v1/sessions", #"{"directory":"\#(box)/empty/x"}"#)
        #expect(below.status == 409 && below.message.contains("limit of its own"), "\(below.message)")
        // Directories in between are made.
        let deep = try session(daemon, "tenants/a/b", bytes: 1 << 20)
        #expect(try daemon.exec(deep, "echo x >f && cat f").decoded("stdout") == "x\n")
        #expect(Self.status("\(box)/tenants/a").st_uid == Self.user)
        for (bytes, field) in [("1", "quota"), ("\(2 << 30)", "quota")] {
            let refused = try daemon.call(
                "POST", "/v1/sessions", #"{"directory":"\#(box)/new","quota":{"bytes":\#(bytes)}}"#)
            #expect(refused.status >= 400 && refused.field == field, "\(bytes): \(refused.message)")
        }
        // Beside the volume nothing keeps a limit, and the way out is named.
        let beside = try daemon.call(
            "POST", "/v1/sessions", #"{"directory":"\#(box)-beside","quota":{"bytes":1048576}}"#)
        #expect(beside.reason == "volume-not-enforced" && beside.hint.contains("corral volume create"))
        for session in [id, deep] { try daemon.end(session) }
        #expect(try remove(daemon).status == 204)
        #expect(eventually { census.isClean })
    }

    @Test func `a disk without room for it is told of, and keeps nothing of it`() throws {
        let disk = directory("s")
        try File.makeDirectories(disk)
        let mounted = try Program.run(["mount", "-t", "tmpfs", "-o", "size=320m,mode=755", "none", disk])
        try #require(mounted.status == 0, "\(mounted.errors)")
        defer { _ = try? Program.run(["umount", "-l", disk]) }
        let (daemon, census) = try start()
        let full = try daemon.call("POST", "/v1/volumes", #"{"path":"\#(box)","bytes":536870912}"#)
        #expect(full.status == 507 && full.reason == "volume-disk-full", "\(full.status) \(full.message)")
        #expect(census.isClean)
        // The control: one that there is room for.
        try make(daemon)
        #expect(try remove(daemon).status == 204)
        #expect(eventually { census.isClean })
    }
}
