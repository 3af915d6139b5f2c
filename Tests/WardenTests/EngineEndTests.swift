// Ends of sandboxes, limits, pauses and what is left: by the engine, with the real kernel.

import CLinux
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@testable import Cgroups
@testable import Warden

/// The sandbox's groups, in every hierarchy.
private func groups(of id: SandboxID) -> [String] {
    Census.take().cgroups.filter { $0.hasSuffix("-\(id)") }.sorted()
}

/// Who has no state directory and no cgroups.
private func becomeOrdinaryUser() throws {
    for name in ["HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] { unsafe unsetenv(name) }
    let user = Host.ordinaryUser
    guard setgroups(0, nil) == 0, setgid(user) == 0, setuid(user) == 0, clinux_set_dumpable(1) == 0
    else { throw SystemError("setuid", "\(user)", Errno(rawValue: errno)) }
}

/// What this process has open, by number: a count alone does not say what there was too much.
private func openDescriptors() -> [String] {
    File.names(in: "/proc/self/fd").map { "\($0) \(File.target(ofLink: "/proc/self/fd/\($0)") ?? "gone")" }
        .sorted()
}

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct EngineEndTests {
    @Test func `what is killed is gone with everything that it had`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        #expect(!groups(of: id).isEmpty)
        _ = try bench.start(.arguments(["sleep", "1000"]), in: id)
        let end = try bench.kill(id)
        #expect(end.cause == .operator && end.statistics.cpuTime != nil)
        #expect(groups(of: id) == [])
        // Twice is once.
        bench.engine.kill(id)
        #expect(try refusal { _ = try bench.engine.statistics(id) }.code == .unknownSession)
        try bench.clear()
    }

    /// In a process of its own, where nobody else opens any.
    @Test func `a sandbox holds three descriptors, a process none, and all are closed`() async {
        await #expect(processExitsWith: .success) {
            let bench = try EngineBench(readyNetworks: 0)
            // What the first one of a process opens for good is no sandbox's.
            try bench.kill(bench.sandbox())
            let before = openDescriptors()
            func more() -> Int { openDescriptors().count - before.count }
            let id = try bench.sandbox()
            #expect(more() == 3, "\(openDescriptors()); before: \(before)")
            // Those of its streams are the server's: two reading ends, two memory files, a writing end.
            for _ in 0..<3 { _ = try bench.finish(bench.start(.shell("echo a", []), in: id)) }
            let key = bench.key(id)
            let order = ProcessOrder(
                key, .shell("true", []), streams: .terminal(WindowSize(columns: 80, rows: 24)))
            try bench.engine.start(order, nil)
            try bench.wait("it ends") { $0.exit(of: key) != nil }
            // The terminal's master is whose it was told to.
            #expect(more() == 4, "\(openDescriptors()); before: \(before)")
            try bench.kill(id)
            #expect(more() == 1, "\(openDescriptors()); before: \(before)")
            try bench.clear()
        }
    }

    @Test func `one that is killed while it is built is gone as well`() throws {
        let bench = try EngineBench()
        let order = bench.order()
        try bench.create(order)
        _ = try bench.start(.arguments(["sleep", "1000"]), in: order.id)
        #expect(try bench.kill(order.id).cause == .operator)
        // A group with a process in it cannot be removed, so nothing lives.
        #expect(groups(of: order.id) == [])
        try bench.clear()
    }

    /// A group below it, which is nobody's: the kernel removes neither then.
    @Test func `what cannot be removed is stuck, keeps its ids, and is removed when it can be`() throws {
        let bench = try EngineBench()
        // Shorter than usual, and long enough for processes to end on a machine that is busy.
        bench.engine.patienceWithTheDead = UInt64(3_000_000_000 * Host.patience)
        let id = try bench.sandbox()
        let identity = try #require(bench.engine.sandboxes[id]?.resources.identity)
        let group = try #require(groups(of: id).first)
        try #require(unsafe mkdir("\(group)/below", 0o755) == 0)
        bench.engine.kill(id)
        try bench.wait("it is stuck") { $0.end(of: id) != nil }
        let remains = bench.events.compactMap { event -> String? in
            if case .stuck(id, let end, let remains) = event, end.cause == .operator { remains } else { nil }
        }
        #expect(remains.count == 1 && remains.first?.contains(group) == true)
        #expect(try refusal { try bench.engine.clean(id) }.code == .system)
        for _ in 0..<5 {
            let other = try bench.sandbox()
            #expect(bench.engine.sandboxes[other]?.resources.identity != identity)
        }
        #expect(unsafe rmdir("\(group)/below") == 0)
        try bench.engine.clean(id)
        #expect(groups(of: id) == [])
        #expect(try refusal { _ = try bench.engine.statistics(id) }.code == .unknownSession)
        try bench.clear()
    }

    @Test func `an init that somebody kills is an end with its cause, and nothing stays`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        let process = try bench.start(.arguments(["sleep", "1000"]), in: id)
        try bench.wait("it runs") { $0.isRunning(process.key) }
        let pid = try #require(bench.engine.sandboxes[id]?.sandbox?.pid)
        #expect(Glibc.kill(pid, SIGKILL) == 0)
        try bench.wait("it is gone") { $0.end(of: id) != nil }
        let end = try #require(bench.end(of: id))
        #expect(end.cause == .signalled && end.detail == "sandbox-init was killed by signal 9")
        #expect(groups(of: id) == [])
        try bench.clear()
    }

    @Test func `a fork bomb under a quota dies at once`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox([.cpus(100), .pids(100)])
        let bomb = "f() { f | f & }; f; while :; do :; done"
        _ = try bench.start(.shell(bomb, []), in: id)
        try bench.wait("it has hit the limit") { try $0.engine.statistics(id).pidsLimitHits ?? 0 > 0 }
        let began = Host.now
        let end = try bench.kill(id)
        // The bound is for a machine that is busy.
        #expect(Host.now - began < 30 * Host.patience)
        #expect(end.statistics.pidsLimitHits ?? 0 > 0)
        #expect(bench.events.contains { if case .limitHit(id, .pids, _) = $0 { true } else { false } })
        #expect(groups(of: id) == [])
        try bench.clear()
    }

    @Test func `a process that is killed for memory is told of, and the sandbox stays`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox([.memory(32 << 20)])
        let eater = "exec python3 -Ic 'x = bytearray(200 << 20)'"
        guard File.exists("/usr/bin/python3") else { return Host.skip("no python3") }
        let told = try bench.finish(bench.start(.shell(eater, []), in: id))
        #expect(told.status == .signalled(SIGKILL))
        let hit = try #require(
            bench.events.firstIndex { if case .limitHit(id, .memory, 1) = $0 { true } else { false } })
        let exit = try #require(bench.events.firstIndex { if case .exited = $0 { true } else { false } })
        #expect(hit < exit, "the limit is told before the exit that it explains")
        #expect(try bench.run(["true"], in: id).status == .exited(0))
        try bench.clear()
    }

    @Test func `cpu time that is used up ends the sandbox`() throws {
        let bench = try EngineBench()
        // Where everything is slow the init alone uses more than 200 ms.
        let id = try bench.sandbox([.cpuTime(UInt64(200 * Host.patience))])
        _ = try bench.start(.shell("while :; do :; done", []), in: id)
        try bench.wait("it is gone", within: 60) { $0.end(of: id) != nil }
        #expect(bench.end(of: id)?.cause == .cpu)
        try bench.clear()
    }

    @Test func `a refused process ends the sandbox where the order wants that`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox([.pids(8), .pidsKill])
        _ = try bench.start(.shell("f() { f | f & }; f; sleep 1000", []), in: id)
        try bench.wait("it is gone", within: 60) { $0.end(of: id) != nil }
        #expect(bench.end(of: id)?.cause == .pids)
        try bench.clear()
    }

    // MARK: Pauses

    @Test func `what is paused does nothing, can be killed, and goes on when resumed`() throws {
        let bench = try EngineBench()
        let id = try bench.sandbox()
        if let why = bench.engine.sandboxes[id]?.resources.pauseProblem {
            #expect(try refusal { try bench.engine.pause(id) }.sentence.hasSuffix(why))
            try bench.clear()
            return Host.skip(why)
        }
        let process = try bench.start(.shell("while :; do echo a; sleep 0.01; done", []), in: id)
        try bench.wait("it writes") { _ in
            process.read()
            return !process.text.isEmpty
        }
        try bench.engine.pause(id)
        try bench.wait("all stands still") { $0.engine.sandboxes[id]?.resources.isPaused == true }
        process.read()
        let written = process.text.utf8.count
        usleep(300_000)
        process.read()
        #expect(process.text.utf8.count == written)
        #expect(try refusal { _ = try bench.start(.arguments(["true"]), in: id) }.code == .state)
        #expect(try refusal { try bench.engine.signal(process.key, SIGTERM) }.code == .state)
        try bench.engine.resume(id)
        try bench.wait("it writes again") { _ in
            process.read()
            return process.text.utf8.count > written
        }
        try bench.engine.pause(id)
        #expect(try bench.kill(id).cause == .operator)
        try bench.clear()
    }

    @Test func `where there is only cgroup v1 a pause is refused with the reason`() throws {
        let host = try HostSetup.probe(workspace: nil, called: "workspace", mounts: [])
        guard let layout = host.layout.withoutV2 else { return Host.skip("no cgroup v1 here") }
        let bench = try EngineBench(
            host: HostSetup(abilities: host.abilities, layout: layout, workspace: nil, without: []))
        let id = try bench.sandbox()
        let refused = try refusal { try bench.engine.pause(id) }
        #expect(refused.code == .unsupported && refused.sentence.contains("cgroup v1"))
        // And what else there is works all the same.
        #expect(try bench.run(["true"], in: id).status == .exited(0))
        #expect(try bench.kill(id).cause == .operator)
        #expect(groups(of: id) == [])
        try bench.clear()
    }

    // MARK: An ordinary user

    /// In a process of its own, which becomes that user.
    @Test func `an ordinary user has sandboxes that stay as well`() async throws {
        let place = try TemporaryDirectory()
        _ = unsafe chmod(place.path, 0o755)
        try File.write(
            try File.read(Product.path("sandbox-init")), to: place("sandbox-init"), mode: 0o755)
        await #expect(processExitsWith: .success) { [initPath = place("sandbox-init") as String] in
            try becomeOrdinaryUser()
            let bench = try EngineBench(initPath: initPath)
            let id = try bench.sandbox()
            // Network namespaces are made with the user namespaces that own them.
            let networks = bench.engine.networkPool
            #expect(networks == NetworkPoolState(problem: "it takes root's rights"))
            let told = try bench.finish(bench.start(.shell("id -u; echo $0", ["name"]), in: id))
            #expect(told.text == "1000\nname\n" && told.status == .exited(0))
            let key = bench.key(id)
            let order = ProcessOrder(
                key, .arguments(["test", "-t", "0"]), streams: .terminal(WindowSize(columns: 80, rows: 24)))
            try bench.engine.start(order, nil)
            try bench.wait("it ends") { $0.exit(of: key) != nil }
            #expect(bench.exit(of: key)?.status == .exited(0))
            #expect(try refusal { try bench.engine.pause(id) }.code == .unsupported)
            #expect(try bench.kill(id).cause == .operator)
            try bench.clear()
        }
    }

    // MARK: What is left

    @Test func `what a launcher that was killed left is removed, and nothing of the living`() throws {
        let bench = try EngineBench()
        let alive = try bench.sandbox()
        // As a warden leaves it: a group and a note, and nobody who holds the slot.
        let host = bench.engine.host
        let id = SandboxID(UInt64.random(in: 1 ... .max))
        do {
            let resources = try SandboxResources.take(
                host, id: id.description, mark: GroupName.sessionMark, startingAt: 29_000)
            #expect(resources.descriptors.lock >= 0)
        }
        #expect(!groups(of: id).isEmpty)
        let slots = try #require(try SandboxResources.slots(host))
        try bench.wait("it is swept") { _ in
            _ = try SandboxResources.sweepAll(host, slots)
            return groups(of: id).isEmpty
        }
        #expect(!groups(of: alive).isEmpty)
        #expect(try bench.run(["true"], in: alive).status == .exited(0))
        try bench.clear()
    }

    @Test func `a hundred sandboxes live side by side, and are gone together`() throws {
        let bench = try EngineBench()
        let count = Effort.isFull ? 400 : 100
        let ids = try (0..<count).map { _ in
            let order = bench.order([.memory(64 << 20)])
            try bench.create(order)
            return order.id
        }
        for id in ids { try bench.waitUntilReady(id) }
        let identities = ids.compactMap { bench.engine.sandboxes[$0]?.resources.identity }
        #expect(Set(identities).count == count, "no two have the same ids")
        for id in ids.shuffled().prefix(10) {
            #expect(try bench.run(["hostname"], in: id).status == .exited(0))
        }
        for id in ids { bench.engine.kill(id) }
        try bench.clear()
        #expect(Census.take().cgroups.allSatisfy { path in !ids.contains { path.hasSuffix("-\($0)") } })
    }

    // MARK: Orders

    @Test func `orders that cannot be are refused, and leave nothing`() throws {
        var ceilings = Ceilings()
        ceilings.sessions = 1
        let bench = try EngineBench(ceilings)
        let cases: [(SessionOrder, Refusal.Code, String)] = [
            (bench.order(profile: "../x"), .order, "../x"),
            (bench.order(profile: "no-such"), .order, "no-such"),
            (bench.order([.memory(1 << 45)]), .ceiling, "limits.memory"),
            (bench.order(profile: "network_basic"), .unsupported, "proxy"),
            (SessionOrder(id: SandboxID(7), profile: "offline", image: "no-such"), .order, "no-such"),
        ]
        for (order, code, word) in cases {
            let refused = try refusal { try bench.create(order) }
            #expect(refused.code == code && refused.sentence.contains(word), "\(refused)")
            #expect(groups(of: order.id) == [])
        }
        let id = try bench.sandbox()
        let second = try refusal { try bench.create(bench.order()) }
        #expect(second.limit == "sessions" && second.allowed == "1")
        try bench.kill(id)
        let next = try bench.sandbox()
        try bench.kill(next)
        try bench.clear()
    }

    @Test func `a changed profile counts from the next order on`() throws {
        let place = try TemporaryDirectory()
        for directory in ["profiles", "profiles/seccomp", "images"] {
            for name in File.names(in: Repository.path(directory))
            where name.hasSuffix(".yaml") || name.hasSuffix(".json") {
                let text = try #require(File.text(Repository.path("\(directory)/\(name)")))
                try place.write("\(directory)/\(name)", text)
            }
        }
        let bench = try EngineBench(root: place.path)
        for value in ["one", "two"] {
            try place.write(
                "profiles/mine.yaml", "extends: offline\ndescription: x\nenvironment: {MINE: \(value)}\n")
            let id = try bench.sandbox(profile: "mine")
            #expect(try bench.run(["sh", "-c", "echo $MINE"], in: id).text == "\(value)\n")
            try bench.kill(id)
        }
        try place.write("profiles/mine.yaml", "extends: offline\nno_such_key: 1\n")
        #expect(try refusal { try bench.create(bench.order(profile: "mine")) }.code == .order)
        try bench.clear()
    }
}

extension CgroupLayout {
    /// The same without its v2 hierarchy; nil where v1 has no controllers.
    fileprivate var withoutV2: CgroupLayout? {
        let old = hierarchies.filter { $0.version == .v1 }
        return old.isEmpty ? nil : CgroupLayout(hierarchies: old)
    }
}
