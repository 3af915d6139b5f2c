import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Copying a tree in steps, on whatever file system the tests are on.
@Suite(.enabled(if: Host.isRoot, "changing owners needs root")) struct TransferTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try File.makeDirectories(directory("from"))
        try File.makeDirectories(directory("to"))
        try directory.write("outside/keep", "kept")
    }

    private func shell(_ script: String, in place: String = "from") throws -> String {
        let outcome = try Program.run(["sh", "-ec", "umask 022; \(script)"], directory: directory(place))
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }

    private func begin() throws -> TreeTransfer {
        try TreeTransfer(
            from: FileDescriptor.open(directory("from"), O_RDONLY | O_DIRECTORY),
            to: FileDescriptor.open(directory("to"), O_RDONLY | O_DIRECTORY))
    }

    private func copy(step: UInt64 = 1 << 30) throws -> CopyProgress {
        var transfer = try begin()
        while try !transfer.advance(bytes: step) {}
        return transfer.progress
    }

    private func refusal() -> Errno? {
        do {
            _ = try copy()
            return nil
        } catch {
            return (error as? SystemError)?.errno
        }
    }

    /// All that a copy has to keep, of everything in a directory and of itself.
    private let look = """
        find . -printf '%y %P %m %U %G %n %l %T@\\n' | sort; find . -type f -exec md5sum {} + | sort
        """

    @Test(arguments: [1, 5000, 1 << 30] as [UInt64])
    func `a copy is as the original, whatever the steps`(step: UInt64) throws {
        _ = try shell(
            """
            chmod 751 .; chown 12:34 .; mkdir -m 2711 d; echo one >d/f; ln d/f hard; ln d/f d/hard
            chmod 640 d/f; chown 1000:1001 d/f; ln -s ../../outside/keep d/link; chown -h 5:6 d/link
            mkfifo -m 622 d/fifo; : >empty; head -c 300000 /dev/urandom >big; mkdir -m 0 closed
            touch -d @1000000000.5 big; touch -h -d @1234567890 d/link; touch -d @999999999 d
            """)
        let progress = try copy(step: step)
        #expect(try shell(look, in: "to") == shell(look))
        #expect(progress.entries == 9 && progress.copied + progress.shared >= 300_000, "\(progress)")
    }

    @Test func `holes stay holes, and what is behind the last data as well`() throws {
        _ = try shell(
            "truncate -s 64M f; printf x | dd of=f bs=1 seek=32M conv=notrunc status=none; truncate -s 9M g")
        let progress = try copy()
        #expect(try shell("stat -c %s f g", in: "to") == "67108864\n9437184\n")
        #expect(
            try shell("cmp f ../from/f; cmp g ../from/g; tail -c +33554433 f | head -c 1", in: "to") == "x")
        #expect(progress.copied < megabyte, "\(progress)")
    }

    @Test func `names that are no text, and more of them than one reading gives`() throws {
        _ = try shell(
            """
            printf odd >"$(printf 'odd\\377\\nname')"; mkdir "$(printf '\\376')"; : >"$(printf '\\376/\\375')"
            i=0; while [ $i -lt 700 ]; do i=$((i + 1)); : >"a long name so that they do not fit $i"; done
            """)
        #expect(try copy().entries == 703)
        #expect(try shell("find . | od -c | md5sum; cat odd*", in: "to") != "")
        #expect(try shell("find . | sort | md5sum", in: "to") == shell("find . | sort | md5sum"))
    }

    @Test func `links are copied and never followed`() throws {
        _ = try shell("ln -s ../outside d; ln -s /etc/passwd f; ln -s gone g")
        #expect(try copy().entries == 3)
        #expect(try shell("readlink d f g", in: "to") == "../outside\n/etc/passwd\ngone\n")
        #expect(File.names(in: directory("outside")) == ["keep"])
    }

    @Test func `a device file is refused, and so is what is mounted inside`() throws {
        _ = try shell("mknod null c 1 3")
        #expect(refusal() == .notSupported)
        _ = try shell("rm null; mkdir mount")
        // A mount that only this program's namespace has, seen through its root.
        let program = try Program(
            ["unshare", "--mount", "sh", "-c", "mount -t tmpfs x mount && echo && exec sleep 1000"],
            directory: directory("from")
        ).start()
        defer {
            try? program.signal(SIGKILL)
            _ = try? program.wait()
        }
        let place = "/proc/\(program.pid)/root\(directory("from"))"
        #expect(
            eventually { (File.text("/proc/\(program.pid)/mountinfo") ?? "").contains("/from/mount ") })
        var transfer = try TreeTransfer(
            from: FileDescriptor.open(place, O_RDONLY | O_DIRECTORY),
            to: FileDescriptor.open(directory("outside"), O_RDONLY | O_DIRECTORY))
        #expect(throws: SystemError("openat", "mount", .crossesDevice)) {
            while try !transfer.advance(bytes: 1 << 20) {}
        }
    }

    @Test func `a tree that is too deep is refused`() throws {
        let deep = Array(repeating: "d", count: TreeTransfer.depth - 1).joined(separator: "/")
        _ = try shell("mkdir -p \(deep)")
        #expect(try copy().entries == UInt64(TreeTransfer.depth - 1))
        _ = try shell("mkdir \(deep)/d; rm -rf ../to/d")
        #expect(refusal() == .tooManyFiles)
    }

    @Test func `a directory that becomes a link meanwhile leads nowhere`() throws {
        _ = try shell("mkdir a; : >a/f; mkdir b; : >b/f")
        var transfer = try begin()
        // The names of the top directory are read now, and nothing else.
        #expect(try !transfer.advance(bytes: 1))
        _ = try shell("rm -r a b; ln -s ../outside a; ln -s ../outside b")
        while try !transfer.advance(bytes: 1) {}
        #expect(try shell("cat */keep", in: "from") == "keptkept", "the links lead there")
        #expect(try shell("readlink a b; find . | wc -l", in: "to") == "../outside\n../outside\n3\n")
    }
}
