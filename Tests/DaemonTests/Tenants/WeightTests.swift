import Glibc
import TestSupport
import Testing
import Wire

/// What tenants weigh beside each other: the cgroup around the sessions of each.
@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct WeightTests {
    private let shared: SharedDaemon
    private var red: UInt32 { SharedDaemon.red }

    init() throws { shared = try SharedDaemon() }

    private func set(_ body: String) throws -> SharedDaemon.Answer {
        try shared.call(nil, "POST", "/v1/tenants/red/set", body)
    }

    private func weight() throws -> JSONTree? {
        try shared.call(nil, "GET", "/v1/tenants/red").json?["weight"]
    }

    /// The groups around the sessions of these ids.
    private func around(_ ids: String...) -> Set<String> {
        let own = Census.groups().filter { path in ids.contains { path.hasSuffix("-\($0)") } }
        return Set(own.map { String($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex)) })
    }

    private func shares(_ id: String) -> [String] {
        around(id).compactMap { File.text("\($0)/cpu.shares") ?? File.text("\($0)/cpu.weight") }
    }

    private func isShare(_ text: [String], _ weight: UInt64) -> Bool {
        text == ["\(weight)\n"] || text == ["\(weight * 1024 / 100)\n"]
    }

    @Test func `a weight is in force once there are sessions, and another one holds at once`() throws {
        #expect(try weight()?["value"]?.text == "100" && weight()?["origin"] == nil)
        #expect(try weight()?["cpu"]?["state"]?.text == "not in force")
        #expect(try weight()?["cpu"]?["reason"]?.text == "it has no sessions")
        let one = try shared.session(red)
        #expect(try weight()?["cpu"]?["state"]?.text == "in force")
        #expect(isShare(shares(one), 100), "\(shares(one))")
        let changed = try set(#"{"weight":300}"#)
        #expect(changed.status == 200, "\(changed.text)")
        #expect(changed.json?["weight"]?["cpu"]?["state"]?.text == "in force")
        #expect(isShare(shares(one), 300), "\(shares(one))")
        let two = try shared.session(red)
        #expect(around(one) == around(two) && !around(one).isEmpty)
        let other = try shared.session(SharedDaemon.blue)
        #expect(around(other).isDisjoint(with: around(one)) && isShare(shares(other), 100))
        // A list tells the number, and asks nobody.
        let listed = try shared.call(red, "GET", "/v1/tenants").json?["tenants"]?.list.first
        #expect(listed?["weight"]?["value"]?.text == "300" && listed?["weight"]?["cpu"] == nil)
        #expect(try set(#"{"weight":null}"#).status == 200)
        #expect(try weight()?["value"]?.text == "100" && isShare(shares(one), 100))
        let groups = around(one)
        for id in [one, two] { _ = try shared.call(red, "DELETE", "/v1/sessions/\(id)?force") }
        #expect(eventually { !groups.contains(where: File.exists) })
    }

    @Test(arguments: ["0", "10001", "-1", "1.5", #""100""#, "1e99"])
    func `a weight that the kernel would not take is refused, and changes nothing`(text: String) throws {
        let before = try shared.call(nil, "GET", "/v1/tenants/red").json?["version"]?.text
        let refused = try set(#"{"weight":\#(text)}"#)
        #expect(refused.status == 400 && refused.text.contains("weight"), "\(refused.text)")
        #expect(try shared.call(nil, "GET", "/v1/tenants/red").json?["version"]?.text == before)
        #expect(try set("{}").text.contains("weight: one of them is missing"))
    }

    @Test func `a weight outlasts the daemon, and a killed warden's groups are removed by the next`() throws {
        #expect(try set(#"{"weight":40}"#).status == 200)
        let one = try shared.session(red)
        #expect(isShare(shares(one), 40))
        // The daemon alone: the session goes on, in the same group.
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try weight()?["value"]?.text == "40" && weight()?["origin"]?.text == "tenant")
        #expect(try weight()?["cpu"]?["state"]?.text == "in force")
        let groups = around(one)
        #expect(!groups.isEmpty)
        let warden = try #require(shared.daemon.warden)
        #expect(kill(warden, SIGKILL) == 0)
        try shared.daemon.kill()
        // Until it is dead whoever connects is accepted.
        try #require(eventually { shared.daemon.warden == nil })
        #expect(groups.allSatisfy(File.exists), "nobody was left to remove them")
        try shared.daemon.startAgain()
        #expect(eventually { !groups.contains(where: File.exists) })
        let two = try shared.session(red)
        #expect(isShare(shares(two), 40))
    }

    @Test func `the command sets a weight, and tells what is in force`() throws {
        func corral(_ words: String...) throws -> Program.Outcome {
            try Program.run(
                [Product.path("corral")] + words,
                environment: Program.environment.merging(["CORRAL_SOCKET_PATH": shared.daemon.socket]) { $1 })
        }
        #expect(try corral("tenant", "set", "red", "--weight", "250").output == "red\n")
        let shown = try corral("tenant", "inspect", "red").output
        #expect(shown.contains(#""value": 250"#) && shown.contains(#""state": "not in force""#), "\(shown)")
        #expect(try corral("tenant", "set", "red", "--weight", "none").status == 0)
        let wrong = try corral("tenant", "set", "red", "--weight", "10001")
        #expect(wrong.status != 0 && wrong.errors.contains("--weight"), "\(wrong.errors)")
        #expect(try corral("tenant", "create", "green", "--weight", "7").output == "green\n")
        #expect(try corral("tenant", "inspect", "green").output.contains(#""value": 7"#))
    }
}
