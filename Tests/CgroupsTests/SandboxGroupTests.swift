import CLinux
import Glibc
import Linux
import Sandbox
import Testing

@testable import Cgroups

/// Groups of the running kernel.
@Suite(.enabled(if: Host.makesGroups, "needs root, and memory, pids and cpu controllers to write to"))
struct SandboxGroupTests {
    @Test func `every limit is in force, and in the kernel`() throws {
        try withLayout { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-limits", limits: .small)
            let all: [Layer: LayerState] = [
                .memory: .inForce, .swap: .inForce, .pids: .inForce, .cpu: .inForce,
            ]
            #expect(group.layers == all)
            #expect(try group.line("pids.max", .pids) == "8")
            if Host.hasV1 {
                #expect(try group.line("memory.limit_in_bytes", .memory) == "16777216")
                #expect(try group.line("memory.memsw.limit_in_bytes", .memory) == "16777216")
                #expect(try group.line("memory.kmem.tcp.limit_in_bytes", .memory) == "4194304")
                #expect(try group.line("cpu.cfs_period_us", .cpu) == "100000")
                #expect(try group.line("cpu.cfs_quota_us", .cpu) == "50000")
            } else {
                #expect(try group.line("memory.max", .memory) == "16777216")
                #expect(try group.line("memory.swap.max", .memory) == "0")
                #expect(try group.line("cpu.max", .cpu) == "50000 100000")
            }
            try group.remove()
        }
    }

    @Test func `removing leaves nothing`() throws {
        try withLayout { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let paths = group.paths()
            #expect(paths.count >= 1)
            #expect(paths.allSatisfy(exists))
            try group.remove()
            #expect(!paths.contains(where: exists))
            #expect(!hasGroups(layout, mark))
            // Twice is as good as once.
            try group.remove()
        }
    }

    @Test func `a group beside it stays`() throws {
        try withLayout { layout, mark in
            let first = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let second = try SandboxGroup.create(in: layout, name: "\(mark)-1-b", limits: .small)
            try first.remove()
            let paths = second.paths()
            #expect(paths.allSatisfy(exists))
            try second.remove()
        }
    }

    @Test func `a limit that is no multiple of a page counts as set`() throws {
        try withLayout { layout, mark in
            var limits = Limits.small
            limits.memory = 10_000_001
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: limits)
            #expect(group.layers[.memory] == .inForce)
            try group.remove()
        }
    }

    @Test(arguments: [(5 as UInt32, 5000 as UInt64, 1_000_000 as UInt64), (10, 1000, 100_000)])
    func `the smallest cpu limits are taken too`(milliCPUs: UInt32, quota: UInt64, period: UInt64) throws {
        try withLayout { layout, mark in
            var limits = Limits.small
            limits.milliCPUs = milliCPUs
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: limits)
            if Host.hasV1 {
                #expect(try group.line("cpu.cfs_quota_us", .cpu) == "\(quota)")
                #expect(try group.line("cpu.cfs_period_us", .cpu) == "\(period)")
            } else {
                #expect(try group.line("cpu.max", .cpu) == "\(quota) \(period)")
            }
            try group.remove()
        }
    }

    @Test func `limits beyond every machine mean none`() throws {
        try withLayout { layout, mark in
            var limits = Limits.small
            limits.memory = .max
            limits.swap = .max
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: limits)
            #expect(group.layers[.memory] == .inForce)
            try group.remove()
        }
    }

    @Test func `a refused limit names file and value, and leaves nothing`() throws {
        try withLayout { layout, mark in
            var limits = Limits.small
            limits.pids = .max
            let error = #expect(throws: CgroupError.self) {
                _ = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: limits)
            }
            let text = error?.description ?? ""
            #expect(text.contains("the value 4294967295 for ") && text.contains("pids.max: EINVAL"))
            #expect(!hasGroups(layout, mark))
        }
    }

    @Test func `a name is used once`() throws {
        try withLayout { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let place = try #require(layout.hierarchies.first?.path)
            #expect(throws: CgroupError.taken(name: "\(mark)-0-a", hierarchy: place)) {
                _ = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            }
            // The failure did not take the other's group away.
            let paths = group.paths()
            #expect(paths.allSatisfy(exists))
            try group.remove()
        }
    }

    @Test(arguments: ["", ".", "..", "a/b", "a\nb", "a\0b", String(repeating: "a", count: 256)])
    func `what is no name for a directory is refused`(name: String) throws {
        try withLayout { layout, _ in
            #expect(throws: CgroupError.badName(name)) {
                _ = try SandboxGroup.create(in: layout, name: name, limits: .small)
            }
        }
    }

    @Test func `a group that is full cannot be removed, and the error lists it`() throws {
        try withLayout { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let paths = group.paths()
            let child = try ShellChild(join + "exec sleep 100", paths)
            try child.waitForOutput()
            let error = #expect(throws: CgroupError.self) { try group.remove(within: 5_000_000) }
            #expect(error == .remains(paths.reversed(), errno: .busy))
            kill(child.pid, SIGKILL)
            _ = child.wait()
            try group.remove()
        }
    }

    @Test func `groups can be made and removed by many at once`() async throws {
        let layout = try CgroupLayout.detect()
        let mark = Host.uniqueMark()
        defer { clear(layout, mark) }
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for task in 0..<4 {
                tasks.addTask {
                    for round in 0..<50 {
                        let name = "\(mark)-\(task)-\(round)"
                        let group = try SandboxGroup.create(in: layout, name: name, limits: .small)
                        try group.remove()
                    }
                }
            }
            try await tasks.waitForAll()
        }
        #expect(!hasGroups(layout, mark))
    }
}
