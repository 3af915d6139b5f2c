import Cgroups
import Linux
import Preparation
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@testable import Warden

/// Groups around the sandboxes of each tenant.
@Suite(.serialized, .enabled(if: Host.isRoot, "only root has cgroups everywhere"))
struct TenantGroupTests {
    /// Nobody else on this machine has a tenant of that name.
    private let tenant = "t\(UInt64.random(in: 0 ... .max))"

    private func around(_ tenant: String) -> [String] {
        Census.groups().filter { $0.hasSuffix("-\(tenant)") && $0.contains("/corral-tenant-") }.sorted()
    }

    private func order(_ bench: EngineBench, _ tenant: String, weight: UInt32 = 100) -> SessionOrder {
        var order = bench.order([.memory(64 << 20)])
        order.share = TenantShare(tenant, weight: weight)
        return order
    }

    private func sandbox(_ bench: EngineBench, _ tenant: String, weight: UInt32 = 100) throws -> SandboxID {
        let order = order(bench, tenant, weight: weight)
        try bench.create(order)
        try bench.waitUntilReady(order.id)
        return order.id
    }

    private func shares(_ tenant: String) -> [String] {
        around(tenant).compactMap { group in
            File.text("\(group)/cpu.shares") ?? File.text("\(group)/cpu.weight")
        }
    }

    private var isOnV1: Bool { around(tenant).contains { File.exists("\($0)/cpu.shares") } }

    @Test func `a tenant has one group around its sandboxes, from the first to the last of them`() throws {
        let bench = try EngineBench()
        let plain = try bench.sandbox()
        #expect(around(tenant).isEmpty)
        let first = try sandbox(bench, tenant, weight: 300)
        let groups = around(tenant)
        #expect(!groups.isEmpty)
        #expect(shares(tenant) == [isOnV1 ? "3072\n" : "300\n"])
        let second = try sandbox(bench, tenant, weight: 300)
        let other = try sandbox(bench, "\(tenant)b")
        #expect(around(tenant) == groups)
        for id in [first, second] {
            let own = Census.groups().filter { $0.hasSuffix("-\(id)") }
            #expect(own.count == groups.count)
            #expect(own.allSatisfy { path in groups.contains { path.hasPrefix("\($0)/corral-session-") } })
            #expect(try bench.run(["true"], in: id).status == .exited(0))
        }
        #expect(Census.groups().filter { $0.hasSuffix("-\(plain)") }.allSatisfy { !$0.contains("-tenant-") })
        try bench.kill(first)
        #expect(around(tenant) == groups)
        try bench.kill(second)
        #expect(around(tenant).isEmpty && !around("\(tenant)b").isEmpty)
        try bench.kill(other)
        #expect(around("\(tenant)b").isEmpty)
        try bench.clear()
    }

    @Test func `another weight holds at once, and what is in force is read from the kernel`() throws {
        let bench = try EngineBench()
        #expect(bench.engine.weigh(tenant, 5) == nil)
        let first = try sandbox(bench, tenant)
        #expect(bench.engine.weigh(tenant, nil)?.cpu == .inForce)
        #expect(bench.engine.weigh(tenant, 50)?.weight == 50)
        #expect(shares(tenant) == [isOnV1 ? "512\n" : "50\n"])
        // What somebody else does is told of.
        let file = try #require(around(tenant).first { File.exists("\($0)/cpu.shares") || !isOnV1 })
        let name = isOnV1 ? "cpu.shares" : "cpu.weight"
        try File.write(Array("2\n".utf8), to: "\(file)/\(name)")
        #expect(bench.engine.weigh(tenant, nil)?.cpu != .inForce)
        // The next sandbox brings the weight that corrald knows.
        let second = try sandbox(bench, tenant, weight: 200)
        #expect(bench.engine.weigh(tenant, nil) == bench.engine.weigh(tenant, 200))
        #expect(shares(tenant) == [isOnV1 ? "2048\n" : "200\n"])
        for id in [first, second] { try bench.kill(id) }
        try bench.clear()
    }

    @Test func `a launch that fails leaves no group, and one that is refused makes none`() throws {
        let bench = try EngineBench()
        var order = order(bench, tenant)
        order.image = "no-such"
        #expect(throws: Refusal.self) { try bench.engine.create(order) }
        #expect(around(tenant).isEmpty)
        let id = try sandbox(bench, tenant)
        #expect(throws: Refusal.self) { try bench.engine.create(order) }
        #expect(!around(tenant).isEmpty)
        try bench.kill(id)
        #expect(around(tenant).isEmpty)
        try bench.clear()
    }
}
