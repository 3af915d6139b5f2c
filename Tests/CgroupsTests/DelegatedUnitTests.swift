// Which cgroup systemd has delegated to a service of root's.

import CLinux
import Glibc
import Linux
import Testing

@testable import Cgroups

@Suite struct DelegatedUnitTests {
    private static let unit = "/system.slice/corral-warden.service"

    private func unit(_ table: String, _ text: String, isVacated: Bool = false) -> DelegatedUnit {
        DelegatedUnit(
            Self.unit, isVacated: isVacated, CgroupMount.parse(mountinfo: Array(table.utf8)),
            OwnCgroups(Array(text.utf8)))
    }

    @Test func `lines of a process's cgroups are told apart, with colons in a path`() {
        let lines = OwnCgroups(Array("5:cpu,cpuacct:/a\n4:memory:/b:c\n1:name=systemd:/d\n0::/e\n".utf8))
        #expect(lines.unified == "/e" && lines.systemd == "/d")
        #expect(lines.path(of: .cpu) == "/a" && lines.path(of: .memory) == "/b:c")
        #expect(lines.path(of: .pids) == nil)
    }

    @Test func `on v2 alone groups go below the unit`() {
        let text = "0::\(Self.unit)\n"
        #expect(unit(MountTable.systemd, text).directory("/sys/fs/cgroup") == "/sys/fs/cgroup\(Self.unit)")
        let moved = unit(MountTable.systemd, "0::\(Self.unit)/corral-supervisor\n", isVacated: true)
        #expect(moved.directory("/sys/fs/cgroup") == "/sys/fs/cgroup\(Self.unit)")
    }

    @Test func `on a hybrid host they do in each hierarchy that has the unit, and in no other`() {
        let text = """
            5:cpu,cpuacct:\(Self.unit)
            4:memory:\(Self.unit)
            3:pids:/system.slice
            1:name=systemd:\(Self.unit)
            0::\(Self.unit)

            """
        let found = unit(MountTable.hybrid, text)
        #expect(found.directory("/sys/fs/cgroup/memory") == "/sys/fs/cgroup/memory\(Self.unit)")
        #expect(found.directory("/sys/fs/cgroup/cpu,cpuacct") == "/sys/fs/cgroup/cpu,cpuacct\(Self.unit)")
        #expect(found.directory("/sys/fs/cgroup/unified") == "/sys/fs/cgroup/unified\(Self.unit)")
        #expect(found.directory("/sys/fs/cgroup/pids") == nil)
    }

    @Test(.enabled(if: Host.hasV2, "needs root and a v2 hierarchy"), arguments: [true, false])
    func `root's service makes its groups in the cgroup that is marked as delegated`(isMarked: Bool)
        async throws
    {
        let hierarchy = try #require(try CgroupLayout.detect().hierarchies.first)
        let name = Host.uniqueMark()
        let (scope, top) = ("\(hierarchy.path)/\(name)", hierarchy.path)
        try hierarchy.top.makeDirectory(name)
        defer {
            let own = "\(name)/corral-supervisor"
            if exists("\(top)/\(own)") { removeWhenEmpty(own, in: hierarchy.top) }
            removeWhenEmpty(name, in: hierarchy.top)
        }
        await #expect(processExitsWith: .success) {
            [scope = scope as String, top = top as String, isMarked = isMarked as Bool] in
            let directory = try FileDescriptor.open(scope, O_RDONLY | O_DIRECTORY)
            var mark = UInt8(ascii: "1")
            if isMarked {
                let done = unsafe clinux_set_attribute(directory.number, "trusted.delegate", &mark, 1)
                try #require(done == 0)
            }
            try directory.writeControl("cgroup.procs", "0")
            // A lone run does not ask.
            #expect(try CgroupLayout.detect().hierarchies.first?.path == top)
            let layout = try CgroupLayout.detect(isService: true)
            let first = try #require(layout.hierarchies.first)
            #expect(first.path == (isMarked ? scope : top))
            #expect(first.mustVacate == isMarked)
            #expect(layout.elsewhere.map(\.path) == (isMarked ? [top] : []))
            // Those of v1 have no cgroup of this name here.
            #expect(layout.hierarchies.dropFirst().allSatisfy { !$0.path.contains(scope) })
            try layout.makeRoom()
            let again = try CgroupLayout.detect(isService: true).hierarchies.first
            #expect(again?.path == (isMarked ? scope : top) && again?.mustVacate == false)
            #expect(exists("\(scope)/corral-supervisor") == isMarked)
        }
    }
}
