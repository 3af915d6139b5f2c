// A directory of the host as workspace.

import Glibc
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct WorkspaceTests {
    private func owner(_ path: String) -> [UInt32] {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return [] }
        return [status.st_uid, status.st_gid]
    }

    @Test func `files keep the directory's owner outside, and are the program's own inside`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("before", "text\n", mode: 0o600)
        for path in [directory.path, directory("before")] { #expect(unsafe chown(path, 1234, 1235) == 0) }
        let ended = try Corral(["--workspace", directory.path]).shell(
            """
            set -e
            cat before; echo more >> before; echo new > file; mkdir sub; ln -s file link; mkfifo pipe
            mv before after; chmod 640 after; stat -c %u:%g . after file sub link pipe | sort -u
            """)
        #expect(ended.lines == ["text", "1000:1000"] && ended.status == 0, "\(ended)")
        for name in ["", "after", "file", "sub", "link", "pipe"] {
            #expect(owner(directory(name)) == [1234, 1235], "\(name)")
        }
        #expect(File.text(directory("after")) == "text\nmore\n")
    }

    @Test func `files of another owner stay out of reach`() throws {
        let directory = try TemporaryDirectory()
        #expect(unsafe chown(directory.path, 1234, 1234) == 0)
        let foreign = try directory.write("foreign", "secret\n", mode: 0o600)
        #expect(unsafe chown(foreign, 4321, 4321) == 0)
        let ended = try Corral(["--workspace", directory.path]).shell(
            "cat foreign; echo x >> foreign; chown 1000 foreign; stat -c %u foreign")
        #expect(ended.text == "65534", "\(ended)")
        #expect(File.text(foreign) == "secret\n" && owner(foreign) == [4321, 4321])
    }

    @Test func `links lead nowhere outside`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let secret = try TemporaryDirectory()
        try secret.write("secret", "corral-bait\n")
        #expect(unsafe symlink(secret("secret"), directory("link")) == 0)
        #expect(unsafe symlink("../../..\(secret("secret"))", directory("upward")) == 0)
        let ended = try Corral(["--workspace", directory.path]).shell(
            "cat link upward ../../etc/shadow; ls /workspace/..")
        #expect(!ended.outcome.output.contains("corral-bait"))
        #expect(ended.lines.contains("workspace"))
    }

    @Test func `mounts below the directory are not part of it`() throws {
        let directory = try TemporaryDirectory()
        let sub = directory("sub")
        let words = Corral(["--workspace", directory.path]).program(["ls", "/workspace/sub"], report: false)
            .arguments
        // In a mount namespace that ends with the script.
        let script = #"mkdir "$0" && mount -t tmpfs none "$0" && touch "$0/below" && "$@""#
        let outcome = try Program.run(["unshare", "-m", "sh", "-c", script, sub] + words)
        #expect(outcome.status == 0 && outcome.output == "", "\(outcome.output) \(outcome.errors)")
    }

    /// overlayfs has no idmapped mounts.
    @Test func `a file system that cannot keep owners is an error with the ways out`() throws {
        let directory = try TemporaryDirectory()
        let words = Corral(["--workspace", directory("merged")]).program(["/usr/bin/true"], report: false)
            .arguments
        let script = """
            cd "$0" && mount -t tmpfs none . && cd "$0" && mkdir lower upper work merged || exit 77
            mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work merged || exit 77
            exec "$@"
            """
        let outcome = try Program.run(["unshare", "-m", "sh", "-c", script, directory.path] + words)
        if outcome.status == 77 { return Host.skip("no overlay file system here: \(outcome.errors)") }
        #expect(outcome.status == 125)
        #expect(outcome.errors.contains("has no idmapped mounts"))
        #expect(outcome.errors.contains("ext4, xfs or btrfs"))
    }

    @Test func `the directory outlives its sandbox, and two can use it at once`() throws {
        let directory = try TemporaryDirectory(mode: 0o777)
        let corral = Corral(["--workspace", directory.path])
        let waiting = "until [ -e second ]; do sleep 0.01; done; echo seen"
        let first = try corral.program(["sh", "-c", "echo 1 > first; \(waiting)"], report: false).start()
        let second = try corral.shell("until [ -e first ]; do sleep 0.01; done; echo 2 > second")
        #expect(second.status == 0)
        #expect(try first.wait(timeout: 60).output == "seen\n")
        #expect(File.text(directory("first")) == "1\n" && File.text(directory("second")) == "2\n")
    }
}
