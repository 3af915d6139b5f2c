import API
import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// That the benchmark of sessions measures what it says with a daemon of its own, and leaves nothing of that
/// behind. What the figures are says nothing here.
@Suite(.enabled(if: Host.isRoot, "corrald is started by root here, as the system does"))
struct SessionBenchmarkTests {
    private static let environment = Program.ownEnvironment.merging(["CORRAL_DATA": Repository.root]) { $1 }

    private func words(_ scene: String, _ more: [String] = []) -> [String] {
        [Product.path("Benchmarks"), "session", "--rounds", "3", "--warmup", "1", "--counts", "5"]
            + ["--seconds", "1", "--only", scene] + more
            + ["--command", "corrald", "--", Product.path("corrald")]
    }

    /// Processes of daemons that benchmarks started below this directory.
    private func daemons(of benchmark: String) -> [String] {
        File.names(in: "/proc").compactMap { name in
            guard pid_t(name) != nil, let bytes = try? File.read("/proc/\(name)/cmdline") else { return nil }
            let line = String(decoding: bytes.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self)
            return line.contains(benchmark) ? line : nil
        }
    }

    /// Whether a process's child was given that directory.
    private func isCorrald(below directory: String, of pid: Int32) -> Bool {
        File.names(in: "/proc").contains { name in
            guard pid_t(name) != nil, let status = File.text("/proc/\(name)/status"),
                status.contains("\nPPid:\t\(pid)\n")
            else { return false }
            return File.text("/proc/\(name)/cmdline")?.contains(directory) ?? false
        }
    }

    @Test(arguments: [
        (
            "launch",
            [
                "session/all three", "session/create", "session/first exec", "session/remove", "session/exec",
                "session/fork+exec", "session/exec/ratio",
            ]
        ),
        ("thousand", ["sessions/rate", "sessions/reaped"]),
        ("idle", ["sessions/memory", "sessions/corrald", "sessions/wake-ups", "sessions/list"]),
        ("restart", ["sessions/restart"]),
        ("tenants", ["tenants/alone", "tenants/beside a flood", "tenants/exec/ratio"]),
        ("attach", ["attach/daemon/MB/s", "attach/daemon/ratio", "attach/daemon/ms", "attach/daemon/share"]),
    ])
    func `a scene says what it is to say, alone as well`(scene: String, names: [String]) throws {
        let directory = try TemporaryDirectory()
        let outcome = try Program.run(
            words(scene, ["--json", directory("lines")]), environment: Self.environment, timeout: 300)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let lines = (File.text(directory("lines")) ?? "").split(separator: "\n")
        let found = lines.map { String($0.split(separator: "\"").dropFirst(3).first ?? "") }
        #expect(found == names, "\(outcome.errors)")
    }

    @Test func `what is another tenant's and what there is not are asked for in every operation on them`()
        throws
    {
        let directory = try TemporaryDirectory()
        let outcome = try Program.run(
            words("strangers", ["--json", directory("lines")]), environment: Self.environment, timeout: 600)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let lines = (File.text(directory("lines")) ?? "").split(separator: "\n")
        let found = lines.map { String($0.split(separator: "\"").dropFirst(3).first ?? "") }
        let routes = APIRoute.all.filter { !Set($0.parameters).isDisjoint(with: ["session", "workspace"]) }
        #expect(found == routes.map { "strangers/\($0.name)" } + ["strangers"], "\(outcome.errors)")
    }

    @Test func `a benchmark that is killed takes its daemon and all sessions with it`() throws {
        let benchmark = try Program(words("idle", []), environment: Self.environment).start()
        var own: [String] = []
        #expect(
            eventually(within: 60) {
                // Others have benchmarks beside this one.
                own = File.names(in: "/var/tmp").filter {
                    $0.hasPrefix("corral-bench.") && isCorrald(below: "/var/tmp/\($0)", of: benchmark.pid)
                        && daemons(of: "/var/tmp/\($0)").contains { $0.contains("corral-warden") }
                }
                return !own.isEmpty
            })
        try benchmark.signal(SIGKILL)
        _ = try benchmark.wait(timeout: 60)
        for name in own {
            #expect(eventually(within: 60) { daemons(of: "/var/tmp/\(name)").isEmpty })
            #expect(eventually(within: 60) { !File.exists("/var/tmp/\(name)") })
        }
    }
}
