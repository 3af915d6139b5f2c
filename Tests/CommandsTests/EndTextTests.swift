import Launch
import Sandbox
import TestSupport
import Testing

@testable import Commands

@Suite struct EndTextTests {
    private static func lines(_ facts: RunFacts, seccomp: String = "") throws -> [String] {
        let file = Repository.path("profiles/default.yaml")
        var profile = try Profile.decode(File.read(file), file: file)
        profile.lifetime.timeout = 1500
        profile.limits.cpuTime = 60_000
        profile.output.limit = 1 << 20
        return EndText(outcome: RunOutcome(facts), facts: facts, profile: profile, seccomp: seccomp).lines
    }

    @Test func `an exit or a signal of the program's own needs no words`() throws {
        #expect(try Self.lines(RunFacts(status: .exited(3))) == [])
        #expect(try Self.lines(RunFacts(status: .signalled(11))) == [])
    }

    @Test func `each limit that ended it is named with its value and its option`() throws {
        #expect(
            try Self.lines(RunFacts(timedOut: true))
                == ["ended: time limit of 1500ms reached (change it with --timeout)"])
        #expect(
            try Self.lines(RunFacts(cpuTimeExceeded: true))
                == ["ended: cpu time limit of 1m reached (change it with --cpu-time)"])
        #expect(
            try Self.lines(RunFacts(status: .signalled(9), outOfMemoryKills: 1))
                == ["ended: memory limit of 256MiB reached (change it with --memory)"])
        #expect(
            try Self.lines(RunFacts(pidsExceeded: true, pidsHits: 4))
                == ["ended: limit of 128 processes and threads reached (change it with --pids)"])
        #expect(
            try Self.lines(RunFacts(outputExceeded: true))
                == ["ended: output limit of 1MiB reached (change it with --output-limit)"])
    }

    @Test func `the policy and a signal to corral are named`() throws {
        #expect(
            try Self.lines(RunFacts(status: .signalled(31)), seccomp: "system call reboot, rule at x:1")
                == ["ended: killed by the seccomp policy (SIGSYS): system call reboot, rule at x:1"])
        #expect(try Self.lines(RunFacts(askedBy: 15)) == ["ended: signal 15 to corral"])
    }

    @Test func `limits that ended nothing come first`() throws {
        #expect(
            try Self.lines(
                RunFacts(timedOut: true, outOfMemoryKills: 2, pidsHits: 3, outputLeftOut: 12))
                == [
                    "memory limit of 256MiB reached: the kernel killed 2 processes (change it with --memory)",
                    "limit of 128 processes and threads reached: 3 were refused (change it with --pids)",
                    "output limit of 1MiB reached: 12 bytes left out (change it with --output-limit)",
                    "ended: time limit of 1500ms reached (change it with --timeout)",
                ])
    }
}
