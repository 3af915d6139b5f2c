import Configuration
import Glibc
import Quotas
import TestSupport
import Testing
import Wire

@testable import Daemon

/// What all tenants may have together.
@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct NodeQuotaTests {
    private static func shared(_ settings: String...) throws -> SharedDaemon {
        try SharedDaemon(settings.flatMap { ["--set", $0] })
    }

    private func node(_ shared: SharedDaemon, _ quota: String) throws -> JSONTree? {
        try shared.call(nil, "GET", "/v1/quotas").json?["node"]?["quotas"]?.list.first {
            $0["quota"]?.text == quota
        }
    }

    @Test func `the node's settings have the ranges of its quotas`() {
        let keys: [(SettingKey, Quota)] = [
            (.nodeProcesses, .processes), (.nodeMemory, .memory), (.nodeCPUs, .cpus), (.nodeDisk, .disk),
            (.nodeCPUTime, .cpuTimePerDay), (.nodeExecs, .execsPerDay), (.nodeCreations, .creationsPerMinute),
        ]
        for (key, quota) in keys { #expect(key.kind == .quantity(quota.rule), "\(key)") }
        #expect(keys.allSatisfy { $0.0.rawValue == "node.\($0.1.rawValue)" })
    }

    @Test func `what tenants have together is bounded, and the refusal says that it is the node's`() throws {
        let shared = try Self.shared("node.memory=384MiB", "node.execs_per_day=3", "node.processes=1")
        let half = #"{"limits":{"memory":268435456}}"#
        let id = try shared.session(SharedDaemon.red, half)
        let refused = try shared.call(SharedDaemon.blue, "POST", "/v1/sessions", half)
        #expect(refused.status == 429 && refused.text.contains("quota-memory"), "\(refused.text)")
        #expect(refused.text.contains("this node may have 384MiB of memory and was asked for 256MiB more"))
        #expect(try node(shared, "memory")?["used"]?.text == "268435456")
        #expect(try node(shared, "memory")?["limit"]?.text == "402653184")
        #expect(try node(shared, "memory")?["state"]?.text == "in force")
        #expect(try node(shared, "sessions")?["limit"]?.text == "1000")
        #expect(try node(shared, "cpus")?["state"]?.text == "no limit")
        let small = try shared.session(SharedDaemon.blue, #"{"limits":{"memory":67108864}}"#)
        for session in [(SharedDaemon.red, id), (SharedDaemon.blue, small), (SharedDaemon.red, id)] {
            let exec = try shared.call(
                session.0, "POST", "/v1/sessions/\(session.1)/exec", #"{"argv":["/bin/true"]}"#)
            #expect(exec.status == 200, "\(exec.text)")
        }
        // Of a day, whoever spent it, and whoever was killed meanwhile.
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        let spent = try shared.call(
            SharedDaemon.blue, "POST", "/v1/sessions/\(small)/exec", #"{"argv":["/bin/true"]}"#)
        #expect(spent.status == 429 && spent.text.contains("this node may have 3 of execs_per_day"))
        #expect(try node(shared, "execs_per_day")?["used"]?.text == "3")
        #expect(try node(shared, "memory")?["used"]?.text == "\(320 << 20)")
    }

    @Test func `tenants are not told of the node, and may not be given more than it has`() throws {
        let shared = try Self.shared("node.memory=1GiB")
        for (uid, query) in [(SharedDaemon.red, ""), (nil, "?tenant=red")] {
            #expect(try shared.call(uid, "GET", "/v1/quotas\(query)").json?["node"] == nil, "\(query)")
        }
        #expect(try shared.call(nil, "GET", "/v1/quotas?all_tenants").json?["node"] != nil)
        let more = try shared.call(
            nil, "POST", "/v1/tenants/red/quotas", #"{"limits":{"memory":1073741825}}"#)
        #expect(more.status == 400 && more.text.contains("limits.memory"), "\(more.text)")
        #expect(more.text.contains("node.memory of corral.yaml"))
        let shown = try Program.run(
            [Product.path("corral"), "quota", "show"],
            environment: Program.environment.merging(["CORRAL_SOCKET_PATH": shared.daemon.socket]) { $1 })
        let line = shown.output.split(separator: "\n").first {
            $0.hasPrefix("(node)") && $0.contains("memory")
        }
        #expect(line?.contains("1GiB") == true, "\(shown.output)\(shown.errors)")
    }

    @Test(VolumeHost.trait) func `volumes of all tenants have the node's disk`() throws {
        let shared = try Self.shared("node.disk=32MiB")
        let workspace = #"{"name":"data","bytes":20971520}"#
        #expect(try shared.call(SharedDaemon.red, "POST", "/v1/workspaces", workspace).status == 201)
        let refused = try shared.call(SharedDaemon.blue, "POST", "/v1/workspaces", workspace)
        #expect(refused.status == 429 && refused.text.contains("quota-disk"), "\(refused.text)")
        #expect(refused.text.contains("this node may have 32MiB of disk and was asked for 20MiB more"))
        #expect(try shared.call(SharedDaemon.red, "DELETE", "/v1/workspaces/data").status == 204)
        #expect(try shared.call(SharedDaemon.blue, "POST", "/v1/workspaces", workspace).status == 201)
    }
}
