import CLinux
import Glibc
import Linux
import TestSupport
import Testing
import Trees
import Workspace

/// Names that are swapped all the while, by processes that do nothing else: what was looked at a moment ago
/// is something else when it is used.
@Suite(.serialized) struct SwapTests {
    /// Exchanges names for as long as it runs: a directory and a link to one outside, a file and a link to
    /// one outside, a file and a FIFO.
    private static let swapper = """
        import ctypes, os, sys
        libc = ctypes.CDLL(None, use_errno=True)
        AT_FDCWD, EXCHANGE = -100, 2
        pairs = [tuple(os.fsencode(name) for name in pair.split(":")) for pair in sys.argv[1:]]
        while True:
            for one, other in pairs:
                libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, EXCHANGE)
        """

    private static let script = """
        mkdir -p d/tree/deep e; printf inside >d/secret; printf inside >d/tree/deep/leaf; printf inside >e/own
        o=$(realpath ../outside); ln -s $o l; printf inside >f; ln -s $o/secret k; mkfifo p; printf inside >g
        """
    private static let pairs = ["d:l", "f:k", "g:p"]

    /// How long each race is run, in seconds.
    private static let seconds: Double = Effort.isFull ? 60 : 1

    private func swapping(_ yard: Yard, _ pairs: [String] = pairs) throws -> [RunningProgram] {
        try (0..<2).map { _ in
            try Program(
                ["python3", "-c", Self.swapper] + pairs, directory: yard.directory("inside")
            ).start()
        }
    }

    /// Does `body` over and over while names are swapped, and for longer where too little was done by then:
    /// a slow machine does less in a second.
    /// - Parameter body: returns how much it did that counts.
    private func race(_ yard: Yard, _ pairs: [String] = pairs, _ body: (Int) throws -> Int) throws {
        let swappers = try swapping(yard, pairs)
        // They are killed when they are let go of.
        defer { withExtendedLifetime(swappers) {} }
        let (deadline, end) = (Host.now + Self.seconds, Host.now + Self.seconds + 30 * Host.patience)
        var (rounds, done) = (0, 0)
        while Host.now < deadline || (done < 10 && Host.now < end) {
            done += try body(rounds)
            rounds += 1
        }
        #expect(done >= 10, "\(done) attempts succeeded in \(rounds) rounds")
    }

    @Test func `the control: a path does lead out while names are swapped`() throws {
        let yard = try Yard(Self.script)
        let swappers = try swapping(yard)
        // They are killed when they are let go of.
        defer { withExtendedLifetime(swappers) {} }
        let found = eventually { File.text(yard("d/secret")) == Yard.secret }
        #expect(found, "no read of a swapped path got out: the race does not work here")
        let wasWritten = eventually {
            // Looked at first, as a careful implementation without openat2(2) would.
            if File.target(ofLink: yard("f")) == nil { try? File.write(Array("out".utf8), to: yard("f")) }
            return File.text(yard.directory("outside/secret")) == "out"
        }
        #expect(wasWritten, "no write to a swapped path got out")
    }

    @Test func `nothing outside is read, listed or watched`() throws {
        let yard = try Yard(Self.script)
        let before = try yard.outside()
        let paths = try ["d/secret", "d/tree/deep/leaf", "f", "g"].map { try WorkspacePath($0) }
        let directory = try WorkspacePath("d")
        try race(yard) { _ in
            var read = 0
            for path in paths {
                guard let bytes = try? yard.files.openToRead(path).bytes(count: 100) else { continue }
                #expect(bytes == Array("inside".utf8))
                read += 1
            }
            if let page = try? yard.files.list(directory) {
                #expect(page.entries.map(\.name) == ["secret", "tree"])
                #expect(page.entries.first?.status.size == 6)
            }
            _ = try? yard.files.watch(directory)
            return read
        }
        #expect(try yard.outside() == before)
    }

