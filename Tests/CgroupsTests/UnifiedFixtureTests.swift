import Glibc
import Linux
import Sandbox
import Testing

@testable import Cgroups

/// A directory of ordinary files in the place of a v2 hierarchy, for what this kernel may not have
/// on v2: which files are written, with what, and in which order.
private final class Tree {
    let path: String

    init(_ files: [String]) throws {
        var template = Array("/tmp/cgroups-tests-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return false }
            return unsafe mkdtemp(start) != nil
        }
        guard made else { throw SystemError("mkdtemp", nil, Errno(rawValue: errno)) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try add(files)
    }

    func add(_ files: [String]) throws {
        let top = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        for file in files {
            var directory = ""
            for part in file.split(separator: "/").dropLast() {
                directory += directory.isEmpty ? part : "/\(part)"
                try? top.makeDirectory(directory)
            }
            _ = try top.open(file, O_WRONLY | O_CREAT, mode: 0o644)
        }
    }

    deinit { remove(path) }

    private func remove(_ path: String) {
        guard let directory = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) else { return }
        for entry in (try? directory.entries()) ?? [] {
            if entry.kind == .directory {
                remove("\(path)/\(entry.name)")
            } else {
                try? directory.removeFile(entry.name)
            }
        }
        _ = unsafe rmdir(path)
    }

    func hierarchy(_ controllers: Controllers = .limiting, mustVacate: Bool = false) throws -> Hierarchy {
        try Hierarchy(version: .v2, controllers: controllers, path: path, mustVacate: mustVacate)
    }

    func text(_ file: String) throws -> String {
        let top = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        return String(decoding: try top.readFile(file), as: UTF8.self)
    }
}

private let limitFiles = ["memory.max", "memory.swap.max", "pids.max", "cpu.max"]
private let controlFiles = ["cgroup.subtree_control"]

