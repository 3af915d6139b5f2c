import Glibc
import TestSupport
import Testing
import Wire

/// Archives that come into a session's workspace, over the API.
@Suite(.serialized, IdmappedTmpfs.trait) struct ArchiveTests {
    /// - Parameter script: makes `data` with `tar`, `zip` and their modules.
    private func archive(_ script: String) throws -> [UInt8] {
        let prelude = """
            import gzip, io, os, sys, tarfile, zipfile
            out = io.BytesIO()
            def tarred(*files):
                with tarfile.open(fileobj=out, mode='w') as tar:
                    for name, data in files:
                        info = tarfile.TarInfo(name)
                        info.size = len(data)
                        tar.addfile(info, io.BytesIO(data))
                return out.getvalue()
            def zipped(*files):
                with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as zip:
                    for name, data in files: zip.writestr(name, data)
                return out.getvalue()

            """
        let outcome = try Program.run(
            ["/usr/bin/python3", "-c", prelude + script + "\nsys.stdout.buffer.write(data)"], timeout: 120)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.stdout
    }

    private func everything(_ daemon: TestDaemon, _ id: String) throws -> String {
        try daemon.exec(id, "find . | LC_ALL=C sort | tr '\\n' ' '").decoded("stdout")
    }

    @Test(arguments: [
        "data = tarred(('d/f', b'hello'), ('g', b'x' * 300000))",
        "data = gzip.compress(tarred(('d/f', b'hello'), ('g', b'x' * 300000)))",
        "data = zipped(('d/f', b'hello'), ('g', b'x' * 300000))",
    ])
    func `an archive becomes files of the plugin's own, in a new directory and in one that is there`(
        script: String
    ) throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let data = try archive(script)
        for (query, target) in [("path=new", "new/"), ("path=new/more", "new/more/"), ("", "")] {
            let answer = try daemon.unpack(id, data, query)
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.text("files") == "2" && answer.text("bytes") == "300005", "\(answer.text)")
            #expect(
                try daemon.exec(id, "cat \(target)d/f; stat -c ' %u %g' \(target)g").decoded("stdout")
                    == "hello 1000 1000\n")
        }
        #expect(try daemon.unpack(id, data, "path=none/x").error == "not-found")
        #expect(try daemon.unpack(id, data, "path=../x").error == "invalid")
        #expect(try daemon.unpack(id, data, "path=new").error == "conflict")
        #expect(try daemon.unpack(id, data, "path=new&replace=true").status == 200)
        #expect(!(try everything(daemon, id).contains(".corral-")))
    }

    private static let bad: [(script: String, says: String)] = [
        ("data = tarred(('a', b'x'), ('../x', b'x'))", ".. in it"),
        ("data = tarred(('a', b'x'), ('a', b'x'))", "twice"),
        ("data = tarred(('a', b'x'), ('A', b'x'))", "in case alone"),
        ("data = gzip.compress(tarred(('a', b'x'), ('b', bytes(19 << 20))))", "more than 100 times"),
        ("data = zipped(('a', b'x'), ('b', b'y')) + b'z'", "behind its end"),
        ("data = tarred(('a', b'x'), ('b', b'y' * 9000))[:5000]", "cut short"),
        ("data = b'neither'", "no tar archive"), ("data = b''", "empty"),
        ("data = tarred(*[(str(i), b'x') for i in range(101)])", "the 100 entries allowed"),
        ("data = tarred(('a', os.urandom(30 << 20)))", "bytes"),
    ]

    @Test func `a bad archive is refused as a whole, with its reason, and nothing is left`() throws {
        let daemon = try TestDaemon(["--set", "archives.entries=100", "--set", "archives.bytes=20MiB"])
        let id = try daemon.session()
        try daemon.exec(id, "mkdir d; echo old >d/old")
        let before = try everything(daemon, id)
        for (script, says) in Self.bad {
            let data = try archive(script)
            for path in ["new", "d", "."] {
                let refused = try daemon.unpack(id, data, "path=\(path)")
                #expect(refused.status >= 400, "\(script): \(refused.text)")
                #expect(refused.text.contains(says), "\(script): \(refused.text)")
            }
            #expect(eventually { (try? everything(daemon, id)) == before }, "\(script)")
        }
        let outcome = try Program.run(["ps", "-eo", "args"])
        #expect(!outcome.output.contains("corral-unpack workspace --entries 100 "), "an unpacker was left")
        // The same daemon takes a good one.
        #expect(try daemon.unpack(id, try archive("data = tarred(('a', b'x'))"), "").status == 200)
    }

    @Test func `an archive that does not fit leaves nothing, and all of the room is there again`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        // The workspace of the profile `default` has 64 MiB.
        let large = try archive("data = tarred(('f', os.urandom(80 << 20)))")
        let refused = try daemon.unpack(id, large, "path=new")
        #expect(refused.error == "no-space", "\(refused.text)")
        let zip = try archive("data = zipped(('f', os.urandom(80 << 20)))")
        #expect(try daemon.unpack(id, zip, "path=new").error == "no-space")
        #expect(try everything(daemon, id) == ". ")
        #expect(
            try eventually {
                try daemon.put(id, "g", String(repeating: "x", count: 40 << 20), "").status == 200
            })
    }

    @Test func `a client that goes away leaves nothing`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let socket = daemon.socket
        let script = """
            import socket, time
            s = socket.socket(socket.AF_UNIX)
            s.connect('\(socket)')
            s.sendall(b'PUT /v1/sessions/\(id)/files/archive?path=new HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 90000000\\r\\n\\r\\n')
            import io, tarfile
            out = io.BytesIO()
            tar = tarfile.open(fileobj=out, mode='w')
            info = tarfile.TarInfo('f')
            info.size = 80000000
            tar.addfile(info, io.BytesIO(bytes(80000000)))
            s.sendall(out.getvalue()[:3000000])
            time.sleep(0.5)
            """
        let outcome = try Program.run(["/usr/bin/python3", "-c", script], timeout: 120)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(eventually { (try? everything(daemon, id)) == ". " })
        #expect(try daemon.call("GET", "/v1/health").status == 200)
    }

    /// Links to a directory of the host's stand wherever the unpacker could look by name.
    @Test func `a program that swaps what is being unpacked gets nothing outside`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let swap = """
            while :; do for d in .corral-*; do
            [ -e "$d/d" ] && mv "$d/d" "gone$RANDOM" 2>/dev/null; ln -s \(directory.path) "$d/d" 2>/dev/null
            ln -s \(directory.path) "$d/e" 2>/dev/null; rm -f "$d/d/made" 2>/dev/null; done; done
            """
        let body = JSONText.object { $0.add("shell", swap) }.description
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/processes", body).status == 201)
        let data = try archive(
            "data = tarred(*[('d/%d/f%d' % (i % 7, i), b'x') for i in range(3000)], ('e/x', b'y'))")
        var (taken, refused) = (0, 0)
        for number in 0..<12 {
            let answer = try daemon.unpack(id, data, "path=new\(number)")
            if answer.status == 200 { taken += 1 } else { refused += 1 }
            #expect([200, 400, 409].contains(answer.status), "\(answer.text)")
        }
        #expect(refused > 0, "\(taken) taken: the swaps met nothing")
        #expect(File.names(in: directory.path).isEmpty)
    }

    @Test func `the end of the session ends it`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        let script = """
            import socket
            s = socket.socket(socket.AF_UNIX)
            s.connect('\(daemon.socket)')
            s.sendall(b'PUT /v1/sessions/\(id)/files/archive?path=new HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 9000\\r\\n\\r\\n' + bytes(100))
            s.settimeout(0.2)
            answer = b''
            while b'}}' not in answer:
                try:
                    more = s.recv(4096)
                    if not more: break
                    answer += more
                except TimeoutError:
                    try: s.sendall(b'\\0')
                    except OSError: pass
            print(answer.decode())
            """
        let slow = try Program(["/usr/bin/python3", "-c", script]).start()
        #expect(eventually { (try? everything(daemon, id).contains(".corral-")) ?? false })
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/kill", "{}").status == 200)
        let outcome = try slow.wait(timeout: 50 * Host.patience)
        #expect(outcome.status == 0 && outcome.output.contains("has ended"), "\(outcome.output)")
        #expect(
            eventually {
                let list = try? Program.run(["ps", "-eo", "ppid,args"]).output
                return list?.split(separator: "\n").contains {
                    $0.contains("corral-unpack workspace") && $0.hasPrefix("\(daemon.pid ?? 0) ")
                } == false
            })
    }

    @Test func `a directory comes as a zip file, which comes back as a directory`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.exec(
            id,
            "mkdir -p t/x; echo hello >t/x/f; chmod 755 t/x/f; ln -s x/f t/l; head -c 100000 /dev/urandom >t/r"
        )
        let archive = try daemon.files(id, "GET", "archive", "path=t&format=zip")
        #expect(archive.status == 200 && archive.bytes.starts(with: [0x50, 0x4B]))
        #expect(try daemon.unpack(id, archive.bytes, "path=back").status == 200)
        #expect(
            try daemon.exec(id, "diff -r t back/t && stat -c %a back/t/x/f && readlink back/t/l").decoded(
                "stdout")
                == "755\nx/f\n")
        #expect(try daemon.files(id, "GET", "archive", "path=t&format=rar").field == "format")
    }

    @Test func `a part of a file is had by Range, as browsers and downloaders ask`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.put(id, "f", "0123456789", "").status == 200)
        func ask(_ range: String, _ more: [String] = [], _ query: String = "") throws -> (String, String) {
            let outcome = try Program.run(
                daemon.curl(
                    "GET", "/v1/sessions/\(id)/files/content?path=f\(query)", nil,
                    ["-H", "Range: \(range)", "-w", "|%{http_code}|%header{content-range}|"] + more))
            let parts = outcome.output.split(separator: "|", omittingEmptySubsequences: false)
            return (parts.first.map(String.init) ?? "", parts.dropFirst().joined(separator: " "))
        }
        for (range, body, head) in [
            ("bytes=2-4", "234", "206 bytes 2-4/10 "), ("bytes=7-", "789", "206 bytes 7-9/10 "),
            ("bytes=-3", "789", "206 bytes 7-9/10 "), ("bytes=0-99", "0123456789", "206 bytes 0-9/10 "),
            ("bytes=-99", "0123456789", "206 bytes 0-9/10 "), ("bytes=4-2", "0123456789", "200  "),
            ("bytes=1-2,4-5", "0123456789", "200  "), ("lines=1-2", "0123456789", "200  "),
            ("bytes=x", "0123456789", "200  "),
        ] {
            let (got, told) = try ask(range)
            #expect(got == body && told == head, "\(range): \(got) \(told)")
        }
        for range in ["bytes=10-", "bytes=10-20", "bytes=-0"] {
            let (got, told) = try ask(range)
            #expect(
                told == "416 bytes */10 " && got.contains("\"code\":\"range\""), "\(range): \(got) \(told)")
        }
        #expect(try ask("bytes=2-4", ["-H", "If-Range: \"x\""]).1 == "200  ")
        #expect(try ask("bytes=2-4", [], "&offset=1").1.hasPrefix("400"))
    }
}

extension TestDaemon {
    /// Sends an archive to be unpacked.
    func unpack(_ id: String, _ archive: [UInt8], _ query: String) throws -> Answer {
        try unpack(at: "/v1/sessions/\(id)/files/archive", archive, query)
    }

    func unpack(at place: String, _ archive: [UInt8], _ query: String) throws -> Answer {
        let target = place + (query.isEmpty ? "" : "?\(query)")
        let outcome = try Program.run(
            curl("PUT", target, nil, ["-H", "Expect:", "--data-binary", "@-", "-w", "\n%{http_code}"]),
            stdin: archive, timeout: 300)
        let lines = outcome.stdout.split(separator: 0x0A, omittingEmptySubsequences: false)
        let status = Int(String(decoding: lines.last ?? [], as: UTF8.self)) ?? 0
        return Answer(
            status: status, bytes: Array(outcome.stdout.dropLast((lines.last?.count ?? 0) + 1)))
    }
}
