import Glibc
import Linux
import TestSupport
import Testing
import Trees

/// Removing what somebody made so that it could not be removed.
@Suite struct RemovalTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("outside/keep", "kept")
    }

    private func python(_ script: String) throws {
        let outcome = try Program.run(
            ["python3", "-c", script], timeout: 300 * Host.patience, directory: directory.path)
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    private func remove(_ name: String) throws {
        try FileDescriptor.open(directory.path, O_RDONLY | O_DIRECTORY).removeTree(name)
    }

    @Test func `names as long as names can be, with newlines, and 300 directories deep`() throws {
        try python(
            """
            import os
            name = 'n' * 126 + '\\n-*' + 'm' * 126
            os.mkdir('gone')
            os.chdir('gone')
            for level in range(300):
                open('-f' + name[2:], 'w').close()
                os.symlink('../outside/keep', 'l' + name[1:])
                os.mkdir(name)
                os.chdir(name)
            """)
        try remove("gone")
        #expect(File.names(in: directory.path) == ["outside"])
        #expect(File.text(directory("outside/keep")) == "kept")
    }

    /// A file system without these flags, or a root without the capability, can show nothing.
    @Test(.enabled(if: Host.isRoot, "only root can protect a file"))
    func `what root has protected is removed by who says so, and by nobody else`() throws {
        try python(
            """
            import os
            os.makedirs('gone/d/below')
            for name in 'gone/f', 'gone/d/f', 'gone/d/below/f', 'gone/a', 'outside/beside':
                open(name, 'w').close()
            os.link('outside/beside', 'gone/second')
            os.link('gone/f', 'gone/d/twice')
            os.symlink('../outside/beside', 'gone/link')
            os.mkfifo('gone/fifo')
            """)
        let path = directory.path
        defer { _ = try? Program.run(["chattr", "-R", "-f", "-i", "-a", path]) }
        let flagged = try Program.run(
            ["chattr", "+i", "gone/f", "gone/d/below/f", "gone/d/below", "gone/d", "outside/beside"],
            directory: path)
        guard flagged.status == 0, try Program.run(["chattr", "+a", "gone/a"], directory: path).status == 0
        else { return Host.skip("no file can be protected here: \(flagged.errors)") }
        let place = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        let entry = DirectoryEntry(Array("gone".utf8)[...], kind: .directory)
        var names = UInt64.max
        // The control.
        #expect(throws: SystemError("unlinkat", "gone/f", .notPermitted)) { try remove("gone/f") }
        do {
            try place.removeTree(entry, names: &names)
            Issue.record("it was removed")
        } catch {
            #expect(error.errno == .notPermitted)
        }
        #expect(File.exists(directory("gone/f")) && File.exists(directory("gone/d/below/f")))
        names = .max
        try place.removeTree(entry, names: &names, isLifting: true)
        #expect(File.names(in: path) == ["outside"])
        // What a link leads to is as it was, and what has a name outside as well is protected again.
        #expect(throws: SystemError.self) { try remove("outside/beside") }
        #expect(place.liftProtection(of: "outside") == nil)
        #expect(try FileDescriptor.open(directory("outside/beside"), O_RDONLY).liftProtection())
        try remove("outside/beside")
    }

    @Test func `a removal that may remove a few names only goes on where it stopped`() throws {
        try python(
            """
            import os
            for name in range(10):
                os.makedirs(b'gone\\xff/%d/deeper' % name)
                for file in range(9): os.mknod(b'gone\\xff/%d/%d' % (name, file))
            """)
        let place = try FileDescriptor.open(directory.path, O_RDONLY | O_DIRECTORY)
        var rounds = 0
        while let entry = try place.entries().first(where: { $0.name != "outside" }), rounds < 100 {
            var names: UInt64 = 30
            do {
                try place.removeTree(entry, names: &names)
            } catch {
                #expect(error.errno == .wouldBlock && names == 0)
            }
            rounds += 1
        }
        // 111 names, and those again that were only entered.
        #expect((4...6).contains(rounds), "\(rounds)")
        #expect(File.names(in: directory.path) == ["outside"])
    }

    @Test func `many directories that are too deep go without anything made beside them`() throws {
        try python(
            """
            import os
            os.mkdir('gone')
            for branch in range(20):
                os.makedirs('gone/%d/' % branch + '/'.join(['d'] * 250))
            """)
        // Watched from beside: what is moved stays inside what is removed.
        let watch = inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
        try #require(watch >= 0)
        defer { close(watch) }
        try #require(unsafe inotify_add_watch(watch, directory.path, UInt32(IN_CREATE | IN_MOVED_TO)) >= 0)
        try remove("gone")
        #expect(File.names(in: directory.path) == ["outside"])
        var event: UInt64 = 0
        #expect(unsafe read(watch, &event, 8) == -1 && errno == EAGAIN, "something was made beside the tree")
    }

    @Test func `a directory of many names takes the memory of a few`() async throws {
        let many = Effort.isFull ? 300_000 : 50_000
        try python(
            "import os\nos.mkdir('gone')\nfor i in range(\(many)): open('gone/some-name-%d' % i, 'w').close()"
        )
        await #expect(processExitsWith: .success) { [path = directory.path as String] in
            let parent = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
            _ = unsafe mkdir("\(path)/first", 0o700)
            try parent.removeTree("first")
            let before = peakMemory()
            try parent.removeTree("gone")
            let grown = peakMemory() - before
            // A sanitizer keeps what was freed.
            if !Effort.isSanitized { #expect(grown < 1 << 20, "grew by \(grown) bytes") }
        }
        #expect(File.names(in: directory.path) == ["outside"])
    }

    @Test(.timeLimit(.minutes(20))) func `somebody who makes names all the while does not keep it for ever`()
        throws
    {
        try File.makeDirectories(directory("gone/d"))
        let maker = """
            import os
            n = 0
            while True:
                n += 1
                try: open('gone/d/%d' % n, 'w').close()
                except OSError: os.makedirs('gone/d', exist_ok=True)
            """
        let running = try Program(["python3", "-c", maker], directory: directory.path).start()
        try #require(eventually { File.exists(directory("gone/d/100")) })
        for _ in 0..<20 {
            do throws(SystemError) {
                try FileDescriptor.open(directory.path, O_RDONLY | O_DIRECTORY).removeTree("gone")
            } catch {
                #expect(error.errno == .busy)
            }
        }
        withExtendedLifetime(running) {}
    }
}

/// The most memory that this process had at once since it was started, in bytes.
private func peakMemory() -> Int {
    let line = (File.text("/proc/self/status") ?? "").split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return (line?.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0) << 10
}