@Suite struct UnifiedFixtureTests {
    @Test func `limits are written memory first, with the values of v2`() throws {
        let tree = try Tree(limitFiles.map { "run-1-a/\($0)" } + controlFiles)
        let recorder = try WriteRecorder(["\(tree.path)/run-1-a": "group", tree.path: "top"])
        var writer = LimitWriter(try tree.hierarchy(), place: "run-1-a")
        var limits = Limits.small
        limits.swap = 4096
        try writer.write(limits)
        // Nothing is handed down that is there already.
        #expect(try recorder.writes() == limitFiles.map { "group/\($0)" })
        #expect(
            try limitFiles.map { try tree.text("run-1-a/\($0)") } == [
                "16777216", "4096", "8", "50000 100000",
            ])
        #expect(writer.layers == [.memory: .inForce, .swap: .inForce, .pids: .inForce, .cpu: .inForce])
    }

    @Test func `controllers are handed down when the first limit finds its file missing, and once`() throws {
        let tree = try Tree(["run-1-a/pids.max"] + controlFiles)
        let recorder = try WriteRecorder([tree.path: "top", "\(tree.path)/run-1-a": "group"])
        var writer = LimitWriter(try tree.hierarchy(), place: "run-1-a")
        try writer.write(.small)
        #expect(try recorder.writes() == ["top/cgroup.subtree_control", "group/pids.max"])
        #expect(try tree.text("cgroup.subtree_control") == "+memory +pids +cpu")
        #expect(writer.layers[.pids] == .inForce)
        #expect(writer.layers[.memory] == .off("the kernel has no memory.max"))
        #expect(writer.layers[.cpu] == .off("the kernel has no cpu bandwidth control"))
    }

    @Test func `in a delegated cgroup the process leaves before controllers are handed down`() throws {
        let tree = try Tree(["run-1-a/x", "corral-supervisor/cgroup.procs"] + controlFiles)
        let recorder = try WriteRecorder(["\(tree.path)/corral-supervisor": "leaf", tree.path: "top"])
        var writer = LimitWriter(try tree.hierarchy(mustVacate: true), place: "run-1-a")
        try writer.write(.small)
        #expect(try recorder.writes() == ["leaf/cgroup.procs", "top/cgroup.subtree_control"])
        #expect(try tree.text("corral-supervisor/cgroup.procs") == "0")
    }

    @Test(arguments: [["memory.swap.max"], ["memory.swap.max", "cpu.max"]])
    func `a kernel that does not count swap has that layer off, and nothing else`(missing: [String]) throws {
        let files = limitFiles.filter { !missing.contains($0) }
        let tree = try Tree(files.map { "run-1-a/\($0)" } + controlFiles)
        let recorder = try WriteRecorder([tree.path: "top"])
        var writer = LimitWriter(try tree.hierarchy(), place: "run-1-a")
        try writer.write(.small)
        #expect(writer.layers[.swap] == .off("the kernel does not count swap; boot with swapaccount=1"))
        #expect(writer.layers[.memory] == .inForce)
        // Memory is handed down, so a missing swap file is no reason to; a missing cpu file is.
        #expect(try recorder.writes() == (missing.count == 1 ? [] : ["top/cgroup.subtree_control"]))
    }

    @Test func `a memory limit that the kernel did not keep is reported`() throws {
        let tree = try Tree(controlFiles)
        try tree.add(["run-1-a/memory.swap.max"])
        // A device forgets what is written to it, and has nothing to read.
        _ = unsafe symlink("/dev/null", "\(tree.path)/run-1-a/memory.max")
        var writer = LimitWriter(try tree.hierarchy(.memory), place: "run-1-a")
        // The kernel rounds to pages, so this one is looked at again.
        var limits = Limits.small
        limits.memory += 1
        try writer.write(limits)
        #expect(writer.layers[.memory] == .partial("the kernel holds  instead of 16777217 bytes"))
    }

    @Test func `the cpu quota is lifted before the kill`() throws {
        let tree = try Tree(controlFiles)
        let layout = CgroupLayout(hierarchies: [try tree.hierarchy()])
        let group = try SandboxGroup.create(in: layout, name: "run-1-a", limits: .small)
        try tree.add(["run-1-a/cpu.max", "run-1-a/cgroup.kill"])
        let recorder = try WriteRecorder(["\(tree.path)/run-1-a": "group"])
        #expect(group.kill() == true)
        #expect(try recorder.writes() == ["group/cpu.max", "group/cgroup.kill"])
        #expect(try tree.text("run-1-a/cpu.max") == "max")
        #expect(try tree.text("run-1-a/cgroup.kill") == "1")
    }

    @Test func `a kernel without cgroup_kill says so`() throws {
        let tree = try Tree(controlFiles)
        let layout = CgroupLayout(hierarchies: [try tree.hierarchy()])
        let group = try SandboxGroup.create(in: layout, name: "run-1-a", limits: .small)
        #expect(group.kill() == false)
    }

    @Test func `statistics are read from the files of v2`() throws {
        let tree = try Tree(controlFiles)
        let layout = CgroupLayout(hierarchies: [try tree.hierarchy()])
        let group = try SandboxGroup.create(in: layout, name: "run-1-a", limits: .small)
        #expect(try group.statistics() == GroupStatistics())
        let texts: KeyValuePairs = [
            "memory.peak": "8192\n", "memory.events": "low 0\nmax 4\noom 2\noom_kill 1\noom_group_kill 0\n",
            "cpu.stat": "usage_usec 1234\nuser_usec 1000\n", "pids.events": "max 7\n",
        ]
        for (file, text) in texts {
            try tree.add(["run-1-a/\(file)"])
            try FileDescriptor.open("\(tree.path)/run-1-a/\(file)", O_WRONLY).writeAll(
                Array(text.utf8))
        }
        let expected = GroupStatistics(peakMemory: 8192, cpuTime: 1234, oomKills: 1, pidsLimitHits: 7)
        #expect(try group.statistics() == expected)
    }

    @Test func `a group around others gets the weights, and hands the controllers on`() throws {
        let files = ["cgroup.subtree_control", "cpu.weight", "io.weight"].map { "around-1-red/\($0)" }
        let tree = try Tree(files + controlFiles)
        let layout = CgroupLayout(hierarchies: [try tree.hierarchy()])
        let parent = try ParentGroup.create(in: layout, name: "around-1-red")
        #expect(try tree.text("around-1-red/cgroup.subtree_control") == "+memory +pids +cpu")
        let told = parent.setWeight(42)
        #expect(try tree.text("around-1-red/cpu.weight") == "42")
        #expect(try tree.text("around-1-red/io.weight") == "default 42")
        #expect(told == WeightLayers(cpu: .inForce, io: .inForce))
    }

    @Test func `without io the weight of processors holds alone`() throws {
        let files = ["cgroup.subtree_control", "cpu.weight"].map { "around-1-red/\($0)" }
        let tree = try Tree(files + controlFiles)
        let parent = try ParentGroup.create(
            in: CgroupLayout(hierarchies: [try tree.hierarchy()]), name: "around-1-red")
        #expect(
            parent.setWeight(7)
                == WeightLayers(cpu: .inForce, io: .off("no cgroup v2 has the controller io")))
        // What the group hands on is its own, so the top was only asked for io.
        #expect(try tree.text("cgroup.subtree_control") == "+io")
    }
}
