// What becomes of sessions when the warden ends, and of the warden when there is too much.

import CLinux
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@Suite(.enabled(if: Host.isRoot, "the warden's sandboxes need root")) struct EndTests {
    /// The groups of the session `id`, in any hierarchy.
    private func groups(of id: SandboxID) -> [String] {
        Census.take().cgroups.filter { $0.hasSuffix("-\(id)") }.sorted()
    }

    /// Sessions that sleep; their processes are on the host by the sandbox's uid.
    private func sleepers(_ client: Client, _ count: Int) throws -> [SandboxID] {
        try (0..<count).map { _ in
            let id = freshID()
            try client.session(id)
            try client.start(ProcessOrder(ProcessKey(id, 1), .arguments(["sleep", "1000"])))
            return id
        }
    }

    @Test func `a warden that is asked to end ends every session first`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let ids = try sleepers(client, 3)
        #expect(ids.allSatisfy { !groups(of: $0).isEmpty })
        let outcome = try warden.end()
        #expect(outcome.status == 0, "\(outcome.errors)")
        try client.wait("the end of the connection") { client.lost != nil }
        #expect(ids.allSatisfy { client.end(of: $0) != nil })
        #expect(ids.flatMap(groups) == [])
    }

    @Test func `shutdown does the same, and nothing new is begun`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let ids = try sleepers(client, 1)
        #expect(try client.ask(.shutdown) == .done)
        try client.wait("the end of the connection") { client.lost != nil }
        #expect(try warden.program.wait().status == 0)
        #expect(ids.flatMap(groups) == [])
    }

    @Test func `a killed warden takes its sandboxes along and the next removes what is left`() throws {
        let first = try TestWarden()
        let client = try Client(first.socket)
        let ids = try sleepers(client, 3)
        let inits = try ids.map { try #require(processes(of: $0).first) }
        let outcome = try first.kill()
        #expect(outcome.signal == SIGKILL)
        #expect(eventually { inits.allSatisfy { !File.exists("/proc/\($0)") } }, "sandboxes live on")

        // Another runs beside it with sessions of its own, which are not touched.
        let other = try TestWarden()
        let neighbour = try Client(other.socket)
        let kept = try sleepers(neighbour, 1)
        let next = try TestWarden(in: first.directory)
        #expect(eventually { ids.flatMap(groups) == [] }, "\(ids.flatMap(groups))")
        #expect(try Client(next.socket).list().isEmpty)
        #expect(kept.allSatisfy { !groups(of: $0).isEmpty })
        guard case .running = try neighbour.list()[0].processes[0].stage else {
            Issue.record("the neighbour's session was touched")
            return
        }
        try neighbour.finish(kept[0])
    }

    /// The pids in the groups of a session.
    private func processes(of id: SandboxID) -> [String] {
        groups(of: id).flatMap { group in
            (File.text("\(group)/cgroup.procs") ?? "").split(separator: "\n").map(String.init)
        }
    }

    @Test func `an init that is killed is a session that is gone, with all its processes`() throws {
        let warden = try TestWarden()
        let client = try Client(warden.socket)
        let id = try #require(try sleepers(client, 1).first)
        let first = try #require(processes(of: id).compactMap { Int32($0) }.min())
        #expect(Glibc.kill(first, SIGKILL) == 0)
        try client.wait("the end") { client.end(of: id) != nil }
        let record = try client.exit(of: ProcessKey(id, 1))
        #expect(record.status != .exited(0))
        #expect(groups(of: id) == [])
        let entry = try #require(try client.list().first)
        #expect(entry.session.stage == .gone && entry.session.end == client.end(of: id))
        #expect(
            try client.refusal(of: .start(ProcessOrder(ProcessKey(id, 2), .arguments(["true"])))).code
                == .state)
        #expect(try client.ask(.kill(id)) == .done)
        #expect(try client.ask(.remove(id)) == .done)
        #expect(try client.list().isEmpty)
    }

    @Test func `what takes more descriptors than there are is refused before it is begun`() throws {
        let warden = try TestWarden(openFiles: 160)
        let client = try Client(warden.socket)
        let id = freshID()
        try client.session(id, overrides: [.openFiles(64)])
        var refusal: Refusal?
        var number: UInt64 = 0
        while refusal == nil, number < 100 {
            number += 1
            let order = ProcessOrder(ProcessKey(id, number), .arguments(["true"]))
            if case .refused(let found) = try client.ask(.start(order)) { refusal = found }
        }
        #expect(refusal?.code == .descriptors && refusal?.allowed == "32", "\(String(describing: refusal))")
        // What is acknowledged makes room.
        _ = try client.exit(of: ProcessKey(id, 1))
        #expect(try client.ask(.acknowledge(ProcessKey(id, 1))) == .done)
        try client.start(ProcessOrder(ProcessKey(id, 200), .arguments(["true"])))
        try client.finish(id)
        guard case .status(let status) = try client.ask(.status) else { return }
        #expect(status.descriptors == 0 && status.descriptorLimit == 32)
    }

    @Test(.enabled(if: Host.isRoot, "needs root"))
    func `with the warden that is killed every network goes that was ready`() throws {
        let warden = try TestWarden(openFiles: 160)
        func held(by pid: String) -> Set<String> {
            let links =
                File.names(in: "/proc/\(pid)/fd").map { "/proc/\(pid)/fd/\($0)" } + ["/proc/\(pid)/ns/net"]
            return Set(links.compactMap(File.target(ofLink:)).filter { $0.hasPrefix("net:[") })
        }
        let own = try #require(File.target(ofLink: "/proc/self/ns/net"))
        let pid = "\(warden.program.pid)"
        let client = try Client(warden.socket)
        let id = freshID()
        try client.session(id, overrides: [.openFiles(64)])
        #expect(
            try eventually {
                guard case .status(let status) = try client.ask(.status) else { return false }
                // Custody has all that it would have without them.
                return status.networks.ready == 8 && status.networks.most == 8 && status.descriptorLimit == 32
            })
        let ready = held(by: pid).subtracting([own])
        #expect(ready.count == 8, "\(ready)")
        func holders() -> [String] {
            File.names(in: "/proc").filter { Int32($0) != nil && !held(by: $0).isDisjoint(with: ready) }
        }
        // The control, and nobody else: neither the session nor its init have one of the others.
        #expect(holders() == [pid])
        _ = try warden.kill()
        #expect(eventually { holders().isEmpty })
    }

    @Test func `many sessions are listed over pages, with their descriptors`() throws {
        let warden = try TestWarden()
        let ids = try {
            let client = try Client(warden.socket)
            return try sleepers(client, 40)
        }()
        let client = try Client(warden.socket)
        let listed = try client.list()
        #expect(listed.map(\.session.id) == ids.sorted())
        #expect(listed.allSatisfy { $0.processes.count == 1 && $0.processes[0].roles.count == 4 })
        #expect(client.streams.count == 40)
        for id in ids { try client.ask(.kill(id)) }
        try client.wait("all ends") { ids.allSatisfy { client.end(of: $0) != nil } }
        #expect(ids.flatMap(groups) == [])
        for id in ids { #expect(try client.ask(.remove(id)) == .done) }
        let held = File.names(in: "/proc/\(warden.program.pid)/fd").count
        // Those that launches are given among them.
        #expect(held < 40 + Int(CLINUX_LOW_FDS), "\(held) descriptors are open without a session")
    }

    @Test func `a client that dies in the middle of an order leaves nothing behind`() throws {
        let warden = try TestWarden(["--ready-networks", "0"])
        // With one client, as in the end.
        let before = try {
            let client = try Client(warden.socket)
            _ = try client.list()
            return withExtendedLifetime(client) { File.names(in: "/proc/\(warden.program.pid)/fd").count }
        }()
        var ids: [SandboxID] = []
        var certain: Set<SandboxID> = []
        for round in 0..<6 {
            let client = try Client(warden.socket)
            let id = freshID()
            ids.append(id)
            let create = WardenRequest.create(SessionOrder(id: id, profile: "default"))
            // What is not answered may be lost: who closes a socket with something unread in it (here: the
            // event of a session before) resets it, and the orders on their way with it.
            if round.isMultiple(of: 2) {
                try client.ask(create)
                certain.insert(id)
            } else {
                try client.link.send(create) { _, _ in }
            }
            try client.link.send(
                .start(ProcessOrder(ProcessKey(id, 1), .arguments(["sleep", "1000"])))
            ) { _, _ in }
        }
        // One client is served at a time, so that the orders of those before have been read or lost.
        let client = try Client(warden.socket)
        let held = try client.list().map { $0.session.id }
        #expect(certain.isSubset(of: held) && Set(held).isSubset(of: ids), "\(held) of \(ids)")
        for id in held { try client.finish(id) }
        #expect(ids.flatMap(groups) == [])
        #expect(eventually { File.names(in: "/proc/\(warden.program.pid)/fd").count <= before })
    }
}
