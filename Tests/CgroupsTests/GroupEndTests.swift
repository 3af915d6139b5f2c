import CLinux
import Glibc
import Linux
import Sandbox
import Testing

@testable import Cgroups

/// Processes in groups of the running kernel.
@Suite(.enabled(if: Host.makesGroups, "needs root, and memory, pids and cpu controllers to write to"))
struct GroupEndTests {
    @Test(.enabled(if: Host.hasV2, "needs a v2 hierarchy"))
    func `a process that joined is killed by the kernel, and the group is empty then`() throws {
        try withLayout { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let child = try ShellChild(join + "exec sleep 100", group.paths())
            try child.waitForOutput()
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 20)) == false)
            #expect(group.kill() == true)
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 60_000)) == true)
            #expect(child.wait() == SIGKILL)
            try group.remove()
        }
    }

    @Test(.enabled(if: Host.hasV2, "needs a v2 hierarchy"))
    func `a group that is throttled to almost nothing dies at once`() throws {
        try withLayout { layout, mark in
            var limits = Limits.small
            limits.milliCPUs = 20
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: limits)
            let spin = "for i in 1 2 3 4 5; do (while :; do :; done) & done; wait"
            let child = try ShellChild(join + spin, group.paths())
            try child.waitForOutput()
            usleep(100_000)
            #expect(group.kill() == true)
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 60_000)) == true)
            #expect(child.wait() == SIGKILL)
            if Host.hasV1 {
                #expect(try group.line("cpu.cfs_quota_us", .cpu) == "-1")
            } else {
                #expect(try group.line("cpu.max", .cpu).hasPrefix("max"))
            }
            try group.remove()
        }
    }

    @Test(.enabled(if: Host.hasV1, "needs v1 hierarchies"))
    func `without v2 the quota is lifted, the caller kills, and emptiness is still known`() throws {
        try withLayout(Host.v1Layout) { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            #expect(group.cloneDirectory == -1)
            let child = try ShellChild(join + "exec sleep 100", group.paths())
            try child.waitForOutput()
            #expect(group.kill() == false)
            #expect(try group.line("cpu.cfs_quota_us", .cpu) == "-1")
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 20)) == false)
            kill(child.pid, SIGKILL)
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 60_000)) == true)
            _ = child.wait()
            let used = try #require(try group.statistics().cpuTime)
            #expect(used > 0 && used < 5_000_000)
            try group.remove()
        }
    }

    @Test func `the descriptors are the group's: a process is put in by them`() throws {
        try withLayout { layout, mark in
            var group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let child = try ShellChild("exec sleep 100", [])
            for file in group.processFiles {
                let text = Array("\(child.pid)".utf8)
                #expect(unsafe Glibc.write(file, text, text.count) == text.count)
            }
            if group.cloneDirectory >= 0 {
                let procs = unsafe openat(group.cloneDirectory, "cgroup.procs", O_WRONLY | O_CLOEXEC)
                try FileDescriptor(owning: procs).writeControl("\(child.pid)", name: "cgroup.procs")
            }
            for path in group.paths() {
                let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
                #expect(try directory.readFile("cgroup.procs") == Array("\(child.pid)\n".utf8))
            }
            group.closeFiles()
            #expect(group.processFiles == [])
            kill(child.pid, SIGKILL)
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 60_000)) == true)
            _ = child.wait()
            try group.remove()
        }
    }

    @Test func `a process killed for want of memory is counted, and the peak is at the limit`() throws {
        try withLayout { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let child = try ShellChild(join + "exec tail /dev/zero", group.paths())
            #expect(child.wait() == SIGKILL)
            let statistics = try group.statistics()
            #expect(statistics.oomKills == 1)
            if let peak = statistics.peakMemory { #expect(peak > 12 << 20 && peak <= 16 << 20) }
            try group.remove()
        }
    }

    @Test func `an ordinary kill is not counted as want of memory`() throws {
        try withLayout { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let child = try ShellChild(join + "kill -9 $$", group.paths())
            #expect(child.wait() == SIGKILL)
            #expect(try group.statistics().oomKills == 0)
            #expect(try group.statistics().pidsLimitHits == 0)
            try group.remove()
        }
    }

    @Test func `forks beyond the limit of processes fail and are counted`() throws {
        try withLayout { layout, mark in
            var limits = Limits.small
            limits.pids = 4
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: limits)
            let forks = "for i in 1 2 3 4 5 6; do sleep 0.2 & done; wait"
            let child = try ShellChild(join + forks, group.paths())
            #expect(child.wait() != 0)
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 60_000)) == true)
            #expect(try #require(try group.statistics().pidsLimitHits) >= 1)
            try group.remove()
        }
    }

    @Test func `cpu time is that of the group`() throws {
        try withLayout { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let count = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"
            let child = try ShellChild(join + count, group.paths())
            #expect(child.wait() == 0)
            let used = try #require(try group.statistics().cpuTime)
            // Not a minute, however slow the machine.
            #expect(used > 5_000 && used < 60_000_000)
            try group.remove()
        }
    }
}
