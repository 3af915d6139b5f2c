import Glibc
import TestSupport
import Testing
import Wire

/// Kernels on which root's daemon can have the files of sessions.
enum IdmappedTmpfs {
    static var isThere: Bool { Host.hasIdmappedTmpfs }

    static let trait: any SuiteTrait & TestTrait = .enabled(
        if: !Host.isRoot || isThere, "root's daemon needs Linux 6.3 for the files of sessions")
}

/// What an older kernel says.
@Suite(.serialized) struct NoFilesTests {
    @Test(.enabled(if: Host.isRoot && !IdmappedTmpfs.isThere, "this kernel has idmapped mounts of tmpfs"))
    func `where tmpfs has no idmapped mounts the files of a session are refused with the reason`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        for answer in [try daemon.put(id, "f", "x", ""), try daemon.files(id, "GET", nil, "")] {
            #expect(answer.status == 409 && answer.text.contains("Linux 6.3"), "\(answer.text)")
        }
        #expect(try daemon.exec(id, "ls").decoded("stdout") == "")
    }
}

/// A session's files over the API.
@Suite(.serialized, IdmappedTmpfs.trait) struct FileTests {
    @Test func `a file is written and read, listed, moved, copied and removed`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.put(id, "a.txt", "hello", "mode=600").text("mode") == "0600")
        #expect(
            try daemon.exec(id, "cat a.txt; stat -c ' %u %g %a' a.txt").decoded("stdout")
                == "hello 1000 1000 600\n")
        try daemon.exec(id, "mkdir d; ln -s a.txt d/l; printf 0123456789 >d/digits; chmod 640 d/digits")
        #expect(try daemon.read(id, "d/digits").text == "0123456789")
        #expect(try daemon.read(id, "d/digits", "offset=3&length=4").text == "3456")
        #expect(try daemon.read(id, "d/digits", "offset=10").text == "")
        #expect(try daemon.read(id, "d/digits", "offset=8&length=100").text == "89")
        #expect(try daemon.read(id, "d/digits", "offset=11").error == "invalid")
        let link = try daemon.files(id, "GET", "stat", "path=d/l")
        #expect(link.text("type") == "link" && link.text("target") == "a.txt")
        #expect(try daemon.names(id, "d") == ["d/digits", "d/l"])
        #expect(try daemon.names(id, ".") == ["a.txt", "d"])
        let made = try daemon.call(
            "POST", "/v1/sessions/\(id)/files/mkdir", #"{"path":"x/y","parents":true}"#)
        #expect(made.status == 201 && made.text("type") == "directory")
        let moves = [
            ("move", #"{"from":"a.txt","to":"x/b"}"#, 200), ("move", #"{"from":"a.txt","to":"x/c"}"#, 404),
            ("copy", #"{"from":"x/b","to":"x/y/c"}"#, 200), ("copy", #"{"from":"d","to":"x/y"}"#, 409),
            ("copy", #"{"from":"d","to":"e"}"#, 200), ("move", #"{"from":"x","to":"x/y/z"}"#, 409),
            ("move", #"{"from":"x/b","to":"d/digits"}"#, 409),
            ("move", #"{"from":"x/b","to":"d/digits","replace":true}"#, 200),
        ]
        for (verb, body, status) in moves {
            let answer = try daemon.call("POST", "/v1/sessions/\(id)/files/\(verb)", body)
            #expect(
                answer.status == status, "\(verb) \(body): \(String(decoding: answer.bytes, as: UTF8.self))")
        }
        #expect(
            try daemon.exec(id, "cat d/digits x/y/c e/digits; ls -R x").decoded("stdout")
                == "hellohello0123456789x:\ny\n\nx/y:\nc\n")
        #expect(try daemon.files(id, "DELETE", nil, "path=x").error == "conflict")
        #expect(try daemon.files(id, "DELETE", nil, "path=x&recursive").status == 204)
        #expect(try daemon.names(id, ".") == ["d", "e"])
        // Any name that is text.
        let name = "%E6%95%B0%0A%22%1B%5C+%26"
        #expect(try daemon.put(id, name, "odd", "").text("path") == "数\n\"\u{1b}\\ &")
        #expect(try daemon.read(id, name).text == "odd")
        #expect(try daemon.files(id, "DELETE", nil, "path=\(name)").status == 204)
    }

    @Test func `long directories come in pages, in order`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.exec(id, "i=100; while [ $i -lt 150 ]; do : >n$i; i=$((i+1)); done")
        var (found, after) = ([String](), "")
        repeat {
            let page = try daemon.files(id, "GET", nil, "limit=20" + (after.isEmpty ? "" : "&after=\(after)"))
            found += page["files"]?.list.map { $0["path"]?.text ?? "" } ?? []
            after = page.text("next")
        } while !after.isEmpty
        #expect(found == (100..<150).map { "n\($0)" })
        #expect(try daemon.files(id, "GET", nil, "after=zz").field == "after")
    }

    @Test func `writes append, go to an offset, or refuse what is there`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.put(id, "f", "one", "write=create").status == 200)
        #expect(try daemon.put(id, "f", "two", "write=create").error == "conflict")
        #expect(try daemon.put(id, "f", "-two", "write=append").text("size") == "7")
        #expect(try daemon.put(id, "f", "X", "write=at&offset=3").status == 200)
        #expect(try daemon.put(id, "f", "end", "write=at&offset=10").text("size") == "13")
        #expect(try daemon.read(id, "f").bytes == Array("oneXtwo\0\0\0end".utf8))
        #expect(try daemon.put(id, "f", "", "").text("size") == "0")
        for (query, field) in [
            ("write=at", "offset"), ("offset=1", "offset"), ("mode=4755", "mode"), ("write=x", "write"),
        ] {
            let refused = try daemon.put(id, "f", "z", query)
            #expect(refused.status == 400 && refused.field == field, "\(query)")
        }
        #expect(try daemon.names(id, ".") == ["f"])
    }

    @Test func `a file that does not fit leaves the one that was there, and nothing else`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.put(id, "f", "before", "").status == 200)
        let directory = try TemporaryDirectory()
        let much = directory("much")
        _ = try Program.run(["truncate", "-s", "3G", much])
        let outcome = try Program.run(
            daemon.curl("PUT", "/v1/sessions/\(id)/files/content?path=f", nil, ["-T", much]), timeout: 300)
        #expect(outcome.output.contains(#""code":"no-space""#), "\(outcome.output) \(outcome.errors)")
        #expect(try daemon.read(id, "f").text == "before")
        #expect(try daemon.names(id, ".") == ["f"])
        // All of the room is there again.
        #expect(
            try eventually {
                try daemon.put(id, "g", String(repeating: "x", count: 1 << 20), "").status == 200
            })
        #expect(try daemon.call("GET", "/v1/health").status == 200)
    }

    private static let paths: [(path: String, status: Int)] = [
        ("%00", 400), ("a%00b", 400), ("..", 400), ("../x", 400), ("a/../../x", 400), ("/etc/passwd", 400),
        ("", 400),
        (String(repeating: "x/", count: 2500), 400), (String(repeating: "n", count: 256), 400), ("%FF", 400),
        ("f/", 409), ("f/x", 409), ("none", 404), ("none/x", 404), ("d", 409), ("up", 403), ("abs", 403),
        ("loop", 403), ("pipe", 409), ("gone", 404),
    ]

    @Test func `a path that is none, or leads out, is one refusal with its reason`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let other = try daemon.session()
        #expect(try daemon.put(other, "secret", "s", "").status == 200)
        try daemon.exec(
            id,
            "echo >f; mkdir d; ln -s ../etc/passwd up; ln -s /etc/passwd abs; ln -s loop loop; mkfifo pipe; ln -s no gone"
        )
        for (path, status) in FileTests.paths {
            let answer = try daemon.read(id, path)
            #expect(answer.status == status, "\(path): \(String(decoding: answer.bytes, as: UTF8.self))")
            #expect(answer.field == "path" || status == 400, "\(path): \(answer.field)")
        }
        #expect(try daemon.read(id, "secret").status == 404)
        #expect(try daemon.put(id, "pipe", "x", "write=append").error == "conflict")
        #expect(try daemon.put(id, "d", "x", "").error == "conflict")
        #expect(try daemon.put(id, "none/x", "x", "").error == "not-found")
        #expect(try daemon.files(id, "DELETE", nil, "path=.&recursive").error == "invalid")
        // A link is replaced and not followed.
        #expect(try daemon.put(id, "abs", "mine", "").status == 200)
        #expect(try daemon.files(id, "GET", "stat", "path=abs").text("type") == "file")
    }

    @Test func `there are no files of a session that has ended, or never was`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.put(id, "f", "x", "").status == 200)
        try daemon.call("POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#)
        let ended = try daemon.read(id, "f")
        #expect(ended.status == 410 && ended.error == "gone")
        #expect(try daemon.put(id, "f", "x", "").status == 410)
        #expect(try daemon.read("none", "f").status == 404)
        let readOnly = try daemon.session(#"{"profile":"offline_readonly"}"#)
        let refused = try daemon.files(readOnly, "GET", nil, "")
        #expect(refused.status == 409 && String(decoding: refused.bytes, as: UTF8.self).contains("read_only"))
    }

    @Test func `a daemon that is killed has the files again when it is back`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.put(id, "f", "kept", "").status == 200)
        try daemon.kill()
        try daemon.startAgain()
        #expect(try daemon.read(id, "f").text == "kept")
        #expect(try daemon.put(id, "g", "new", "").status == 200)
        #expect(try daemon.exec(id, "cat f g").decoded("stdout") == "keptnew")
    }

    @Test func `what is written is on record, and what is refused`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.put(id, "f", "s3cret-value", "").status == 200)
        #expect(try daemon.put(id, "no/f", "x", "").status == 404)
        #expect(try daemon.files(id, "DELETE", nil, "path=no").status == 404)
        let query = ["sqlite3", "-readonly", "\(daemon.state)/daemon/corral.db", "SELECT * FROM audit"]
        var rows = ""
        #expect(
            try eventually {
                rows = try Program.run(query).output
                return rows.contains("file.remove|\(id)|not-found")
            }, "\(rows)")
        #expect(
            rows.contains("file.write|\(id)|accepted") && rows.contains("file.write|\(id)|not-found"),
            "\(rows)")
        #expect(!rows.contains("s3cret"))
    }
}

extension TestDaemon {
    /// An operation on files whose answer is an object, or nothing.
    func files(_ id: String, _ method: String, _ what: String?, _ query: String) throws -> Answer {
        try call(
            method,
            "/v1/sessions/\(id)/files" + (what.map { "/\($0)" } ?? "") + (query.isEmpty ? "" : "?\(query)"))
    }

    func put(_ id: String, _ path: String, _ content: String, _ query: String) throws -> Answer {
        let target = "/v1/sessions/\(id)/files/content?path=\(path)" + (query.isEmpty ? "" : "&\(query)")
        return try call("PUT", target, content)
    }

    func read(_ id: String, _ path: String, _ query: String = "") throws -> Answer {
        try files(id, "GET", "content", "path=\(path)" + (query.isEmpty ? "" : "&\(query)"))
    }

    func names(_ id: String, _ path: String) throws -> [String] {
        try files(id, "GET", nil, "path=\(path)")["files"]?.list.map { $0["path"]?.text ?? "" } ?? []
    }
}

extension TestDaemon.Answer {
    /// All of it.
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
