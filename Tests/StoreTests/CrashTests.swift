import Glibc
import Linux
import TestSupport
import Testing

@testable import Store

/// What is left of a store whose process, or machine, stopped in the middle.
///
/// Transaction N makes session N and, in the same one, moves session N-1 on. So after any end all sessions
/// but the last must have moved, the last must not, and the histories must say the same.
@Suite struct CrashTests {
    private static func transaction(_ number: Int) -> [Change] {
        let create = Change.create(Fixture.session(number, labels: ["a": "b"]), why: "")
        if number == 1 { return [create] }
        let standing = Fixture.session(number - 1).standing.with("running")
        let move = Change.session(
            id: Fixture.id(number - 1), standing, at: Fixture.moment(number), why: "")
        return [move, create]
    }

    /// Checks the rule above.
    /// - Returns: how many transactions are there.
    private func count(in store: StateStore) throws -> Int {
        let sessions = try store.list(limit: 100_000).sessions
        #expect(sessions.map(\.id) == (0..<sessions.count).map { Fixture.id($0 + 1) })
        for session in sessions {
            let isLast = session.id == sessions.last?.id
            #expect(session.standing.state == (isLast ? "created" : "running"))
            #expect(session.labels == ["a": "b"])
            let history = try store.history(of: session.id, limit: 10)
            #expect(history.map(\.entry.to) == (isLast ? ["created"] : ["created", "running"]))
        }
        return sessions.count
    }

    @Test(arguments: 1...8)
    func `killed at any moment, everything that was acknowledged is there, and nothing by half`(
        round: Int
    ) async throws {
        let fixture = try Fixture()
        let acknowledged = fixture.directory("acknowledged")
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = fixture.path as String, acknowledged = acknowledged as String, round = round as Int] in
            let store = try StateStore.open(in: path, at: 0).store
            let file = try FileDescriptor.open(acknowledged, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
            // Somewhere in the transaction after so many, or after one or two more.
            let killer = """
                while kill -0 \(getpid()) && [ "$(wc -l <'\(acknowledged)')" -lt \(round * 5) ]; do sleep 0.01; done
                sleep 0.00\(round); kill -9 \(getpid())
                """
            let program = try Program(["sh", "-c", killer]).start()
            for number in 1...1_000_000 {
                for outcome in try store.commit(CrashTests.transaction(number)) where outcome != .done {
                    throw Unexpected("\(outcome)")
                }
                try file.writeAll(Array("\(number)\n".utf8))
            }
            _ = try program.wait()
        }
        let told = (File.text(acknowledged) ?? "").split(separator: "\n").count
        let opened = try fixture.open()
        #expect(opened.setAside == nil)
        let found = try count(in: opened.store)
        #expect(told >= round * 5)
        #expect(found == told || found == told + 1, "\(told) were acknowledged, \(found) are there")
        // And it goes on.
        let next = try opened.store.commit(CrashTests.transaction(found + 1))
        #expect(next.allSatisfy { $0 == .done })
    }

    /// A machine that stops leaves a log that ends anywhere after what was written durably, or has other
    /// bytes at its end.
    @Test func `a log that ends anywhere has whole transactions up to there`() throws {
        let fixture = try Fixture()
        let store = try fixture.store()
        for number in 1...25 {
            #expect(try store.commit(Self.transaction(number)).allSatisfy { $0 == .done })
        }
        let database = try File.read(fixture.file)
        let log = try File.read(fixture.directory("corral.db-wal"))
        var random = Seeded(25)
        let places = (0..<20).map { _ in Int.random(in: 0...log.count, using: &random) }.sorted()
        var before = 0
        for (index, place) in (places + [log.count]).enumerated() {
            let copy = try Fixture()
            try File.write(database, to: copy.file, mode: 0o600)
            var kept = Array(log[..<place])
            // Half of them: it goes on with what was on the disk before.
            if index % 2 == 0 {
                kept += (0..<min(9000, log.count - place)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            }
            try File.write(kept, to: copy.directory("corral.db-wal"), mode: 0o600)
            let opened = try copy.open()
            #expect(opened.setAside == nil)
            let found = try count(in: opened.store)
            #expect(found >= before, "more of the log has fewer transactions")
            before = found
        }
        #expect(before == 25)
    }

    @Test func `a copy made while it is written to, as a snapshot would, has whole transactions`() throws {
        let fixture = try Fixture()
        let store = try fixture.store()
        for number in 1...10 { _ = try store.commit(Self.transaction(number)) }
        let copy = try Fixture()
        // With the transaction open, its pages may be in the log already.
        try store.database.transaction { () throws(StoreError) in
            _ = try store.create(
                Fixture.session(11, spec: "{\"a\":\"\(String(repeating: "x", count: 100_000))\"}"), "")
            try store.database.execute("to the log", "PRAGMA cache_size = 1")
            for name in ["corral.db", "corral.db-wal"] {
                let copied = try? Program.run(["cp", "-p", fixture.directory(name), copy.directory(name)])
                #expect(copied?.status == 0)
            }
        }
        #expect(try count(in: try copy.store()) == 10)
    }
}
