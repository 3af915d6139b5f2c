// Network namespaces that are made before sandboxes need them: by the engine, with the real kernel.

import CLinux
import Glibc
import Launch
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@testable import Warden

extension EngineBench {
    /// Has the pool filled.
    func fill() throws {
        try wait("the pool is full") { $0.engine.networkPool.ready == $0.engine.networkPool.most }
    }

    fileprivate func pid(_ id: SandboxID) throws -> String {
        "\(try #require(engine.sandboxes[id]?.sandbox?.pid))"
    }

    /// Its network namespace, such as `net:[4026531840]`.
    fileprivate func network(_ id: SandboxID) throws -> String {
        try #require(File.target(ofLink: "/proc/\(try pid(id))/ns/net"))
    }
}

/// Network namespaces that this process holds by a descriptor, its own among them.
private func heldNetworks() -> [String] {
    File.names(in: "/proc/self/fd").compactMap { File.target(ofLink: "/proc/self/fd/\($0)") }
        .filter { $0.hasPrefix("net:[") }.sorted()
}

private func ownNetwork() -> String { File.target(ofLink: "/proc/thread-self/ns/net") ?? "" }

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct NetworkPoolTests {
    /// Takes a port and a name that only one can have in each network namespace, and keeps them.
    private static let taker = """
        import errno, socket, time
        def take(family, address):
            taken = socket.socket(family, socket.SOCK_DGRAM)
            try: taken.bind(address)
            except OSError as error: return errno.errorcode[error.errno], taken
            return "taken", taken
        port, name = take(socket.AF_INET, ("127.0.0.1", 7777)), take(socket.AF_UNIX, "\\0corral-taken")
        print(port[0], name[0], flush=True)
        time.sleep(1000)
        """

    private func taken(_ bench: EngineBench, _ id: SandboxID) throws -> String {
        let process = try bench.start(.arguments(["python3", "-Ic", Self.taker]), in: id)
        try bench.wait("it has tried") { bench in
            process.read()
            return process.text.hasSuffix("\n") || bench.exit(of: process.key) != nil
        }
        return process.text
    }

    @Test func `no two sandboxes have the same network, and none has one that was another's`() throws {
        guard File.exists("/usr/bin/python3") else { return Host.skip("no python3") }
        let bench = try EngineBench()
        try bench.fill()
        let own = ownNetwork()
        var seen: Set<String> = []
        var ids: [SandboxID] = []
        for _ in 0..<20 {
            let id = try bench.sandbox()
            let network = try bench.network(id)
            #expect(network != own && seen.insert(network).inserted)
            ids.append(id)
        }
        let state = bench.engine.networkPool
        #expect(state.taken + state.missed == 20 && state.taken >= 8, "\(state)")
        #expect(ownNetwork() == own)
        // The control: in one sandbox the second does not get what the first one has.
        #expect(try taken(bench, ids[0]) == "taken taken\n")
        #expect(try taken(bench, ids[0]) == "EADDRINUSE EADDRINUSE\n")
        #expect(try taken(bench, ids[1]) == "taken taken\n")
        try bench.clear()
    }

    @Test func `the pool is filled again, and what was given is no longer held`() async {
        await #expect(processExitsWith: .success) {
            let bench = try EngineBench(readyNetworks: 3)
            #expect(bench.engine.networkPool == NetworkPoolState(ready: 0, most: 3))
            try bench.fill()
            let before = Set(heldNetworks())
            #expect(before.count == 4, "\(before)")
            let id = try bench.sandbox()
            let network = try bench.network(id)
            #expect(before.contains(network), "it is one of those that were ready")
            try bench.fill()
            let after = Set(heldNetworks())
            #expect(after.count == 4 && !after.contains(network))
            #expect(after.intersection(before).count == 3)
            try bench.kill(id)
            #expect(bench.engine.networkPool == NetworkPoolState(ready: 3, most: 3, taken: 1))
            try bench.clear()
        }
    }

    @Test func `where none is left a launch makes its own, and it is as good`() throws {
        let bench = try EngineBench(readyNetworks: 2)
        try bench.fill()
        // Nothing is made while the loop does not turn.
        let orders = (0..<4).map { _ in bench.order() }
        for order in orders { try bench.create(order) }
        let state = bench.engine.networkPool
        #expect(state.taken == 2 && state.missed == 2 && state.ready == 0)
        for order in orders { try bench.waitUntilReady(order.id) }
        #expect(try Set(orders.map { try bench.network($0.id) }).count == 4)
        let layers = bench.events.compactMap { event in
            if case .ready(_, let layers, _, _) = event { layers } else { nil }
        }
        #expect(layers.count == 4 && Set(layers).count == 1)
        #expect(layers[0][.netNamespace] == .inForce)
        for order in orders {
            let devices = try bench.run(["cat", "/proc/net/dev"], in: order.id).text.split(separator: "\n")
            #expect(devices.filter { $0.contains(":") }.map { $0.contains("lo:") } == [true], "\(devices)")
            // Its address is there from the moment on in which it is up.
            let addresses = try bench.run(["cat", "/proc/net/fib_trie"], in: order.id).text
            #expect(addresses.contains("127.0.0.1"), "\(addresses)")
        }
        try bench.clear()
    }

    /// Tries what takes rights in a network, with every capability in the user namespace of a sandbox.
    private static let attack = """
        import ctypes, errno, fcntl, os, socket, struct, sys
        libc = ctypes.CDLL(None, use_errno=True)
        for kind, flag in (("net", 0x40000000), ("user", 0x10000000)):
            namespace = os.open("/proc/%s/ns/%s" % (sys.argv[1], kind), os.O_RDONLY)
            assert libc.setns(namespace, flag) == 0, os.strerror(ctypes.get_errno())
        lo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        def address(text): return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))
        def configure(number, value): fcntl.ioctl(lo, number, struct.pack("16s", b"lo") + value)
        def route():
            name = ctypes.create_string_buffer(b"lo")
            fcntl.ioctl(lo, 0x890B, struct.pack(
                "@L16s16s16sHhLPhPLLH", 0, address("10.9.0.0"), address("0.0.0.0"), address("255.255.0.0"), 1, 0, 0, 0, 0, ctypes.addressof(name), 0, 0, 0))
        def port(): socket.socket(socket.AF_INET, socket.SOCK_STREAM).bind(("0.0.0.0", 443))
        def raw(): socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
        tries = {
            "address": lambda: configure(0x8916, address("10.1.2.3")), "route": route, "port": port,
            "raw": raw,
            "mtu": lambda: configure(0x8922, struct.pack("=i12x", 1400)),
            "down": lambda: configure(0x8914, struct.pack("=h14x", 0)),
        }
        for name, attempt in tries.items():
            try: attempt(); print(name, "done")
            except OSError as error: print(name, errno.errorcode[error.errno])
        """

    private func attack(_ bench: EngineBench) throws -> [String] {
        let id = try bench.sandbox()
        let attacker = try Program.run(["python3", "-Ic", Self.attack, try bench.pid(id)])
        #expect(attacker.status == 0, "\(attacker.errors)")
        return attacker.output.split(separator: "\n").map(String.init)
    }

    @Test
    func `a network from the pool can be changed by nobody in the sandbox, with every capability there`()
        throws
    {
        guard File.exists("/usr/bin/python3") else { return Host.skip("no python3") }
        // The control: one that the launch made belongs to the sandbox's users.
        let control = try EngineBench(readyNetworks: 0)
        let changed = try attack(control)
        #expect(changed == ["address", "route", "port", "raw", "mtu", "down"].map { "\($0) done" })
        try control.clear()
        let bench = try EngineBench()
        try bench.fill()
        let found = try attack(bench)
        #expect(bench.engine.networkPool.taken == 1)
        #expect(
            found == [
                "address EPERM", "route EPERM", "port EACCES", "raw EPERM", "mtu EPERM", "down EPERM",
            ])
        try bench.clear()
    }

    @Test func `an init whose network is ready has no rights over networks, not even while it builds`() throws
    {
        let executable = try InitExecutable.open(privileged: true, path: Product.path("sandbox-init"))
        let home = FileDescriptor(owning: try call("open") { clinux_network_own() })
        let homeNumber = home.number
        let ready = FileDescriptor(owning: try call("make") { clinux_network_make(homeNumber) })
        /// Its capabilities before it is told to go.
        func capabilities(_ network: CInt) throws -> UInt64 {
            var descriptors = LaunchDescriptors()
            (descriptors.network, descriptors.networkHome) = (network, homeNumber)
            let waiting = try Launcher.begin(
                identity: .slot(29_001), without: [], privileged: true, workspace: nil,
                descriptors: descriptors,
                executable: executable)
            let isReady = waiting.networkIsReady
            var found: UInt64?
            // The launcher goes on while the exec is not over, before which it has all there are, such as SYS_RAWIO.
            let isOver = eventually {
                let status = File.text("/proc/\(waiting.pid)/status") ?? ""
                let line = status.split(separator: "\n").first { $0.hasPrefix("CapPrm:\t") }
                found = line.flatMap { UInt64($0.dropFirst(8), radix: 16) }
                return found.map { $0 & 1 << 17 == 0 } ?? false
            }
            waiting.kill()
            try waiting.reap()
            #expect(isReady == (network >= 0) && isOver)
            return try #require(found)
        }
        let netAdmin: UInt64 = 1 << 12
        let control = try capabilities(-1)
        #expect(control & netAdmin != 0)
        #expect(try capabilities(ready.number) == control & ~netAdmin)
    }

    @Test func `after many sandboxes as many descriptors are open as before`() async {
        await #expect(processExitsWith: .success) {
            let bench = try EngineBench()
            try bench.kill(bench.sandbox())
            try bench.fill()
            let before = File.names(in: "/proc/self/fd").count
            for _ in 0..<200 { try bench.kill(bench.sandbox()) }
            try bench.fill()
            #expect(File.names(in: "/proc/self/fd").count == before)
            let state = bench.engine.networkPool
            #expect(state.taken + state.missed == 201 && state.taken > 0, "\(state)")
            try bench.clear()
        }
    }

    // MARK: The thread that moves

    @Test func `a thread is where it was after a network was made, and after a launch into one that failed`()
        throws
    {
        let home = FileDescriptor(owning: try call("open") { clinux_network_own() })
        let own = ownNetwork()
        let homeNumber = home.number
        let made = FileDescriptor(owning: try call("make") { clinux_network_make(homeNumber) })
        #expect(ownNetwork() == own)
        let madeName = File.target(ofLink: "/proc/self/fd/\(made.number)") ?? ""
        #expect(madeName.hasPrefix("net:[") && madeName != own)
        let null = FileDescriptor(
            owning: try call("open") { unsafe open("/dev/null", O_RDWR | O_CLOEXEC) })
        // The init's file is none; then the network is none.
        for (network, step) in [(made.number, CLINUX_STEP_EXEC), (null.number, CLINUX_STEP_NETWORK)] {
            var (pidfd, failure): (CInt, clinux_failure) = (-1, clinux_failure())
            let nullNumber = null.number
            let pid = unsafe withUnsafePointer(to: nullNumber) { given in
                var start = unsafe clinux_init(
                    namespaces: 0, owner: UInt32.max, executable: nullNumber, fds: given, fd_count: 1,
                    cgroup_v2: -1, cgroup_tasks: nil, cgroup_tasks_count: 0, capabilities: 0,
                    network: network,
                    network_home: homeNumber, low_fds: -1)
                return unsafe clinux_start_init(&start, nullNumber, &pidfd, &failure)
            }
            #expect(pid == -1 && failure.step == Int32(step.rawValue), "\(failure)")
            #expect(ownNetwork() == own)
        }
    }

    @Test func `who cannot get back ends, and does nothing more in a sandbox's network`() async {
        await #expect(processExitsWith: .exitCode(70)) {
            _ = clinux_network_make(-1)
            // Never reached.
            exit(0)
        }
    }
}
