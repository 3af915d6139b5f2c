import Glibc
import Sessions
import TestSupport
import Testing
import Wire

@testable import Daemon

struct LaunchQueueTests {
    private let names: [Name]

    init() throws { names = try ["a", "b", "c"].map { try Name($0) } }

    @Test func `tenants are taken in turn, and what one asked for in its order`() {
        var queue = LaunchQueue<String>()
        for number in 1...5 { queue.add("a\(number)", of: names[0]) }
        for number in 1...2 { queue.add("b\(number)", of: names[1]) }
        queue.add("c1", of: names[2])
        var taken: [String] = []
        while let item = queue.next() {
            taken.append(item)
            queue.done()
        }
        #expect(taken == ["a1", "b1", "c1", "a2", "b2", "a3", "a4", "a5"])
        #expect(queue.count == 0 && queue.underWay == 0)
    }

    @Test func `no more are under way than may be, and who comes late waits for those alone`() {
        var queue = LaunchQueue<Int>()
        for number in 0..<200 { queue.add(number, of: names[0]) }
        var taken = 0
        while queue.next() != nil { taken += 1 }
        #expect(taken == LaunchQueue<Int>.most && queue.underWay == taken && queue.count == 200 - taken)
        queue.add(-1, of: names[1])
        queue.done()
        #expect(queue.next() == taken)
        #expect(queue.next() == nil)
        queue.done()
        #expect(queue.next() == -1)
        // More answers than there were questions do no harm.
        for _ in 0..<20 { queue.done() }
        #expect(queue.underWay == 0 && queue.next() == taken + 1)
    }

    @Test func `nothing is lost and nothing comes twice, whatever the order`() {
        var random = Seeded(7)
        var queue = LaunchQueue<Int>()
        var (added, taken) = ([[Int]](repeating: [], count: 3), [[Int]](repeating: [], count: 3))
        for number in 0..<3000 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let tenant = Int.random(in: 0..<3, using: &random)
                queue.add(number * 3 + tenant, of: names[tenant])
                added[tenant].append(number * 3 + tenant)
            case 1: if let item = queue.next() { taken[item % 3].append(item) }
            default: queue.done()
            }
        }
        queue.done()
        while let item = queue.next() {
            taken[item % 3].append(item)
            queue.done()
        }
        #expect(taken == added)
    }
}

/// A tenant that floods creations waits for itself.
@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct LaunchTurnTests {
    /// Asks for as many sessions at once as it is told, says so, and goes on when it is told to.
    private static let script = """
        import socket, sys
        path, count = sys.argv[1], int(sys.argv[2])
        lines = ["POST /v1/sessions HTTP/1.1", "Host: corral", "Connection: close", "Content-Length: %d", "", "%s"]
        head = "\\r\\n".join(lines)
        body = '{"limits":{"memory":33554432}}'
        sockets = []
        for _ in range(count):
            one = socket.socket(socket.AF_UNIX)
            one.connect(path)
            one.sendall((head % (len(body), body)).encode())
            sockets.append(one)
        print("asked", flush=True)
        good = 0
        for one in sockets:
            answer = b""
            while part := one.recv(65536):
                answer += part
            good += answer.startswith(b"HTTP/1.1 201")
        print("made", good, flush=True)
        """

    private func ask(_ shared: SharedDaemon, _ uid: UInt32, _ count: Int) throws -> RunningProgram {
        let program = try Program(
            ["python3", "-c", Self.script, shared.daemon.socket, "\(count)"], user: uid
        ).start()
        #expect(try program.waitForText("asked", within: 120))
        return program
    }

    @Test func `a tenant that asks for many sessions at once is slowed, and not the one behind it`() throws {
        let shared = try SharedDaemon()
        let count = 60
        let warden = try #require(shared.daemon.warden)
        // Nothing is launched before everything is asked for: the order alone decides.
        #expect(kill(warden, SIGSTOP) == 0)
        defer { _ = kill(warden, SIGCONT) }
        let flood = try ask(shared, SharedDaemon.red, count)
        func waiting(_ tenant: String) throws -> Int {
            try shared.call(nil, "GET", "/v1/sessions?tenant=\(tenant)").json?["sessions"]?.list.count ?? 0
        }
        #expect(try eventually { try waiting("red") == count })
        let quiet = try ask(shared, SharedDaemon.blue, 1)
        #expect(try eventually { try waiting("blue") == 1 })
        #expect(kill(warden, SIGCONT) == 0)
        #expect(try quiet.waitForText("made 1", within: 300))
        #expect(try flood.waitForText("made \(count)", within: 300))
        func started(_ tenant: String) throws -> [String] {
            let list = try shared.call(nil, "GET", "/v1/sessions?tenant=\(tenant)").json?["sessions"]?.list
            return (list ?? []).compactMap { $0["started"]?.text }
        }
        let reds = try started("red")
        let blue = try #require(try started("blue").first)
        #expect(reds.count == count)
        // Of the flood those are before it that were with the warden already, and no more than a few others.
        let before = reds.filter { $0 < blue }.count
        #expect(before <= count / 2, "\(before) of \(count) were before it")
    }

    @Test func `what is ended while it waits for its turn is not made`() throws {
        let shared = try SharedDaemon()
        let warden = try #require(shared.daemon.warden)
        #expect(kill(warden, SIGSTOP) == 0)
        defer { _ = kill(warden, SIGCONT) }
        let flood = try ask(shared, SharedDaemon.red, 20)
        func sessions() throws -> [JSONTree] {
            try shared.call(nil, "GET", "/v1/sessions?tenant=red&all").json?["sessions"]?.list ?? []
        }
        #expect(try eventually { try sessions().count == 20 })
        let ids = try sessions().compactMap { $0["id"]?.text }
        // Nobody waits for the answers: the warden stands still.
        for id in ids {
            _ = try Program.run(
                shared.daemon.curl("POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#, ["--max-time", "1"]),
                timeout: 60)
        }
        #expect(kill(warden, SIGCONT) == 0)
        #expect(try flood.waitForText("made", within: 300))
        for id in ids {
            #expect(
                try eventually {
                    try shared.call(nil, "GET", "/v1/sessions/\(id)").json?["state"]?.text == "ended"
                })
        }
        // The turn comes to others as before.
        _ = try shared.session(SharedDaemon.red)
    }
}
