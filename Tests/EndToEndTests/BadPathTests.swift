// Commands, workspaces and upstreams that cannot be used.

import Glibc
import Linux
import TestSupport
import Testing

@Suite struct BadPathTests {
    @Test(arguments: [
        Refusal("missing", ["nonexistent"], code: 127, says: "nonexistent: not found in the sandbox"),
        Refusal("missing path", ["/usr/bin/nonexistent"], code: 127, says: "/usr/bin/nonexistent", "ENOENT"),
        Refusal(
            "below a file", ["/etc/passwd/x"], code: 127, says: "/etc/passwd/x: not found in the sandbox"),
        Refusal(
            "not executable", ["/etc/passwd"], code: 126, says: "/etc/passwd", "cannot be executed", "EACCES"),
        Refusal("directory", ["/usr"], code: 126, says: "/usr", "cannot be executed", "EACCES"),
        Refusal(
            "5,000 bytes", [BadCommandLineTests.longPath], code: 126, says: "cannot be executed", "bytes)",
            "ENAMETOOLONG"),
        Refusal("line feed", ["a\nb"], code: 127, says: #"a\u{a}b: not found"#),
        Refusal(
            "of the host only", ["/root/program"], code: 127, says: "/root/program: not found in the sandbox"),
    ])
    func `a command that is none is refused`(refusal: Refusal) throws {
        try refusal.check()
    }

    @Test func `a script needs its interpreter, and one without any is not executable`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("missing", "#!/nonexistent/sh\necho hello\n", mode: 0o755)
        try directory.write("none", "echo hello\n", mode: 0o755)
        try directory.write("plain", "#!/bin/sh\necho hello\n")
        try directory.write("good", "#!/bin/sh\necho hello\n", mode: 0o755)
        let workspace = ["--workspace", directory.path, "--"]
        let missing = workspace + ["./missing"]
        try Refusal("", missing, code: 127, says: "./missing", "interpreter", "ENOENT").check()
        try Refusal("", workspace + ["./none"], code: 126, says: "./none", "ENOEXEC").check()
        try Refusal("", workspace + ["./plain"], code: 126, says: "./plain", "EACCES").check()
        #expect(try Corral.run(workspace + ["./good"]).output == "hello\n")
    }

    @Test func `a workspace that is no directory of the host is refused and left as it is`() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("file", "text")
        try directory.write("real/inside", "text")
        for (link, target) in [("link", "real"), ("etc", "/etc")] {
            _ = try call("symlink") { unsafe symlink(target, directory(link)) }
        }
        let before = File.names(in: "/etc")
        let (missing, link, etc) = (directory("missing"), directory("link"), directory("etc"))
        let cases = [
            Refusal("", ["--workspace", file], says: "--workspace", file, "not a directory"),
            Refusal("", ["--workspace", missing], says: "--workspace", missing, "no such directory"),
            Refusal("", ["--workspace", link], says: "--workspace", link, "symbolic link"),
            Refusal("", ["--workspace", etc], says: "--workspace", etc, "symbolic link"),
            Refusal("", ["--workspace", "\(etc)/ssl"], says: "--workspace", "\(etc)/ssl", "symbolic link"),
            Refusal("", ["--workspace", ""], says: "--workspace", "empty"),
            Refusal(
                "", ["--workspace", BadCommandLineTests.longPath], says: "--workspace", "bytes)", "too long"),
        ]
        for var refusal in cases {
            refusal.words += ["touch", "made"]
            try refusal.check()
        }
        #expect(File.names(in: directory.path) == ["etc", "file", "link", "real"])
        #expect(File.names(in: directory("real")) == ["inside"])
        #expect(File.text(file) == "text")
        #expect(File.names(in: "/etc") == before)
    }

    @Test func `an upstream that cannot be connected to starts nothing`() throws {
        let directory = try TemporaryDirectory()
        let workspace = directory("workspace")
        try File.makeDirectories(workspace)
        let file = try directory.write("file", "")
        let socket = directory("socket")
        let bind = "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])"
        #expect(try Program.run([Corral.python, "-c", bind, socket]).status == 0)
        let missing = directory("missing")
        let cases = [
            Refusal("", ["tgo=\(missing)"], says: missing, "no such file", "start the host application"),
            Refusal("", ["tgo=\(file)"], says: file, "not a socket", "regular file"),
            Refusal("", ["tgo=\(workspace)"], says: workspace, "not a socket", "directory"),
            Refusal("", ["tgo=\(socket)"], says: socket, "connection refused"),
            Refusal("", ["tgo=\(BadCommandLineTests.longPath)"], says: "bytes)", "at most 4095"),
            Refusal("", ["tgo="], says: "path", "missing"),
            Refusal("", ["tog=\(socket)"], says: "unknown dialect \"tog\"", "did you mean tgo?"),
            Refusal("", ["xml=\(socket)"], says: "unknown dialect \"xml\"", "expected tgo"),
            Refusal("", [socket], says: socket, "DIALECT=SOCKET"),
        ]
        for var refusal in cases {
            refusal.words = ["--workspace", workspace, "--relay"] + refusal.words + ["touch", "made"]
            refusal.says.append("--relay")
            try refusal.check()
        }
        #expect(File.names(in: workspace) == [])
    }
}
