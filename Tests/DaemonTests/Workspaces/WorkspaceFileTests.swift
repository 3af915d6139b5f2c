import Glibc
import TestSupport
import Testing
import Wire

/// The files of a workspace that no session has, and of one that a session has, over the API.
@Suite(.serialized, VolumeHost.trait) struct WorkspaceFileTests {
    @Test func `files are written and read without a session, and are the next session's own`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        #expect(try daemon.put(in: "data", "f", "hello", "mode=600").text("mode") == "0600")
        let made = try daemon.call(
            "POST", "/v1/workspaces/data/files/mkdir", #"{"path":"d/e","parents":true}"#)
        #expect(made.status == 201 && made.text("type") == "directory")
        for (verb, body, status) in [
            ("copy", #"{"from":"f","to":"d/copy"}"#, 200), ("move", #"{"from":"d/copy","to":"d/e/g"}"#, 200),
            ("move", #"{"from":"f","to":"d/e/g"}"#, 409), ("copy", #"{"from":"no","to":"x"}"#, 404),
        ] {
            let answer = try daemon.call("POST", "/v1/workspaces/data/files/\(verb)", body)
            #expect(answer.status == status, "\(verb) \(body): \(answer.message)")
        }
        #expect(try daemon.names(in: "data", ".") == ["d", "f"])
        #expect(try daemon.files(in: "data", "GET", "stat", "path=d/e/g").text("size") == "5")
        #expect(try daemon.files(in: "data", "GET", "content", "path=d/e/g&offset=1&length=3").text == "ell")
        for format in ["tar", "zip"] {
            let archive = try daemon.files(in: "data", "GET", "archive", "path=d&format=\(format)")
            #expect(archive.status == 200 && archive.bytes.count > 100)
            let back = try daemon.unpack(in: "data", archive.bytes, "path=\(format)")
            #expect(back.status == 200 && back.text("files") == "1", "\(back.text)")
        }
        #expect(
            try daemon.using("data", "cat f tar/d/e/g zip/d/e/g; stat -c ' %u %g %a' f; echo x >>f")
                == "hellohellohello 1000 1000 600\n")
        #expect(try daemon.files(in: "data", "GET", "content", "path=f").text == "hellox\n")
        #expect(try daemon.files(in: "data", "DELETE", nil, "path=d").error == "conflict")
        #expect(try daemon.files(in: "data", "DELETE", nil, "path=d&recursive").status == 204)
        #expect(try daemon.names(in: "data", ".") == ["f", "tar", "zip"])
        let rows = try audit(daemon) { $0.contains("file.remove|data|conflict") }
        #expect(rows.contains("file.write|data|accepted") && rows.contains("file.unpack|data|accepted"))
    }

    private func audit(_ daemon: TestDaemon, _ isThere: (String) -> Bool) throws -> String {
        let query = ["sqlite3", "-readonly", "\(daemon.state)/daemon/corral.db", "SELECT * FROM audit"]
        var rows = ""
        #expect(
            try eventually {
                rows = try Program.run(query).output
                return isThere(rows)
            }, "\(rows)")
        return rows
    }

    @Test func `a session that has it and those outside see each other's files, and one limit`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data", bytes: 8 << 20)
        let id = try daemon.session(#"{"workspace":"data"}"#)
        try daemon.exec(id, "echo inside >a")
        #expect(try daemon.files(in: "data", "GET", "content", "path=a").text == "inside\n")
        #expect(try daemon.put(in: "data", "b", "outside", "").status == 200)
        #expect(try daemon.exec(id, "cat b").decoded("stdout") == "outside")
        #expect(try daemon.read(id, "b").text == "outside")
        #expect(try daemon.find("data")["sessions"]?.list.count == 1)
        // What does not fit leaves what was there, and room for more.
        let directory = try TemporaryDirectory()
        _ = try Program.run(["truncate", "-s", "64M", directory("much")])
        let full = try Program.run(
            daemon.curl(
                "PUT", "/v1/workspaces/data/files/content?path=b", nil, ["-T", directory("much")]),
            timeout: 300)
        #expect(full.output.contains(#""code":"no-space""#), "\(full.output) \(full.errors)")
        #expect(try daemon.exec(id, "cat b; ls").decoded("stdout") == "outsidea\nb\n")
        try daemon.kill()
        try daemon.startAgain()
        #expect(try daemon.files(in: "data", "GET", "content", "path=b").text == "outside")
        #expect(try daemon.names(in: "data", ".") == ["a", "b"])
    }

