import TestSupport
import Testing

@Suite struct PlanTests {
    @Test func `a plan is printed and nothing is done`() throws {
        let directory = try TemporaryDirectory()
        let report = directory("report.json")
        let marker = directory("workspace")
        try File.makeDirectories(marker)
        let outcome = try Corral.leavesNothing {
            try Corral.run([
                "--plan", "--json", "--report", report, "--workspace", marker, "--memory=64MiB", "--relay",
                "tgo=\(directory("no.sock"))", "--", "touch", "made",
            ])
        }
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        for part in [
            "profile:\n  default\n", "  \"touch\"\n", "memory 64MiB", marker, "listen at /run/tgo/tgo.sock",
        ] {
            #expect(outcome.output.contains(part), "\(part)")
        }
        #expect(!File.exists(report))
        #expect(File.names(in: marker) == [])
    }

    @Test func `a sandbox that goes on running is seen, or no test here would show anything`() throws {
        // It may get the numbers of namespaces that were another test's when it began.
        let isSeen = try eventually {
            let (program, left) = try Corral.leftovers(within: 0.1) {
                let program = try Program([Corral.path, "run", "--", "sh", "-c", "echo running; sleep 100"])
                    .start()
                #expect(try program.waitForText("running"))
                return program
            }
            #expect(left.contains("process corral (\(program.pid))"))
            try program.signal(15)
            #expect(try program.wait(timeout: 60).status == 143)
            return left.contains { $0.hasPrefix("namespace net:") }
        }
        #expect(isSeen)
    }

    @Test func `what a plan lists as layers is what a run reports`() throws {
        let plan = try Corral.run(["--plan", "--", "true"])
        let run = try Corral.run(["--json", "--", "true"])
        let listed = plan.output.split(separator: "\n").drop { $0 != "layers:" }.dropFirst()
            .filter { !$0.hasSuffix(": in force") }
        let weak = try Report(in: run.errors).weakLayers
        #expect(Set(listed.map(String.init)) == Set(weak.map { "  \($0): \($1)" }))
    }

    @Test func `the report on standard error and the one in a file are the same`() throws {
        let directory = try TemporaryDirectory()
        let path = directory("report.json")
        let outcome = try Corral.run([
            "--json", "--report", path, "--", "sh", "-c", "echo out; echo err >&2; exit 3",
        ])
        #expect(outcome.status == 3)
        #expect(outcome.output == "out\n")
        let lines = outcome.errors.split(separator: "\n").map(String.init)
        #expect(lines.contains("err"))
        let text = try #require(lines.last)
        #expect(File.text(path) == text + "\n")
        let report = try Report(text)
        #expect(report.text("cause") == "exited" && report.number("exit") == 3 && report.number("code") == 3)
        #expect(try #require(report.number("times", "launch_us")) > 0)
        #expect(try #require(report.number("times", "wall_us")) > 0)
        #expect(try #require(report.number("memory", "peak_bytes")) > 0)
    }

    @Test func `a run that ended by its time limit says so in code, words and report`() throws {
        let outcome = try Corral.leavesNothing {
            try Corral.run(["--timeout", "300ms", "--json", "--", "sleep", "100"])
        }
        #expect(outcome.status == 124)
        #expect(outcome.elapsed < 60 * Host.patience)
        #expect(
            outcome.errors.contains(
                "corral run: ended: time limit of 300ms reached (change it with --timeout)\n"))
        let report = try Report(in: outcome.errors)
        #expect(report.text("cause") == "timeout" && report.number("code") == 124)
        #expect(report.number("exit") == nil && report.number("signal") == nil)
        #expect(try #require(report.number("times", "wall_us")) >= 290_000)
    }
}
