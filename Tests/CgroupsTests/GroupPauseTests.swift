import Glibc
import Sandbox
import Testing

@testable import Cgroups

/// Standing still, and what a group uses at the moment, in groups of the running kernel.
@Suite(.enabled(if: Host.makesGroups, "needs root, and memory, pids and cpu controllers to write to"))
struct GroupPauseTests {
    @Test(.enabled(if: Host.hasV2, "needs a v2 hierarchy"))
    func `a paused group stands still, dies when it is killed, and goes on otherwise`() throws {
        try withLayout { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let (problem, wasEmpty) = (group.pauseProblem, group.isEmpty)
            #expect(problem == nil && wasEmpty)
            let child = try ShellChild(join + "while :; do sleep 0.01; done", group.paths())
            try child.waitForOutput()
            let (isEmpty, isPaused) = (group.isEmpty, group.isPaused)
            #expect(!isEmpty && !isPaused)
            try group.setPaused(true)
            var left = 6000
            while !group.isPaused, left > 0 {
                usleep(10_000)
                left -= 1
            }
            let stands = group.isPaused
            try group.setPaused(false)
            let stood = group.isPaused
            #expect(stands && !stood)
            try group.setPaused(true)
            group.kill()
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 60_000)) == true)
            #expect(child.wait() == SIGKILL)
            try group.remove()
        }
    }

    @Test(.enabled(if: Host.hasV1, "needs v1 hierarchies"))
    func `without v2 nothing is paused, and the reason is said`() throws {
        try withLayout(Host.v1Layout) { layout, mark in
            let group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let problem = group.pauseProblem
            #expect(problem?.contains("cgroup v1 cannot be killed") == true)
            let (isEmpty, isPaused) = (group.isEmpty, group.isPaused)
            #expect(isEmpty && !isPaused)
            try group.remove()
        }
    }

    @Test func `a group tells what it uses now`() throws {
        try withLayout { layout, mark in
            var group = try SandboxGroup.create(in: layout, name: "\(mark)-0-a", limits: .small)
            let before = try group.usage()
            #expect(before.pids == 0)
            let child = try ShellChild(join + "sleep 100 & sleep 100", group.paths())
            try child.waitForOutput()
            // What only the launch needs is closed meanwhile.
            group.closeFiles()
            let (directory, files) = (group.cloneDirectory, group.processFiles)
            #expect(directory == -1 && files.isEmpty)
            let usage = try group.usage()
            #expect((1...4).contains(usage.pids ?? 0))
            #expect(usage.memory ?? 0 > 0)
            group.kill()
            kill(child.pid, SIGKILL)
            _ = child.wait()
            #expect(try group.waitUntilEmpty(until: soon(milliseconds: 60_000)) == true)
            try group.remove()
        }
    }
}