    @Test func `a snapshot is read and not written`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        #expect(try daemon.put(in: "data", "f", "old", "").status == 200)
        try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"before"}"#)
        #expect(try daemon.put(in: "data", "f", "new", "").status == 200)
        let place = "data@before"
        #expect(try daemon.files(in: place, "GET", "content", "path=f").text == "old")
        #expect(try daemon.names(in: place, ".") == ["f"])
        #expect(try daemon.files(in: place, "GET", "archive", "").bytes.count > 1000)
        #expect(try daemon.put(in: place, "f", "x", "").error == "forbidden")
        #expect(try daemon.put(in: place, "g", "x", "write=append").error == "forbidden")
        #expect(try daemon.files(in: place, "DELETE", nil, "path=f").error == "forbidden")
        let made = try daemon.call("POST", "/v1/workspaces/\(place)/files/mkdir", #"{"path":"d"}"#)
        #expect(made.error == "forbidden", "\(made.message)")
        #expect(try daemon.unpack(in: place, Array(repeating: 0, count: 10240), "").error == "forbidden")
        // The same is taken by the workspace itself.
        #expect(try daemon.put(in: "data", "g", "x", "write=append").status == 200)
        #expect(try daemon.files(in: place, "GET", "content", "path=f").text == "old")
    }

    // MARK: Refusals

    @Test func `what is not there, lost, or somebody else's has no files, and nothing of it is changed`()
        throws
    {
        let daemon = try TestDaemon()
        for name in ["data", "theirs"] { try daemon.workspace(name, bytes: 1 << 20) }
        #expect(try daemon.put(in: "theirs", "secret", "s", "").status == 200)
        #expect(try daemon.stop() == 0)
        let change = """
            INSERT INTO tenants (name, created_wall) VALUES ('red', 1);
            UPDATE workspaces SET tenant = 'red' WHERE name = 'theirs';
            INSERT INTO workspaces (tenant, name, state, bytes, soft, created_wall)
            VALUES ('default', 'ghost', 'ready', 1048576, 0, 1);
            """
        let outcome = try Program.run(["sqlite3", "-bail", "\(daemon.state)/daemon/corral.db", change])
        #expect(outcome.status == 0, "\(outcome.errors)")
        try daemon.startAgain()
        let cases: [(name: String, status: Int, reason: String)] = [
            ("none", 404, "workspace-absent"), ("data@none", 404, "snapshot-absent"),
            ("none@x", 404, "workspace-absent"), ("data@", 404, "snapshot-absent"),
            ("@x", 404, "workspace-absent"), ("DATA", 404, "workspace-absent"),
            ("redATdata", 404, "workspace-absent"), ("ghost", 409, "workspace-not-ready"),
            // The volume is there under this tenant's name, without a record.
            ("theirs", 409, "workspace-not-ready"), ("red/theirs", 404, ""), ("red%2Ftheirs", 400, ""),
        ]
        for (name, status, reason) in cases {
            for (method, what, query) in [
                ("GET", String?.none, ""), ("GET", "content", "path=secret"), ("GET", "archive", ""),
                ("GET", "stat", "path=."), ("DELETE", nil, "path=secret"),
            ] {
                let answer = try daemon.files(in: name, method, what, query)
                #expect(answer.status == status, "\(name) \(what ?? ""): \(answer.text)")
                #expect(answer.reason == reason && answer.field != "path", "\(name): \(answer.text)")
            }
            #expect(try daemon.put(in: name, "f", "x", "").status == status, "\(name)")
            #expect(try daemon.unpack(in: name, Array("x".utf8), "").status == status, "\(name)")
        }
        #expect(try daemon.names(in: "data", ".") == [])
    }

    /// What whoever opens such a path by its name would get is looked at first.
    @Test func `links that a session leaves lead nowhere outside`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        try File.write(Array("HOST".utf8), to: directory("secret"), mode: 0o644)
        _ = try Program.run(["ln", "-s", directory("secret"), directory("link")])
        #expect(try Program.run(["cat", directory("link")]).output == "HOST")
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        try daemon.using(
            "data",
            "ln -s \(directory("secret")) abs; ln -s ../../../..\(directory("secret")) up; ln -s \(directory.path) dir; mkfifo pipe"
        )
        for path in ["abs", "up", "dir/secret"] {
            let answer = try daemon.files(in: "data", "GET", "content", "path=\(path)")
            #expect(answer.status == 403 && !answer.text.contains("HOST"), "\(path): \(answer.text)")
        }
        let long = String(repeating: "x/", count: 2500)
        for path in ["..", "../x", "/etc/passwd", "a/../../x", "%00", "", long] {
            let answer = try daemon.files(in: "data", "GET", "content", "path=\(path)")
            #expect(answer.status == 400, "\(path): \(answer.text)")
        }
        #expect(try daemon.files(in: "data", "GET", "content", "path=pipe").error == "conflict")
        #expect(try daemon.put(in: "data", "dir/made", "x", "").error == "forbidden")
        #expect(try daemon.put(in: "data", "abs", "mine", "").status == 200)
        #expect(File.names(in: directory.path).sorted() == ["link", "secret"])
        #expect(try Program.run(["cat", directory("secret")]).output == "HOST")
    }

    // MARK: Ends

    /// A request that has sent half of its body, and says what it is answered.
    private func slow(_ daemon: TestDaemon, _ target: String) throws -> RunningProgram {
        let script = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX)
            s.connect('\(daemon.socket)')
            s.sendall(b'PUT \(target) HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 900000\\r\\n\\r\\n' + bytes(400000))
            print('begun', flush=True)
            s.settimeout(0.2)
            answer = b''
            for i in range(600):
                try:
                    more = s.recv(4096)
                    if not more: break
                    answer += more
                    if b'}}' in answer: break
                except TimeoutError:
                    try: s.sendall(bytes(1))
                    except OSError: pass
            print(answer.decode())
            """
        return try Program(["/usr/bin/python3", "-c", script]).start()
    }

    @Test func `its removal, or a restore, ends what is being written, and leaves nothing of that`() throws {
        let daemon = try TestDaemon()
        for name in ["gone", "back"] {
            try daemon.workspace(name, bytes: 8 << 20)
            #expect(try daemon.put(in: name, "f", "first", "").status == 200)
        }
        try daemon.call("POST", "/v1/workspaces/back/snapshots", #"{"name":"s"}"#)
        for (name, what) in [("back", "archive?path=new"), ("gone", "archive?path=new")] {
            let client = try slow(daemon, "/v1/workspaces/\(name)/files/\(what)")
            #expect(
                eventually {
                    (try? daemon.names(in: name, "."))?.contains { $0.hasPrefix(".corral-") } ?? false
                })
            if name == "gone" {
                #expect(try daemon.call("DELETE", "/v1/workspaces/gone").status == 204)
            } else {
                let put = try daemon.call("POST", "/v1/workspaces/back/restore", #"{"snapshot":"s"}"#)
                #expect(put.status == 200, "\(put.message)")
            }
            let outcome = try client.wait(timeout: 150)
            #expect(outcome.output.contains("removed or put back"), "\(name): \(outcome.output)")
        }
        #expect(try daemon.names(in: "back", ".") == ["f"])
        #expect(try daemon.workspaces() == ["back": "ready"])
        // Its name is free, and what comes then begins empty.
        try daemon.workspace("gone")
        #expect(try daemon.names(in: "gone", ".") == [])
    }

    @Test func `descriptors of both daemons are no more afterwards than before`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        #expect(try daemon.put(in: "data", "f", "x", "").status == 200)
        try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"s"}"#)
        let pid = try #require(daemon.pid)
        let warden = try #require(daemon.warden)
        func count() -> [Int] {
            [pid, warden].map { File.names(in: "/proc/\($0)/fd").count }
                + [(File.text("/proc/\(warden)/mountinfo") ?? "").split(separator: "\n").count]
        }
        let before = count()
        for number in 0..<30 {
            _ = try daemon.put(in: "data", "f\(number)", "x", "")
            _ = try daemon.files(in: "data@s", "GET", "content", "path=f")
            _ = try daemon.call("GET", "/v1/workspaces/data/diff?from=s")
            _ = try daemon.put(in: "data", "no/f", "x", "")
        }
        #expect(eventually { zip(count(), before).allSatisfy(<=) }, "\(before), \(count())")
    }
}

extension TestDaemon {
    /// An operation on the files of a workspace.
    func files(in name: String, _ method: String, _ what: String?, _ query: String) throws -> Answer {
        try call(
            method,
            "/v1/workspaces/\(name)/files" + (what.map { "/\($0)" } ?? "")
                + (query.isEmpty ? "" : "?\(query)"))
    }

    func put(in name: String, _ path: String, _ content: String, _ query: String) throws -> Answer {
        let target = "/v1/workspaces/\(name)/files/content?path=\(path)" + (query.isEmpty ? "" : "&\(query)")
        return try call("PUT", target, content)
    }

    func names(in name: String, _ path: String) throws -> [String] {
        try files(in: name, "GET", nil, "path=\(path)")["files"]?.list.map { $0["path"]?.text ?? "" } ?? []
    }

    func unpack(in name: String, _ archive: [UInt8], _ query: String) throws -> Answer {
        try unpack(at: "/v1/workspaces/\(name)/files/archive", archive, query)
    }
}
