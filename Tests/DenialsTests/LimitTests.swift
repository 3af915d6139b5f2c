import Denials
import Sandbox
import TestSupport
import Testing

@Suite struct LimitTests {
    private func denial(
        _ key: ProfileKey, _ amount: UInt64?, _ profile: String = "", hostDirectory: Bool = false
    ) throws -> Denial? {
        let fixture = Fixture(profile: profile, hostDirectory: hostDirectory)
        return Evaluator.denial(of: .limit(try LimitEvent(key, amount)), under: try fixture.rules())
    }

    /// Each limit with the most that it lets through, as ``Fixture`` has it.
    private static let most: [(ProfileKey, UInt64)] = [
        (.memory, 64 << 20), (.swap, 0), (.pids, 15), (.cpus, 1000), (.openFiles, 1024), (.fileSize, 1 << 30),
        (.stack, 8 << 20), (.workspaceBytes, 1 << 20), (.workspaceFiles, 99), (.relayFrame, 4 << 20),
        (.relayConnections, 8), (.relayRate, 200), (.relayBurst, 400), (.relayInFlight, 64),
        (.relayDeadline, 30_000), (.relayRegistration, 30_000),
    ]

    @Test(arguments: most) func `a limit refuses what is more`(key: ProfileKey, most: UInt64) throws {
        #expect(try denial(key, most) == nil)
        let denial = try #require(try denial(key, most + 1))
        #expect(denial.source == .limit)
        #expect(denial.rule.text.hasPrefix("\(key.rawValue) is "))
        #expect(try self.denial(key, nil) != nil)
    }

    @Test func `a limit of none refuses nothing`() throws {
        for key in [ProfileKey.timeout, .outputLimit, .relayBytes] {
            #expect(try denial(key, .max >> 1) == nil)
            #expect(try denial(key, nil) == nil)
        }
        let profile = "lifetime:\n  timeout: 5s\noutput:\n  limit: 1KiB"
        #expect(try denial(.timeout, 5000, profile) == nil)
        #expect(try denial(.timeout, 5001, profile)?.rule.origin == "profiles/upper.yaml:2")
        #expect(try denial(.outputLimit, nil, profile)?.cure == "Set output.limit to none in the profile.")
    }

    @Test func `the cure counts what others use, and knows what no profile can allow`() throws {
        #expect(try denial(.pids, 16)?.cure == "Set limits.pids to 17 in the profile.")
        #expect(try denial(.pids, 16)?.rule.origin == "profiles/base.yaml:4")
        #expect(
            try denial(.stack, 2 << 30)?.cure == "No profile can allow it: limits.stack goes up to 1GiB.")
    }

    @Test func `the workspace's limits hold for an ephemeral one only`() throws {
        #expect(try denial(.workspaceBytes, 1 << 40, hostDirectory: true) == nil)
        let closed = try denial(.workspaceFiles, 1, "filesystem:\n  workspace: read_only")
        #expect(closed?.source == .mounts && closed?.seen == "EROFS")
    }

    @Test(arguments: [ProfileKey.workspaceBytes, .workspaceFiles])
    func `a limit of the workspace is explained with where another one holds instead`(key: ProfileKey) throws
    {
        let event = Event.limit(try LimitEvent(key, 1 << 40))
        let notes = Evaluator.explanation(of: event, under: try Fixture().rules()).steps.map(\.rule.text)
        #expect(notes.count { $0.contains("--disk or --workspace has its volume's limit") } == 1, "\(notes)")
    }

    @Test func `what is no limit is refused`() {
        #expect(throws: ValueError.self) { try LimitEvent(.image, 1) }
    }

    @Test func `every limit of a profile can be asked about`() {
        // They end a session, and refuse its processes nothing.
        let lives: Set<ProfileKey> = [.ttl, .idle, .most]
        let limits = ProfileKey.allCases.filter {
            if case .quantity = $0.kind { $0 != .maxTimeout && !lives.contains($0) } else { false }
        }
        #expect(Set(limits) == Set(LimitEvent.keys))
    }
}
