// A short soak: hundreds of sandboxes made and killed, and nothing left of them.

import TestSupport
import Testing
import Wire

/// Compares counts of the whole machine, so it runs while nothing else does (scripts/test.sh).
@Suite(.serialized, .enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(60)))
struct SoakTests {
    private let directory: TemporaryDirectory
    private var report: String { "\(directory.path)/soak.json" }

    init() throws { directory = try TemporaryDirectory() }

    private func soak(_ options: [String], within seconds: Double = 600) throws -> Program.Outcome {
        try Program.run([Product.path("Soak"), "--json", report] + options, timeout: seconds)
    }

    @Test func `five hundred of each kind leave nothing`() throws {
        let outcome = try soak(["--cycles", "500", "--every", "250"])
        print(outcome.output)
        #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
        let found = try JSONTree(parsing: try File.read(report))
        #expect(found.member("cycles")?.value == .number("500"))
        #expect(found.member("leaks")?.value == .number("0"))
        // Kills have met every state of a start, or little was shown.
        for place in ["waiting", "building", "starting", "running", "beginning"] {
            #expect(outcome.output.contains(" when \(place) -> "), "\(outcome.output)")
        }
    }

    /// All profiles that need no network, terminals, volumes and limits, with programs that fork and write.
    @Test func `mixed runs leave nothing`() throws {
        let cycles = Effort.isFull ? 3000 : 100
        let outcome = try soak(["--cycles", "\(cycles)", "--every", "500", "--mixed", "yes"], within: 1800)
        #expect(outcome.status == 0, "\(outcome.errors)\(outcome.output)")
    }

    /// The positive control: what stays is found, and is a failure.
    @Test func `what stays is found`() throws {
        let outcome = try soak([
            "--cycles", "20", "--every", "20", "--plant", "yes", "--patience", "2", "--ratio", "0.0001",
            "--seed", "7",
        ])
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("resident: this process grew from "), "\(outcome.errors)")
        #expect(outcome.errors.contains("resident: the last starts took longer: "), "\(outcome.errors)")
        // With this seed no run of the last tenth is left alone.
        #expect(outcome.errors.contains("sequential: too few starts to compare"), "\(outcome.errors)")
        for kind in ["resident", "sequential", "crowd"] {
            let left = "\(kind): left after 20 cycles:"
            let lines = outcome.errors.split(separator: "\n").filter { $0.contains(left) }
            for thing in [
                "cgroup /", "/corral-run-planted-\(kind)", "file /tmp/corral-planted-\(kind)",
                "namespace net:", "descriptors of this process",
            ] {
                #expect(lines.contains { $0.contains(thing) }, "\(thing): \(outcome.errors)")
            }
        }
    }

    @Test(arguments: [["--cycles", "0"], ["--cycles"], ["--wide", "3"], ["--corral", "/no/such"]])
    func `a wrong command line is refused`(options: [String]) throws {
        #expect(try Program.run([Product.path("Soak")] + options).status == 2)
    }
}

extension JSONTree {
    fileprivate func member(_ name: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == name }?.value
    }
}
