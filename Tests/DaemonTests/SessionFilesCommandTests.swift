import Glibc
import TestSupport
import Testing
import Wire

/// `corral cp` and `corral session files`.
@Suite(.serialized, IdmappedTmpfs.trait) struct SessionFilesCommandTests {
    private func copy(
        _ daemon: TestDaemon, _ words: String..., stdin: [UInt8]? = nil
    ) throws -> Program.Outcome {
        try Program.run(
            [Product.path("corral"), "cp"] + words, environment: daemon.environment, stdin: stdin,
            timeout: 120)
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try File.read(path), as: UTF8.self)
    }

    @Test func `a file goes in and out by docker's rules for names`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        let directory = try TemporaryDirectory()
        try File.write(Array("one".utf8), to: directory("a.sh"), mode: 0o750)
        try daemon.exec(id, "mkdir d")
        for target in ["web:", "web:d", "web:d/b", "web:/workspace/d/c", "web:d/b"] {
            let done = try copy(daemon, directory("a.sh"), target)
            #expect(done.status == 0 && done.output == "" && done.errors == "", "\(target): \(done.errors)")
        }
        #expect(try daemon.names(id, "d") == ["d/a.sh", "d/b", "d/c"])
        #expect(try daemon.exec(id, "stat -c %a a.sh; cat d/b").decoded("stdout") == "750\none")
        try File.makeDirectories(directory("out"))
        #expect(try copy(daemon, "web:d/b", directory("out")).status == 0)
        #expect(try copy(daemon, "web:/workspace/a.sh", directory("copy")).status == 0)
        #expect(try text(directory("out/b")) == "one" && text(directory("copy")) == "one")
        #expect(try Program.run(["stat", "-c", "%a", directory("copy")]).output == "750\n")
    }

    @Test func `directories go in and out with all that is in them, but for links`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        let directory = try TemporaryDirectory()
        for name in ["t/x/y", "t/empty"] { try File.makeDirectories(directory(name)) }
        for (name, mode) in [("t/f", 0o644), ("t/x/y/数 据\n", 0o600), ("t/x/run", 0o755)] {
            try File.write(Array(name.utf8), to: directory(name), mode: mode_t(mode))
        }
        _ = try Program.run(["ln", "-s", "/etc/shadow", directory("t/link")])
        let done = try copy(daemon, directory("t"), "web:new")
        #expect(done.status == 0 && done.errors.contains("left out"), "\(done.errors)")
        #expect(try copy(daemon, directory("t"), "web:new").status == 0)
        #expect(try copy(daemon, directory("t") + "/.", "web:flat").status == 0)
        let listed = try daemon.exec(id, "find . -type f | sort").decoded("stdout")
        let files = ["f", "x/run", "x/y/数 据\n"]
        for place in ["new", "new/t", "flat"] {
            for file in files { #expect(listed.contains("./\(place)/\(file)"), "\(listed)") }
        }
        try daemon.exec(id, "ln -s /etc/passwd flat/up; mkfifo flat/pipe")
        let out = try copy(daemon, "web:flat", directory("back"))
        #expect(out.status == 0 && out.errors.split(separator: "\n").count == 2, "\(out.errors)")
        let difference = try Program.run([
            "diff", "-r", "--no-dereference", directory("t"), directory("back"),
        ])
        #expect(difference.output == "Only in \(directory("t")): link\n", "\(difference.output)")
        #expect(try copy(daemon, "web:.", directory("back")).status == 0)
        #expect(File.names(in: directory("back")).contains("new"))
    }

    @Test func `standard input and output are the bytes of one file, of any size`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let done = try copy(daemon, "-", "web:data", stdin: bytes)
        #expect(done.status == 0 && done.errors == "", "\(done.errors)")
        #expect(try copy(daemon, "web:data", "-").stdout == bytes)
        #expect(try copy(daemon, "-", "web:data", stdin: []).status == 0)
        #expect(try copy(daemon, "web:data", "-").stdout == [])
        #expect(try daemon.names(id, ".") == ["data"])
    }

    @Test func `a directory on standard output is a tar file`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        try daemon.exec(
            id, "mkdir -p d/e; head -c 700000 /dev/zero >d/e/big; echo x >d/f; ln -s f d/l; mkfifo d/p")
        let directory = try TemporaryDirectory()
        let line = "${corral% session} cp web:d - | tar xf - -C \(directory.path)"
        let done = try daemon.pipeline(line)
        #expect(done.status == 0 && done.errors == "", "\(done.errors)")
        let listed = try Program.run(["find", directory("d"), "-printf", "%P %y %s\\n"]).output
        #expect(
            listed.split(separator: "\n").filter { !$0.contains(" d ") }.sorted()
                == ["e/big f 700000", "f f 2", "l l 1"], "\(listed)")
        #expect(try copy(daemon, "web:none", "-").status == 1)
    }

    private static let refusals: [(words: [String], says: String)] = [
        (["web:f", "web:g"], "both are in sessions"), (["f", "g"], "neither is in a session"),
        (["-", "-"], "neither is in a session"), (["no/such", "web:"], "no such file or directory"),
        (["web:none", "."], "is not there"), (["web:../x", "."], "has .."),
        (["web:/etc/passwd", "."], "outside of the workspace"), (["none:f", "."], "none"),
        ([":f", "."], "no session"), (["web:f", "/no/such/x"], "no/such"),
        (["web:d", "/etc/hostname"], "no directory"),
        (["/etc", "web:f"], "is no directory"), (["/etc/hostname", "web:none/"], "has no directory"),
        (["web:pipe", "."], "FIFO"), (["/dev/null", "web:x"], "neither a file nor a directory"),
        (["", "web:x"], "empty"),
    ]

    @Test func `what cannot be copied is one line and changes nothing`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        try daemon.exec(id, "echo >f; mkdir d; mkfifo pipe")
        for (words, says) in SessionFilesCommandTests.refusals {
            let refused = try Program.run(
                [Product.path("corral"), "cp"] + words, environment: daemon.environment, timeout: 60)
            #expect(refused.status == 1 && refused.errors.contains(says), "\(words): \(refused.errors)")
            #expect(
                refused.errors.split(separator: "\n").count <= 2 && refused.output == "", "\(refused.errors)")
        }
        #expect(try daemon.names(id, ".") == ["d", "f", "pipe"])
        #expect(!File.names(in: ".").contains("pipe"), "an empty file was made of what cannot be read")
        #expect(try Program.run([Product.path("corral"), "cp", "web:f"]).status == 2)
    }

    /// More than there is room for, from a pipe: nobody knows its length before.
    @Test func `a copy that does not fit is told, and the file that was there stays`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        #expect(try daemon.put(id, "f", "before", "").status == 200)
        let line = "head -c 3000000000 /dev/zero | ${corral% session} cp - web:f"
        let done = try daemon.pipeline(line)
        #expect(done.status == 1 && done.errors.contains("no room"), "\(done.errors)")
        #expect(try daemon.read(id, "f").text == "before")
        #expect(try daemon.names(id, ".") == ["f"])
    }

    @Test func `files are listed as tables, names and objects`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        try daemon.exec(
            id, "mkdir d; printf 12345 >f; chmod 640 f; ln -s f l; printf x >\"$(printf 'a\\033[31m')\"")
        let table = try daemon.corral("files", "web").output.split(separator: "\n").map(String.init)
        #expect(table.count == 5 && table[0].hasPrefix("MODE"), "\(table)")
        #expect(
            table.contains { $0.hasPrefix("-rw-r-----") && $0.contains("5 B") && $0.hasSuffix(" f") },
            "\(table)")
        #expect(table.contains { $0.hasPrefix("l") && $0.hasSuffix("l -> f") })
        #expect(table.allSatisfy { !$0.utf8.contains(0x1B) }, "\(table)")
        let names = try daemon.corral("files", "-q", "web").output
        #expect(!names.utf8.contains(0x1B) && names.hasSuffix("d\nf\nl\n"), "\(names)")
        #expect(try daemon.corral("files", "-q", "web", "/workspace/f").output == "f\n")
        let objects = try JSONTree(parsing: daemon.corral("files", "-o", "json", "web").stdout)
        #expect(objects.list.count == 4)
        #expect(try daemon.corral("files", "web", "none").status == 1)
        #expect(try daemon.corral("files", "web", "d").output.split(separator: "\n").count == 1)
    }
}
