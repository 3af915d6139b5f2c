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

    @Test func `a directory of many files goes in, and replaces what has their names`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        let directory = try TemporaryDirectory()
        let made = try Program.run(
            [
                "sh", "-ec",
                "mkdir t; cd t; for d in 1 2 3 4 5; do mkdir $d; (cd $d; seq 1 400 | xargs touch; echo x >7); done; touch Case case",
            ], directory: directory.path)
        try #require(made.status == 0, "\(made.errors)")
        for _ in 0..<2 {
            let done = try copy(daemon, directory("t"), "web:")
            #expect(done.status == 0 && done.errors == "", "\(done.errors)")
        }
        #expect(
            try daemon.exec(id, "find t -type f | wc -l; cat t/3/7; find . -name '.corral*'").decoded(
                "stdout")
                == "2002\nx\n")
        // One name that is taken by a directory, and nothing of the rest comes.
        try daemon.exec(id, "rm -r t; mkdir -p t/Case")
        let refused = try copy(daemon, directory("t") + "/.", "web:t")
        #expect(refused.status == 1 && refused.errors.contains("Case"), "\(refused.errors)")
        #expect(try daemon.exec(id, "find t").decoded("stdout") == "t\nt/Case\n")
    }

    @Test func `a deep tree and a device at the target's name end the copy with a reason`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        let directory = try TemporaryDirectory()
        try daemon.exec(
            id, "mkdir deep; cd deep; i=0; while [ $i -lt 150 ]; do mkdir d; cd d; i=$((i+1)); done")
        let deep = try copy(daemon, "web:deep", directory("deep"))
        #expect(deep.status == 1 && deep.errors.contains("100 directories deep"), "\(deep.errors)")
        try daemon.exec(id, "mkdir out; echo x >out/pipe; echo x >out/null")
        try File.makeDirectories(directory("out"))
        #expect(unsafe mkfifo(directory("out/pipe"), 0o600) == 0)
        let pipe = try copy(daemon, "web:out/.", directory("out"))
        #expect(pipe.status == 1 && pipe.errors.contains("pipe"), "\(pipe.errors)")
        if Host.isRoot {
            let device = try Program.run(["mknod", directory("out/null"), "c", "1", "3"])
            guard device.status == 0 else { return print("not tried: no device can be made here") }
            let refused = try copy(daemon, "web:out/null", directory("out"))
            #expect(refused.status == 1 && refused.errors.contains("null"), "\(refused.errors)")
        }
    }

    @Test func `what happens to names is printed, until the directory is gone`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"name":"web"}"#)
        try daemon.exec(id, "mkdir -p d/e")
        let words = [Product.path("corral"), "session", "files", "--watch"]
        let lines = try Program(words + ["-r", "web", "d"], environment: daemon.environment).start()
        let objects = try Program(words + ["-o", "jsonl", "web", "d"], environment: daemon.environment)
            .start()
        for (watcher, text) in [
            (lines, "created d/e/probe\n"), (objects, #"{"type":"created","path":"d/probe""#),
        ] {
            #expect(
                eventually {
                    _ = try? daemon.exec(id, "touch d/probe d/e/probe; rm d/probe d/e/probe")
                    return (try? watcher.waitForText(text, within: 1)) ?? false
                }, "\(watcher.outputSoFar) \(watcher.errorsSoFar)")
        }
        try daemon.exec(id, "mkdir d/new; rm -r d")
        let (said, told) = (try lines.wait(timeout: 60), try objects.wait(timeout: 60))
        #expect(said.status == 0 && said.output.contains("created d/new/\n"), "\(said.output)")
        #expect(said.output.hasSuffix("gone d/\n") || said.output.hasSuffix("gone d\n"), "\(said.output)")
        #expect(told.status == 0 && told.output.contains(#""type":"gone""#), "\(told.output)")
        let wrong = try Program.run(
            [Product.path("corral"), "session", "files", "-r", "web"], environment: daemon.environment)
        #expect(wrong.status == 1 && wrong.errors.contains("--watch"))
    }
}
