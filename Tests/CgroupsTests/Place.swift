import CLinux
import Glibc
import Linux
import Sandbox

@testable import Cgroups

/// What this machine lets the tests do.
enum Host {
    /// Whether groups with all limits can be made.
    static let makesGroups: Bool = {
        guard geteuid() == 0, let layout = try? CgroupLayout.detect() else { return false }
        return layout.missing.isEmpty
            && layout.hierarchies.allSatisfy { unsafe faccessat($0.top.number, ".", W_OK, 0) == 0 }
    }()

    static let hasV1: Bool = makesGroups && ((try? v1Layout().hierarchies.count) ?? 0) >= 3

    static let hasV2: Bool = {
        guard geteuid() == 0, let layout = try? CgroupLayout.detect() else { return false }
        return layout.hierarchies.first?.version == .v2
    }()

    /// The layout of this machine, had it no v2.
    static func v1Layout() throws -> CgroupLayout {
        let table = try FileDescriptor.open("/proc/self/mountinfo", O_RDONLY).readAll(limit: 1 << 24)
        let mounts = CgroupMount.parse(mountinfo: table).filter { $0.version == .v1 }
        return CgroupLayout(
            hierarchies: try Placement(mounts).v1.map {
                try Hierarchy(version: .v1, controllers: $0.controllers, path: $0.point)
            })
    }

    /// A name for groups that nobody else on this machine uses.
    static func uniqueMark() -> String {
        var bytes: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0]
        _ = unsafe bytes.withUnsafeMutableBytes { unsafe getentropy($0.baseAddress, $0.count) }
        return "corral-test-\(getpid())-" + bytes.map { String($0, radix: 16) }.joined()
    }
}

extension Limits {
    static let small = Limits(
        memory: 16 << 20, swap: 0, pids: 8, milliCPUs: 500, openFiles: 64, fileSize: 1 << 20,
        stack: 1 << 20, workspaceBytes: 1 << 20, workspaceFiles: 64)
}

/// Lends a layout and a name for groups of the test's own, and clears away what it left of them.
func withLayout(
    _ make: () throws -> CgroupLayout = { try CgroupLayout.detect() },
    _ body: (CgroupLayout, _ mark: String) throws -> Void
) throws {
    let layout = try make()
    let mark = Host.uniqueMark()
    defer { clear(layout, mark) }
    try body(layout, mark)
}

func clear(_ layout: CgroupLayout, _ mark: String) {
    for (hierarchy, names) in zip(layout.hierarchies, groups(layout, mark)) {
        for name in names { removeWhenEmpty(name, in: hierarchy.top) }
    }
}

/// The groups of that name in each hierarchy.
func groups(_ layout: CgroupLayout, _ mark: String) -> [Set<String>] {
    layout.hierarchies.map { hierarchy in
        let entries = (try? hierarchy.top.entries(startingWith: mark)) ?? []
        return Set(entries.filter { $0.kind == .directory }.map(\.name))
    }
}

func hasGroups(_ layout: CgroupLayout, _ mark: String) -> Bool {
    groups(layout, mark).contains { !$0.isEmpty }
}

/// Waits up to half a second for the last processes of a group to end.
func removeWhenEmpty(_ name: String, in directory: borrowing FileDescriptor) {
    for _ in 0..<100 {
        if (try? directory.removeDirectory(name)) != nil { return }
        usleep(5000)
    }
}

/// A script's beginning that joins every group in its arguments, then says so.
let join = #"for group; do echo 0 > "$group/cgroup.procs" || exit 9; done; echo joined; "#

extension SandboxGroup {
    /// The group's directories, as paths.
    borrowing func paths() -> [String] { hierarchies.map { "\($0.path)/\(place)" } }

    /// The first line of a control file in the hierarchy of a controller.
    borrowing func line(_ file: String, _ controller: Controllers) throws -> String {
        for hierarchy in hierarchies where hierarchy.controllers.contains(controller) {
            let text = try hierarchy.top.readFile(path(file))
            return String(decoding: text.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        }
        return ""
    }
}

func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

func soon(milliseconds: UInt64) -> UInt64 { clinux_boottime() + milliseconds * 1_000_000 }
