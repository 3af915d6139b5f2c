import Linux
import TestSupport

@testable import Store

/// A state directory of one test's own, and records to put into it.
struct Fixture {
    let directory: TemporaryDirectory
    var path: String { directory.path }
    /// Of the database.
    var file: String { directory("corral.db") }

    init() throws { directory = try TemporaryDirectory(mode: 0o700) }

    /// 2026-11-21T21:43:36Z and a bit, on the clock for people.
    static let wall: Int64 = 1_795_297_416_789

    func open(_ migrations: [Migration] = Migration.all) throws(StoreError) -> OpenedStore {
        try StateStore.open(in: path, at: Self.wall, migrations: migrations)
    }

    func store() throws -> StateStore { try open().store }

    /// What sqlite3(1) prints for some statements: another program's view of the file.
    @discardableResult
    func sqlite3(_ statements: String) throws -> String {
        let outcome = try Program.run(["sqlite3", "-bail", file, statements])
        if outcome.status != 0 { throw Unexpected("sqlite3: \(outcome.errors)") }
        return outcome.output
    }

    /// The names in the directory, without what sqlite keeps while the file is open.
    var names: [String] {
        File.names(in: path).filter { !["corral.db-wal", "corral.db-shm", "audit-head"].contains($0) }
    }

    static func id(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    static func moment(_ number: Int) -> Moment {
        Moment(wall: wall + Int64(number) * 1000, boot: 5_000_000_000 + UInt64(number) * 1_000_000_000)
    }

    /// A session with nothing that it need not have.
    static func session(
        _ number: Int, name: String? = nil, labels: [String: String] = [:],
        request: SessionRecord.Request? = nil, spec: String = "{}", profile: String = "default",
        tenant: String = "default"
    ) -> SessionRecord {
        SessionRecord(
            id: id(number), name: name, tenant: tenant, profile: profile, image: "host", spec: spec,
            labels: labels, request: request, created: moment(number),
            standing: SessionStanding(state: "created", boot: "boot-1", lastUse: moment(number).boot))
    }

    static func process(
        _ number: Int, in session: Int, name: String? = nil, kind: ProcessRecord.Kind = .exec
    ) -> ProcessRecord {
        ProcessRecord(
            id: id(number), session: id(session), name: name, kind: kind, argv: #"["sh","-c","true"]"#,
            created: moment(number), standing: ProcessStanding(state: "starting"))
    }
}

extension SessionStanding {
    /// The same session in another state.
    func with(_ state: String, change: (inout SessionStanding) -> Void = { _ in }) -> SessionStanding {
        var standing = self
        standing.state = state
        change(&standing)
        return standing
    }

    /// The same session, of which nothing is left.
    func ended(_ number: Int) -> SessionStanding {
        with("ended") {
            $0.isLive = false
            $0.cause = "ttl"
            $0.ended = Fixture.moment(number)
        }
    }
}

extension ProcessStanding {
    /// The same process, at its end.
    func ended(_ number: Int) -> ProcessStanding {
        var standing = self
        standing.state = "ended"
        standing.isLive = false
        standing.cause = "exited"
        standing.exitCode = 0
        standing.ended = Fixture.moment(number)
        return standing
    }
}

extension StateStore {
    /// Records a session that must be new.
    func add(_ session: SessionRecord) throws {
        let outcome = try commit(.create(session, why: "a test"))
        if outcome != .done { throw Unexpected("\(outcome)") }
    }

    func move(_ session: SessionRecord, to standing: SessionStanding, at number: Int) throws {
        let outcome = try commit(
            .session(id: session.id, standing, at: Fixture.moment(number), why: "a test"))
        if outcome != .done { throw Unexpected("\(outcome)") }
    }
}

struct Unexpected: Error {
    var what: String
    init(_ what: String) { self.what = what }
}

extension Outcome {
    var isRefused: Bool {
        if case .refused = self { return true }
        return false
    }
}