    @Test func `nothing outside is written, moved or copied over`() throws {
        let yard = try Yard(Self.script)
        let before = try yard.outside()
        var written = 0
        func attempt(_ body: () throws -> Void) { if (try? body()) != nil { written += 1 } }
        let file = try WorkspacePath("f")
        try race(yard) { round in
            written = 0
            attempt { try yard.write("inside", to: "d/secret") }
            attempt { try yard.write("inside", to: "d/new\(round % 7)") }
            attempt { try yard.files.openToWrite(file, .atOffsets).write(Array("inside".utf8).span) }
            attempt {
                try yard.files.openToWrite(WorkspacePath("d/added"), .appending, creating: 0o600).write(
                    [1].span)
            }
            attempt { try yard.files.makeDirectory(WorkspacePath("d/made/\(round % 5)"), parents: true) }
            attempt { try yard.files.move(WorkspacePath("e/own"), to: WorkspacePath("d/tree/own")) }
            attempt { try yard.files.move(WorkspacePath("d/tree/own"), to: WorkspacePath("e/own")) }
            attempt { try yard.files.copy(WorkspacePath("e"), to: WorkspacePath("d/copy")) }
            attempt { try yard.files.remove(WorkspacePath("d/copy"), recursive: true) }
            return written
        }
        #expect(try yard.outside() == before)
    }

    @Test func `nothing outside is copied in or removed`() throws {
        let yard = try Yard(Self.script)
        let before = try yard.outside()
        try race(yard, ["t/d:l", "t/e/f:k"]) { round in
            // The links are removed too, time and again.
            _ = unsafe symlink(yard.directory("outside"), yard("l"))
            _ = unsafe symlink(yard.directory("outside/secret"), yard("k"))
            try? yard.files.makeDirectory(WorkspacePath("t/d/tree"), parents: true)
            try? yard.files.makeDirectory(WorkspacePath("t/e"), parents: true)
            try? yard.write("inside", to: "t/e/f")
            let isCopied = (try? yard.files.copy(WorkspacePath("t"), to: WorkspacePath("c"))) != nil
            let found = (try? yard.text("c/d/secret")) ?? (try? yard.text("c/e/f")) ?? "inside"
            #expect(found == "inside")
            if var stream = try? yard.files.archive(WorkspacePath("t")) {
                while let piece = try? stream.next(), !piece.isEmpty {
                    let hasSecret = piece.contains(UInt8(ascii: "@"))
                    #expect(!hasSecret, "the archive has what is outside")
                }
            }
            try? yard.files.remove(WorkspacePath("c"), recursive: true)
            try? yard.files.remove(WorkspacePath(round % 2 == 0 ? "t/d" : "t"), recursive: true)
            return isCopied ? 1 : 0
        }
        #expect(try yard.outside() == before)
    }

    /// The directory cannot be read before its mode is changed, and is a link when that is done by its name.
    @Test(.enabled(if: Host.isRoot, "another user's modes need root"))
    func `no mode outside is changed while a closed directory is removed`() async throws {
        let yard = try Yard("mkdir x; chmod 777 . x")
        try yard.directory.write("outside/mine/file", "x")
        let script = "chmod 500 mine; chown -R 65534:65534 mine"
        try #require(
            try Program.run(["sh", "-ec", script], directory: yard.directory("outside")).status == 0)
        for isNaive in [true, false] {
            try FileDescriptor.open(yard.directory("outside/mine"), O_RDONLY).changeMode(0o500)
            let swappers = try swapping(yard, ["x/d:l"])
            // They are killed when they are let go of.
            defer { withExtendedLifetime(swappers) {} }
            await #expect(processExitsWith: .success) {
                [
                    path = yard.directory.path as String, isNaive = isNaive as Bool,
                    seconds = Self.seconds as Double
                ] in
                #expect(setregid(65_534, 65_534) == 0 && setreuid(65_534, 65_534) == 0)
                let victim = "\(path)/outside/mine"
                let x = try FileDescriptor.open("\(path)/inside/x", O_RDONLY | O_DIRECTORY)
                let deadline = Host.now + (isNaive ? 20 * Host.patience : seconds)
                var changed = false
                while Host.now < deadline, !changed {
                    _ = unsafe mkdir("\(path)/inside/x/d", 0)
                    _ = unsafe symlink(victim, "\(path)/inside/l")
                    if isNaive { try? removeNaively("d", in: x) } else { try? x.removeTree("d") }
                    changed = try FileDescriptor.open(victim, O_RDONLY).status().mode != 0o500
                }
                #expect(
                    changed == isNaive,
                    isNaive ? "the control: the race does not work here" : "a mode outside changed")
            }
        }
    }
}

/// Makes a closed directory readable by its name, after having looked that it is one.
private func removeNaively(_ name: String, in parent: borrowing FileDescriptor) throws {
    let number = parent.number
    do throws(SystemError) {
        _ = try parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } catch {
        guard error.errno == .accessDenied else { throw error }
        _ = try call("fchmodat") { unsafe fchmodat(number, name, 0o700, 0) }
    }
    try parent.removeDirectory(name)
}
