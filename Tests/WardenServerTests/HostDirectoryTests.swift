// Directories of the host as workspaces of sessions: whose files are in them, and who is kept out.

import CLinux
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@Suite(.serialized, .enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct HostDirectoryTests {
    @Test func `files keep the host owner's ids outside, and are the session's own inside`() throws {
        let bench = try DirectoryBench()
        let file = bench.alice + "/before"
        try File.write(Array("text\n".utf8), to: file, mode: 0o600)
        try DirectoryBench.give(file)
        let id = freshID()
        try bench.client.session(id, directory: bench.alice)
        let text = try bench.run(
            id, "cat before; echo more >>before; mkdir d; echo new >d/f; stat -c %u:%g . before d/f")
        #expect(text == "text\n1000:1000\n1000:1000\n1000:1000\n")
        for name in ["before", "d", "d/f"] {
            let status = DirectoryBench.status("\(bench.alice)/\(name)")
            #expect(status.st_uid == DirectoryBench.user && status.st_gid == DirectoryBench.group, "\(name)")
        }
        // A program of the host's writes meanwhile, by the same path.
        try File.write(Array("from the host\n".utf8), to: bench.alice + "/host", mode: 0o644)
        try DirectoryBench.give(bench.alice + "/host")
        #expect(try bench.run(id, "cat host") == "from the host\n")
        // No limit is told, since none holds.
        let entry = try #require(try bench.client.list().first { $0.session.id == id })
        #expect(entry.session.limits.workspace == VolumeAmounts())
        try bench.client.finish(id)
        #expect(File.text(file) == "text\nmore\n")
        #expect(try bench.run(bench.alice, "cat d/f") == "new\n")
        try bench.end()
    }

    @Test func `corrald has the files as its own, and what it writes is the host owner's`() throws {
        let (bench, id) = (try DirectoryBench(), freshID())
        try bench.client.session(id, directory: bench.alice)
        #expect(try bench.run(id, "echo mine >inside; ln -s /etc/shadow link") == "")
        do {
            let top = try bench.files(of: id)
            #expect(try top.value.text(of: "inside") == "mine\n")
            try top.value.write("from corrald\n", to: "given")
            #expect(throws: SystemError.self) { _ = try top.value.open("link", O_RDONLY, resolve: .beneath) }
            var found = statvfs()
            #expect(unsafe fstatvfs(top.value.number, &found) == 0)
            let flags = UInt(ST_NOSUID) | 4 | 8
            #expect(found.f_flag & flags == flags, "nosuid, nodev and noexec")
        }
        #expect(DirectoryBench.status(bench.alice + "/given").st_uid == DirectoryBench.user)
        #expect(try bench.run(id, "cat given; stat -c %u given") == "from corrald\n1000\n")
        try bench.client.finish(id)
        let before = try bench.descriptors()
        // Nothing is kept of sessions that are gone.
        for _ in 0..<3 { #expect(try bench.run(bench.alice, "true") == "") }
        #expect(try eventually { try bench.descriptors() == before })
        try bench.end()
    }

    @Test func `a read-only profile reads it, and neither the session nor corrald writes`() throws {
        let (bench, id) = (try DirectoryBench(), freshID())
        try File.write(Array("read me\n".utf8), to: bench.alice + "/f", mode: 0o644)
        try bench.client.session(id, profile: "offline_readonly", directory: bench.alice)
        let text = try bench.run(id, "cat f; echo x >g")
        #expect(text.hasPrefix("read me\n") && text.contains("Read-only file system"), "\(text)")
        let top = try bench.files(of: id)
        let refused = #expect(throws: SystemError.self) { try top.value.write("x", to: "g") }
        #expect(refused?.errno == .readOnlyFileSystem)
        try bench.client.finish(id)
        try bench.end()
    }

    // MARK: Which directory

    /// The control is the same warden without its resolver, which follows what a naive open(2) follows.
    @Test func `a link that is swapped in below the root leads nowhere`() throws {
        for name in ["alice", "alice/deep/er"] {
            let naive = try DirectoryBench(without: "path-resolver")
            try naive.swap(name)
            let got = try naive.run("\(naive.root)/\(name)", "cat secret")
            #expect(got == "bait\n", "the control does not get out: \(got)")
            try naive.end()
            let bench = try DirectoryBench()
            try bench.swap(name)
            let refused = try bench.refusal(of: "\(bench.root)/\(name)")
            #expect(refused.code == .order && refused.limit == "directory", "\(refused)")
            #expect(refused.sentence.contains("symbolic link"), "\(refused.sentence)")
            try bench.end()
        }
    }

    @Test func `while directories and links are swapped without end, no session gets out`() throws {
        let bench = try DirectoryBench()
        let (place, spare) = (bench.alice, bench.root + "/spare")
        try File.write(Array("good\n".utf8), to: place + "/secret", mode: 0o644)
        try DirectoryBench.link(bench.outside, at: spare)
        let exchange = """
            import ctypes, sys
            libc = ctypes.CDLL(None)
            a, b = (name.encode() for name in sys.argv[1:])
            while libc.renameat2(-100, a, -100, b, 2) == 0: pass
            """
        let swapper = try Program(["python3", "-c", exchange, place, spare]).start()
        defer {
            _ = try? swapper.signal(SIGKILL)
            _ = try? swapper.wait(timeout: 60)
        }
        var (inside, refused) = (0, 0)
        for _ in 0..<400 where inside < 5 || refused < 5 {
            let id = freshID()
            let order = SessionOrder(id: id, profile: "default", directory: place)
            switch try bench.client.ask(.create(order)) {
            case .refused(let refusal):
                #expect(refusal.code == .order, "\(refusal)")
                refused += 1
            default:
                try bench.client.wait("the session") {
                    bench.client.events.contains { if case .ready(id, _, _, _) = $0 { true } else { false } }
                }
                #expect(try bench.run(id, "cat secret") == "good\n")
                try bench.client.finish(id)
                inside += 1
            }
        }
        #expect(inside > 0 && refused > 0, "\(inside) inside, \(refused) refused")
        try bench.end()
    }

    @Test func `what is outside of the roots is refused, however it is written`() throws {
        let bench = try DirectoryBench()
        try File.makeDirectories(bench.directory("shared-too"))
        try DirectoryBench.give(bench.directory("shared-too"))
        for path in [bench.outside, bench.directory("shared-too"), "/srv", bench.directory.path] {
            let refused = try bench.refusal(of: path)
            #expect(refused.code == .ceiling && refused.limit == "directory", "\(path): \(refused)")
            #expect(refused.sentence.contains(bench.root), "\(refused.sentence)")
        }
        // Where nothing is allowed, nothing is.
        let closed = try DirectoryBench(roots: [])
        #expect(try closed.refusal(of: closed.alice).code == .ceiling)
        #expect(try closed.refusal(of: closed.alice).sentence.contains("mounts"))
        try closed.end()
        try bench.end()
    }

    @Test func `what is no directory, not there, root's, or Corral's own is refused`() throws {
        let bench = try DirectoryBench()
        try File.write([], to: bench.root + "/file", mode: 0o644)
        _ = unsafe mkfifo(bench.root + "/fifo", 0o644)
        for (name, owner) in [("root", (0, 0)), ("roots group", (23_456, 0)), ("root user", (0, 23_457))] {
            try File.makeDirectories("\(bench.root)/\(name)")
            try DirectoryBench.own("\(bench.root)/\(name)", UInt32(owner.0), UInt32(owner.1))
        }
        let cases = [
            ("file", "Not a directory"), ("fifo", "Not a directory"), ("none", "no such directory"),
            ("root", "chown"), ("roots group", "chown"), ("root user", "chown"),
            ("alice/none/at/all", "no such"),
        ]
        for (name, word) in cases {
            let refused = try bench.refusal(of: "\(bench.root)/\(name)")
            #expect(refused.code == .order && refused.limit == "directory", "\(name): \(refused)")
            #expect(refused.sentence.lowercased().contains(word.lowercased()), "\(name): \(refused.sentence)")
        }
        let state = bench.warden.directory("state")
        let own = try DirectoryBench([
            "--ceiling", "mount-root=\(state)", "--ceiling", "mount-never=\(state)",
        ])
        #expect(try own.refusal(of: state).sentence.contains("no sandbox may see"))
        try own.end()
        try bench.end()
    }

    // MARK: What is in it

    @Test func `root's and other users' files there cannot be written, whatever their modes`() throws {
        let bench = try DirectoryBench()
        for (name, owner) in [("root", UInt32(0)), ("other", 23_999), ("own", DirectoryBench.user)] {
            let path = bench.alice + "/" + name
            try File.write(Array("whole\n".utf8), to: path, mode: 0o666)
            try DirectoryBench.own(path, owner, name == "own" ? DirectoryBench.group : owner)
            _ = unsafe chmod(path, 0o666)
        }
        // The control is a host's process with the same user, which these modes let in.
        let asUser = ["setpriv", "--reuid", "23456", "--regid", "23457", "--clear-groups"]
        for name in ["root", "other"] {
            let naive = try Program.run(asUser + ["sh", "-c", "echo x >>\(bench.alice)/\(name)"])
            #expect(naive.status == 0, "the control is kept out: \(naive.errors)")
        }
        let text = try bench.run(
            bench.alice,
            "for f in root other own; do (echo y >>$f) && echo wrote $f; rm -f $f && echo removed $f; done; "
                + "(mv root taken || chmod 777 root || chown 1000 root || ln root second) 2>/dev/null || echo whole"
        )
        let said = text.split(separator: "\n").map(String.init)
        #expect(
            said.filter { $0.hasPrefix("wrote") || $0.hasPrefix("removed") } == ["wrote own", "removed own"],
            "\(text)")
        #expect(said.last == "whole")
        for name in ["root", "other"] { #expect(File.text(bench.alice + "/" + name) == "whole\nx\n") }
        try bench.end()
    }

    @Test func `setuid files and devices there give nothing, and none can be made`() throws {
        let bench = try DirectoryBench()
        let (program, device) = (bench.alice + "/suid", bench.alice + "/zero")
        try File.write(try File.read("/usr/bin/id"), to: program, mode: 0o755)
        try DirectoryBench.give(program)
        _ = unsafe chmod(program, 0o6755)
        // /dev/zero (makedev(3): 1, 5).
        #expect(unsafe mknod(device, S_IFCHR | 0o666, 1 << 8 | 5) == 0)
        try DirectoryBench.give(device)
        // The controls, outside: another user becomes the file's owner, and the device is read.
        let other = ["setpriv", "--reuid", "23999", "--regid", "23999", "--clear-groups"]
        #expect(try Program.run(other + [program, "-u"]).output == "23456\n")
        #expect(try Program.run(["head", "-c", "1", device]).stdout == [0])
        let naive = try DirectoryBench(without: "nosuid-nodev")
        try naive.plant(device: "zero")
        #expect(try naive.run(naive.alice, "head -c 1 zero | wc -c") == "1\n")
        try naive.end()
        let text = try bench.run(
            bench.alice,
            """
            ./suid -u; head -c 1 zero | wc -c; chmod 4755 suid; cp suid made; chmod 4755 made
            mknod made-device c 1 5; grep -o ' /workspace .*' /proc/self/mountinfo | cut -d' ' -f3
            """)
        let said = text.split(separator: "\n").map(String.init)
        #expect(said.first == "1000" && said.contains("0"), "\(text)")
        #expect(
            text.contains("Permission denied") && said.contains { $0.contains("nosuid,nodev") }, "\(text)")
        #expect(DirectoryBench.status(bench.alice + "/made").st_mode & 0o6000 == 0)
        #expect(!File.exists(bench.alice + "/made-device"))
        try bench.end()
    }

    @Test func `an ordinary user's warden says that it cannot`() throws {
        let warden = try TestWarden(
            allowing: DirectoryBench.user, ["--ceiling", "mount-root=/tmp"], user: DirectoryBench.user)
        let client = try Client(warden.socket)
        let order = SessionOrder(id: freshID(), profile: "default", directory: warden.directory.path)
        let refused = try client.refusal(of: .create(order))
        #expect(
            refused.code == .unsupported && refused.sentence.contains("corral run --workspace"), "\(refused)")
        _ = try warden.end()
    }
}
