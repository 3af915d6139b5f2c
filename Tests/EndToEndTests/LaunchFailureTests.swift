// A launch that fails says which step failed, on what, with which error, and what to do; and leaves
// nothing.

import TestSupport
import Testing
import Wire

@Suite struct LaunchFailureTests {
    /// A data directory like the shipped one, but with one text of the image replaced.
    private static func data(
        replacing old: String, with new: String, in directory: borrowing TemporaryDirectory
    ) throws -> String {
        for (kind, names) in [
            ("profiles", ["default.yaml"]),
            (
                "profiles/seccomp",
                ["base.json", "general.json", "ipc.json", "network.json", "openat2.json", "unix.json"]
            ), ("images", ["host.yaml"]),
        ] {
            try File.makeDirectories("\(directory.path)/\(kind)")
            for name in names {
                let text = String(
                    decoding: try File.read(Repository.path("\(kind)/\(name)")), as: UTF8.self)
                let changed = kind == "images" ? text.replacing(old, with: new) : text
                if kind == "images" { try #require(changed != text) }
                try File.write(Array(changed.utf8), to: "\(directory.path)/\(kind)/\(name)")
            }
        }
        return directory.path
    }

    private static func run(_ data: String, _ words: [String]) throws -> Program.Outcome {
        var environment = Program.environment
        environment["CORRAL_DATA"] = data
        return try Program.run([Corral.path, "run"] + words, environment: environment)
    }

    @Test func `a device that is not what the image says is a step that fails`() throws {
        let directory = try TemporaryDirectory()
        let data = try Self.data(
            replacing: "{ name: zero, major: 1, minor: 5 }", with: "{ name: zero, major: 1, minor: 9 }",
            in: directory)
        let outcome = try Corral.leavesNothing { try Self.run(data, ["--json", "--", "true"]) }
        #expect(outcome.status == 125)
        let lines = outcome.errors.split(separator: "\n").map(String.init)
        let sentence = try #require(lines.first { $0.hasPrefix("corral run: launch failed") })
        #expect(
            sentence
                == "corral run: launch failed at the step \"device /dev/zero (1:9)\": ENODEV (No such device); "
                + "the host's /dev does not have this device as it should be")
        let report = try #require(lines.last)
        #expect(report.contains(#""cause":"launch-failed","exit":null,"signal":null,"code":125"#))
    }

    @Test func `a bind that the host does not have is named with its image`() throws {
        let directory = try TemporaryDirectory()
        let data = try Self.data(
            replacing: "- path: /usr\n", with: "- path: /nowhere-at-all\n", in: directory)
        let outcome = try Corral.leavesNothing { try Self.run(data, ["--", "true"]) }
        #expect(outcome.status == 125)
        #expect(
            outcome.errors
                == "corral run: the image host binds /nowhere-at-all, which this host does not have; "
                + "mark it optional in images/host.yaml or create it\n")
    }

    @Test func `a data directory without profiles is named with its variable`() throws {
        let outcome = try Self.run("/nonexistent", ["--", "true"])
        #expect(outcome.status == 125)
        #expect(
            outcome.errors
                == "corral run: CORRAL_DATA names \"/nonexistent\", which does not hold the directories "
                + "profiles and images\n")
    }

    @Test(arguments: [
        (["--json", "--", "no-such-command"], 127), (["--json", "--", "/etc/passwd"], 126),
        (["--json", "-w", "/no-such", "--", "true"], 125),
    ])
    func `a program that never ran has a report with the cause launch-failed`(
        words: [String], code: Int
    ) throws {
        let outcome = try Corral.run(words)
        #expect(outcome.status == CInt(code))
        let report = try #require(outcome.errors.split(separator: "\n").last)
        #expect(report.contains(#""cause":"launch-failed""#) && report.contains(#""code":\#(code),"#))
    }

    @Test func `a report that cannot be written is said, and changes nothing else`() throws {
        let outcome = try Corral.run(["--json", "--report", "/dev/full", "--", "sh", "-c", "exit 4"])
        #expect(outcome.status == 4)
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.contains("corral run: --report: /dev/full: ENOSPC (No space left on device)"))
        #expect(lines.last?.contains(#""cause":"exited","exit":4"#) ?? false)
    }

    @Test func `an init that is not there is named with where it was looked for`() throws {
        var environment = Program.environment
        environment["CORRAL_INIT"] = "/nonexistent/sandbox-init"
        let outcome = try Program.run([Corral.path, "run", "--", "true"], environment: environment)
        #expect(outcome.status == 125)
        #expect(outcome.errors.contains("sandbox-init not found; looked for /nonexistent/sandbox-init"))
    }

    /// The init is gone before the plan is sent, or before the request, as time will have it.
    @Test func `an init that ends at once is reported as that, however far the launch had come`() throws {
        var environment = Program.environment
        environment["CORRAL_INIT"] = "/bin/true"
        for _ in 0..<20 {
            let outcome = try Program.run([Corral.path, "run", "--", "true"], environment: environment)
            #expect(outcome.status == 125)
            #expect(
                outcome.errors
                    == "corral run: sandbox-init exited with status 0 during the step \"start\"\n")
        }
    }
}
