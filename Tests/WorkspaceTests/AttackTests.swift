import CLinux
import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// Names that a plugin plants to lead whoever reads, writes, lists and removes astray.
///
/// Each has a control: the same request made by a path, as a naive implementation does, gets there.
@Suite struct AttackTests {
    /// What does the same with paths and follows whatever there is.
    private struct Naive {
        let root: String

        func read(_ path: String) -> String? { File.text("\(root)/\(path)") }

        func write(_ text: String, to path: String) {
            try? File.write(Array(text.utf8), to: "\(root)/\(path)")
        }

        func names(_ path: String) -> [String] { File.names(in: "\(root)/\(path)") }

        func changeMode(_ path: String) -> Bool { unsafe chmod("\(root)/\(path)", 0o777) == 0 }
    }

    private func naive(_ yard: Yard) -> Naive { Naive(root: yard.directory("inside")) }

    /// Ways out of the workspace to the file `secret` beside it, each as a script.
    private static let ways = [
        "ln -s ../outside/secret f", "ln -s \"$PWD/../outside/secret\" f",
        "mkdir d; ln -s ../../outside/secret d/g; ln -s d/g f",
        "ln -s ../outside o; ln -s o/secret f", "ln -s \"$(realpath ../outside)\" o; ln -s o/secret f",
        "ln -s . a; ln -s a/a/a/../outside/secret f",
    ]

    @Test(arguments: ways)
    func `a link out is not read, written or listed`(way: String) throws {
        let yard = try Yard(way)
        let before = try yard.outside()
        let path = try WorkspacePath("f")
        #expect(naive(yard).read("f") == Yard.secret, "the control: a path does lead out")
        let error = #expect(throws: WorkspaceError.self) { _ = try yard.files.openToRead(path) }
        #expect(error?.code == .outside)
        #expect(error?.description.contains("secret") == false)
        #expect(code { _ = try yard.files.openToWrite(path, .appending) } == .notRegular)
        #expect(code { _ = try yard.files.openToWrite(path, .atOffsets, creating: 0o600) } == .notRegular)
        #expect(code { _ = try yard.files.list(path) } == .outside)
        #expect(code { _ = try yard.files.watch(path) } == .outside)
        #expect(try yard.files.entry(path).status.kind == .symlink)
        try yard.files.copy(path, to: WorkspacePath("copy"))
        #expect(try yard.files.entry(WorkspacePath("copy")).status.kind == .symlink)
        try yard.files.move(path, to: WorkspacePath("g"))
        try yard.write("mine", to: "g")
        #expect(try yard.text("g") == "mine")
        #expect(try yard.outside() == before)
        // The control again, for writing: what was kept is changed by it.
        try yard.shell("rm -rf g d o a; \(way)")
        naive(yard).write("overwritten", to: "f")
        #expect(try yard.outside() != before)
    }

