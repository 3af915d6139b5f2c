import Glibc
import Linux
import Sandbox
import Testing

@testable import Cgroups

/// What a group counts while processes run in it, on v1 alone and as this machine has it.
@Suite(.enabled(if: Host.makesGroups, "needs root, and memory, pids and cpu controllers to write to"))
struct GroupWatchTests {
    private static func layout(v1Alone: Bool) throws -> CgroupLayout {
        v1Alone && Host.hasV1 ? try Host.v1Layout() : try CgroupLayout.detect()
    }

    @Test(arguments: [false, true])
    func `cpu time grows with what processes use, and stays when they have ended`(v1Alone: Bool) throws {
        try withLayout {
            try Self.layout(v1Alone: v1Alone)
        } _: { layout, mark in
            var limits = Limits.small
            limits.milliCPUs = 1000
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: limits)
            let before = try #require(try group.cpuTime())
            let child = try ShellChild(
                join + "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done", group.paths())
            try child.waitForOutput()
            #expect(child.wait() == 0)
            let after = try #require(try group.cpuTime())
            // A shell needs far more than 10 ms for that, on any machine.
            #expect(after >= before + 10_000, "\(before) \(after)")
            #expect(try group.statistics().cpuTime ?? 0 >= after)
            try group.remove()
        }
    }

    @Test(arguments: [false, true])
    func `a refused fork is counted, and shown to who polls where the kernel tells`(v1Alone: Bool) throws {
        try withLayout {
            try Self.layout(v1Alone: v1Alone)
        } _: { layout, mark in
            var limits = Limits.small
            limits.pids = 2
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: limits)
            #expect(try group.pidsLimitHits() == 0)
            let events = try group.openPidsEvents()
            // On v1 there is nothing to poll.
            let tells = events.numberOrNone >= 0
            #expect(tells == !Host.hasV1)
            let child = try ShellChild(join + "sleep 0 & sleep 0 & wait", group.paths())
            _ = child.wait()
            #expect(try group.pidsLimitHits() ?? 0 > 0)
            if tells {
                var ready = pollfd(fd: events.numberOrNone, events: Int16(POLLPRI), revents: 0)
                #expect(unsafe poll(&ready, 1, 0) == 1)
            }
            // A shell that cannot fork ends at once; what it started may still be there.
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 60_000)) == true)
            try group.remove()
        }
    }
}
