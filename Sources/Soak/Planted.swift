import Glibc
import Linux
import TestSupport

/// Things that a sandbox could leave behind, left behind on purpose: a soak that does not find them
/// proves nothing.
final class Planted {
    private let file: String
    private let group: String
    private let descriptor: FileDescriptor
    private let child: RunningProgram
    private let memory: [UInt8]

    init(_ name: String) throws {
        file = "/tmp/corral-planted-\(name)"
        try File.write([], to: file)
        // Not of the form that `corral run` sweeps.
        group = try Planted.hierarchy() + "/corral-run-planted-\(name)"
        try File.makeDirectories(group)
        descriptor = try FileDescriptor.open("/dev/null", O_RDONLY)
        memory = Array(repeating: 1, count: 8 << 20)
        child = try Program(["unshare", "--net", "sleep", "1000"]).start()
        // Its namespace is there once it is the program that it is to become.
        let pid = child.pid
        guard eventually({ File.text("/proc/\(pid)/comm") == "sleep\n" }) else {
            throw Options.Problem(description: "unshare does not start")
        }
    }

    /// Where the first hierarchy of cgroups is mounted.
    private static func hierarchy() throws -> String {
        let mounts = (File.text("/proc/self/mountinfo") ?? "").split(separator: "\n")
        let mount = mounts.first { $0.contains(" - cgroup") }?.split(separator: " ")
        guard let mount, mount.count > 4 else {
            throw Options.Problem(description: "no cgroup hierarchy is mounted")
        }
        return String(mount[4])
    }

    func remove() throws {
        try child.signal(SIGKILL)
        _ = try child.wait()
        try File.remove(file)
        let group = group
        _ = try call("rmdir", on: group) { unsafe rmdir(group) }
    }
}
