import Glibc
import Linux
import Testing

@testable import TestSupport

@Suite struct SurroundingsTests {
    @Test func `a temporary directory goes with everything in it`() throws {
        var directory: TemporaryDirectory? = try TemporaryDirectory()
        let path = try #require(directory?.path)
        let file = try #require(try directory?.write("a/b/c", "text", mode: 0o600))
        #expect(File.text(file) == "text")
        #expect(try Program.run(["stat", "-c", "%a", path, file]).output == "755\n600\n")
        _ = try Program.run(["ln", "-s", "/etc", "\(path)/link"])
        directory = nil
        #expect(!File.exists(path))
        #expect(File.exists("/etc/passwd"))
    }

    @Test(arguments: ["corral", "sandbox-init"])
    func `the programs under test are found`(name: String) {
        #expect(File.exists(Product.path(name)))
    }

    @Test func `the root of the source tree is found`() {
        #expect(File.exists(Repository.path("Package.swift")))
    }

    @Test func `shared material that is not there is nil`() {
        #expect(Shared.path("no/such/thing") == nil)
    }

    @Test(.enabled(if: Host.isRoot, "only root can mount"))
    func `a census sees a mount that was left and that it has gone`() throws {
        let directory = try TemporaryDirectory()
        let before = Census.take()
        _ = try Program.run(["mount", "-t", "tmpfs", "corral-census", directory.path])
        #expect(Census.take().added(since: before).contains { $0.contains(directory.path) })
        _ = try Program.run(["umount", directory.path])
        #expect(!Census.take().added(since: before).contains { $0.contains(directory.path) })
    }

    @Test func `a census sees a process that was left`() throws {
        let before = Census.take(processes: ["sleep"])
        let program = try Program(["sleep", "1000"]).start()
        let found = eventually {
            Census.take(processes: ["sleep"]).added(since: before).contains("process sleep (\(program.pid))")
        }
        #expect(found)
    }

    @Test(.enabled(if: Self.groupDirectory != nil, "needs root and a cgroup hierarchy to write to"))
    func `a census sees a group that was left`() throws {
        // Not of the form that a run would sweep away.
        let group = "\(try #require(Self.groupDirectory))/corral-run-census-\(getpid())"
        let before = Census.take()
        _ = try Program.run(["mkdir", group])
        #expect(Census.take().added(since: before).contains("cgroup \(group)"))
        _ = try Program.run(["rmdir", group])
        #expect(!Census.take().added(since: before).contains("cgroup \(group)"))
    }

    /// Where a cgroup hierarchy is mounted that the tests can make groups in.
    private static let groupDirectory: String? = {
        let mounts = (File.text("/proc/self/mountinfo") ?? "").split(separator: "\n")
        return mounts.filter { $0.contains(" - cgroup") }.map { String($0.split(separator: " ")[4]) }
            .first { unsafe access($0, W_OK) == 0 }
    }()

    @Test(.enabled(if: Host.isRoot, "only root can make a network namespace directly"))
    func `a census sees a namespace that was left`() throws {
        // One may get the number of a namespace of others that has just gone.
        let isSeen = try eventually {
            let before = Census.take()
            let script = "readlink /proc/$$/ns/net; exec sleep 1000"
            let program = try Program(["unshare", "--net", "sh", "-c", script]).start()
            try #require(try program.waitForText("]\n"))
            let namespace = "namespace \(program.outputSoFar.dropLast())"
            let isSeen = Census.take().added(since: before).contains(namespace)
            try program.signal(9)
            _ = try program.wait()
            return isSeen
        }
        #expect(isSeen)
    }
}