    @Test func `what is out there cannot be told from what is not`() throws {
        let yard = try Yard("ln -s /etc/passwd there; ln -s /etc/no-such-file away; ln -s /root/x closed")
        var said: Set<String> = []
        for name in ["there", "away", "closed"] {
            let error = #expect(throws: WorkspaceError.self) {
                _ = try yard.files.openToRead(WorkspacePath(name))
            }
            said.insert(error?.problem ?? "")
        }
        #expect(said.count == 1)
        #expect(naive(yard).read("there") != nil && naive(yard).read("away") == nil)
    }

    @Test func `a directory that is a link out takes nothing in`() throws {
        let yard = try Yard("ln -s ../outside d; printf x >f; mkdir -p t/u; ln -s ../../outside t/u/l")
        let before = try yard.outside()
        let inside = try WorkspacePath("d/new")
        #expect(code { try yard.write("x", to: "d/new") } == .outside)
        #expect(code { _ = try yard.files.openToWrite(inside, .appending, creating: 0o600) } == .outside)
        #expect(code { try yard.files.makeDirectory(inside) } == .outside)
        #expect(code { try yard.files.makeDirectory(WorkspacePath("d/a/b"), parents: true) } == .outside)
        #expect(code { try yard.files.move(WorkspacePath("f"), to: inside) } == .outside)
        #expect(code { try yard.files.copy(WorkspacePath("f"), to: inside) } == .outside)
        #expect(code { try yard.files.move(WorkspacePath("d/secret"), to: WorkspacePath("s")) } == .outside)
        #expect(code { try yard.files.copy(WorkspacePath("d/secret"), to: WorkspacePath("s")) } == .outside)
        #expect(code { try yard.files.remove(WorkspacePath("d/secret")) } == .outside)
        #expect(code { try yard.files.remove(WorkspacePath("d/tree"), recursive: true) } == .outside)
        #expect(code { try yard.files.remove(WorkspacePath("d/"), recursive: true) } == .notDirectory)
        try yard.files.remove(WorkspacePath("t"), recursive: true)
        try yard.files.remove(WorkspacePath("d"), recursive: true)
        #expect(try yard.outside() == before)
        #expect(try yard.listing() == "f f 644 1 \n")
        // The control: a path goes there.
        try yard.shell("ln -s ../outside d")
        naive(yard).write("x", to: "d/new")
        #expect(try yard.outside() != before)
    }

    @Test func `a link of the kernel's is not followed`() throws {
        let yard = try Yard()
        let secret = try FileDescriptor.open(yard.directory("outside/secret"), O_RDONLY)
        // A proc that was bound in would have them; here is the one there is.
        let proc = try WorkspaceFiles(FileDescriptor.open("/proc/self", O_RDONLY | O_DIRECTORY))
        for path in ["root", "cwd", "exe", "fd/\(secret.number)", "root/etc/passwd"] {
            let found = code { _ = try proc.openToRead(WorkspacePath(path)) }
            #expect(found == .links || found == .outside, "\(path): \(found.map { "\($0)" } ?? "opened")")
        }
        #expect(File.text("/proc/self/fd/\(secret.number)") == Yard.secret, "the control")
        try yard.shell("ln -s /proc/self/root/etc/passwd p; ln -s /proc/\(getpid())/fd/\(secret.number) q")
        #expect(naive(yard).read("q") == Yard.secret, "the control")
        for name in ["p", "q"] {
            #expect(code { _ = try yard.files.openToRead(WorkspacePath(name)) } == .outside)
        }
    }

    @Test func `a hard link keeps what it had when its other name is replaced`() throws {
        let yard = try Yard("ln ../outside/secret f; ln ../outside/secret g")
        let mode = try FileDescriptor.open(yard.directory("outside/secret"), O_RDONLY).status().mode
        try yard.write("replaced", to: "f", mode: 0o777)
        try yard.files.copy(WorkspacePath("f"), to: WorkspacePath("g"), replacing: true)
        try yard.shell("ln ../outside/secret h")
        try yard.files.remove(WorkspacePath("h"))
        #expect(File.text(yard.directory("outside/secret")) == Yard.secret)
        #expect(try FileDescriptor.open(yard.directory("outside/secret"), O_RDONLY).status().mode == mode)
        try yard.shell("ln ../outside/secret h")
        naive(yard).write("overwritten", to: "h")
        #expect(naive(yard).changeMode("h"))
        #expect(File.text(yard.directory("outside/secret")) == "overwritten", "the control")
    }

    @Test(.timeLimit(.minutes(20))) func `a FIFO, a socket and a device are refused and not waited for`()
        throws
    {
        let yard = try Yard(
            "mkfifo p; ln -s p l; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")'")
        var names = ["l", "p", "s"]
        if Host.isRoot {
            try yard.shell("mknod null c 1 3; mknod loop b 7 0; mknod tty c 5 0")
            names += ["null", "loop", "tty"]
        }
        for name in names {
            let path = try WorkspacePath(name)
            let error = #expect(throws: WorkspaceError.self) { _ = try yard.files.openToRead(path) }
            #expect(error?.code == .notRegular && error?.problem.contains("regular file") == true)
            #expect(code { _ = try yard.files.openToWrite(path, .appending) } == .notRegular)
            #expect(code { _ = try yard.files.openToWrite(path, .atOffsets, creating: 0o600) } == .notRegular)
            #expect(code { _ = try yard.files.list(path) } == .notDirectory)
            // A replacement takes the name and does nothing to what had it.
            try yard.write("x", to: name)
            #expect(try yard.text(name) == "x")
        }
        // The control: opened by its path a FIFO keeps whoever reads it, here for as long as it is let.
        try yard.shell("mkfifo q")
        let naive = try Program.run(["timeout", "0.5", "cat", yard("q")])
        #expect(naive.status == 124)
    }

    @Test(.enabled(if: Host.isRoot, "leases of another user's need root"), .timeLimit(.minutes(20)))
    func `a file that is leased is refused and not waited for`() throws {
        let yard = try Yard("printf x >f")
        let holder = try FileDescriptor.open(yard("f"), O_RDWR)
        let number = holder.number
        // F_SETLEASE of fcntl(2), which glibc hides; without a handler SIGIO would end the tests.
        _ = try call("fcntl(F_SETSIG)") { fcntl(number, 10, SIGURG) }
        _ = try call("fcntl(F_SETLEASE)") { fcntl(number, 1024, F_WRLCK) }
        #expect(code { _ = try yard.files.openToRead(WorkspacePath("f")) } == .busy)
        // The control: who opens it by its path waits for /proc/sys/fs/lease-break-time.
        let naive = try Program.run(["timeout", "0.5", "cat", yard("f")])
        #expect(naive.status == 124)
    }

    @Test func `directories that forbid everything are in nobody's way`() async throws {
        let yard = try Yard("mkdir -p t/a/b/c t/ro t/list; : >t/a/b/c/f; : >t/ro/f; : >t/list/f")
        try yard.shell("chmod 000 t/a/b/c t/a/b; chmod 555 t/ro; chmod 400 t/list; chmod 777 .")
        if Host.isRoot { try yard.shell("chown -R 65534:65534 t") }
        // As a user whom modes do mean something to.
        await #expect(processExitsWith: .success) { [path = yard.directory("inside") as String] in
            if Host.isRoot { #expect(setregid(65_534, 65_534) == 0 && setreuid(65_534, 65_534) == 0) }
            let files = try WorkspaceFiles(FileDescriptor.open(path, O_RDONLY | O_DIRECTORY))
            #expect(code { _ = try files.list(WorkspacePath("t/a/b")) } == .denied)
            #expect(code { try files.write("x", "t/ro/new") } == .denied)
            let naive = try Program.run(["rm", "-rf", "\(path)/t"])
            #expect(naive.status != 0, "the control: rm gives up")
            try files.remove(WorkspacePath("t"), recursive: true)
            #expect(File.names(in: path) == [])
        }
    }

    @Test(.enabled(if: Host.isRoot, "mounting needs root"))
    func `what is mounted below is not gone into`() async throws {
        let yard = try Yard("mkdir -p t/m t/d; : >t/d/f; : >file")
        await #expect(processExitsWith: .success) { [path = yard.directory.path as String] in
            // For this thread alone: nothing of it is seen outside, and it goes with the process.
            try #require(clinux_unshare(UInt64(CLINUX_NEWNS)) == 0)
            try #require(clinux_set_root_propagation(UInt64(CLINUX_PROPAGATION_PRIVATE)) == 0)
            let (inside, outside) = ("\(path)/inside", "\(path)/outside")
            try #require(unsafe mount(outside, "\(inside)/t/m", nil, UInt(MS_BIND), nil) == 0)
            try #require(unsafe mount("\(outside)/secret", "\(inside)/file", nil, UInt(MS_BIND), nil) == 0)
            let root = try FileDescriptor.open(inside, O_RDONLY | O_DIRECTORY)
            let files = try WorkspaceFiles(root)
            #expect(File.text("\(inside)/t/m/secret") == Yard.secret, "the control")
            #expect(code { _ = try files.openToRead(WorkspacePath("t/m/secret")) } == .outside)
            #expect(code { _ = try files.openToRead(WorkspacePath("file")) } == .outside)
            #expect(code { _ = try files.list(WorkspacePath("t/m")) } == .outside)
            #expect(code { try files.write("x", "t/m/new") } == .outside)
            #expect(code { try files.remove(WorkspacePath("t"), recursive: true) } == .busy)
            #expect(code { try files.remove(WorkspacePath("file")) } == .busy)
            let count = try files.copy(WorkspacePath("t"), to: WorkspacePath("u"))
            #expect(count.skipped == ["mount": 1])
            #expect(File.text("\(outside)/secret") == Yard.secret)
            #expect(File.text("\(outside)/tree/deep/leaf") == Yard.secret)
        }
    }

    @Test func `descriptors are as many after as before`() async throws {
        let yard = try Yard(
            "mkdir -p t/a/b; : >t/a/f; ln -s ../outside o; mkfifo p; ln -s t l; chmod 755 t; printf x >f")
        await #expect(processExitsWith: .success) { [path = yard.directory("inside") as String] in
            let files = try WorkspaceFiles(FileDescriptor.open(path, O_RDONLY | O_DIRECTORY))
            exercise(files)
            let before = openDescriptors()
            for _ in 0..<10 { exercise(files) }
            let after = openDescriptors()
            #expect(after == before)
        }
    }
}

/// Everything there is, where it works and where it fails.
private func exercise(_ files: WorkspaceFiles) {
    for name in ["t", "t/a/f", "o", "o/secret", "p", "l", "l/a", "none", "none/x", "f", "f/x"] {
        guard let path = try? WorkspacePath(name) else { continue }
        _ = try? files.entry(path)
        _ = try? files.list(path)
        _ = try? files.openToRead(path).bytes(count: 10)
        _ = try? files.openToWrite(path, .appending).write([1].span)
        _ = try? files.watch(path).next()
        try? files.write("x", name)
        guard let other = try? WorkspacePath("copy") else { continue }
        _ = try? files.copy(path, to: other)
        _ = try? files.copy(path, to: other)
        try? files.makeDirectory(path, parents: true)
        try? files.remove(other, recursive: true)
        try? files.move(path, to: other)
        try? files.move(other, to: path)
    }
}

private func openDescriptors() -> Int { (0..<CInt(1024)).count { fcntl($0, F_GETFD) >= 0 } }

extension WorkspaceFiles {
    fileprivate func write(_ text: String, _ path: String) throws {
        let replacement = try replace(WorkspacePath(path))
        try replacement.write(Array(text.utf8).span)
        try replacement.commit()
    }
}
