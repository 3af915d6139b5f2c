import FailPoints
import Glibc
import TestSupport
import Testing
import Wire

/// Deaths of both daemons in the middle of what is done to workspaces: the records and the volumes agree behind
/// each, and what was begun comes to its end.
@Suite(.serialized, VolumeHost.trait) struct WorkspaceCrashTests {
    private let place: TemporaryDirectory
    private let sheet: FailPointSheet
    private var variables: [String: String] { ["CORRAL_TEST_FAIL_POINTS": place("points")] }

    init() throws {
        place = try TemporaryDirectory()
        sheet = try #require(FailPointSheet(path: place("points"), creating: true))
    }

    /// What a request passes on its way: its intent on record or not, the warden asked, its answer on record or
    /// not, the client told or not.
    private static let moments: [(point: FailPoint, passing: UInt32)] = [
        (.daemonBeforeCommit, 1), (.daemonAfterCommit, 1), (.daemonAfterDeeds, 1), (.daemonBeforeCommit, 2),
        (.daemonAfterCommit, 2), (.daemonBeforeAnswer, 1), (.daemonAfterAnswer, 1),
    ]

    private struct Step: Sendable {
        let method: String
        let path: String
        let body: String?
        /// What a repeated request is answered with, whether or not the first one was carried out.
        let isDone: @Sendable (TestDaemon.Answer) -> Bool
        /// Makes the next one as this one was.
        let again: @Sendable (TestDaemon) throws -> Void
    }

    private static let steps: [Step] = [
        Step(
            method: "POST", path: "", body: #"{"name":"made","bytes":1048576,"idempotency_key":"k"}"#,
            isDone: { [200, 201].contains($0.status) && $0.text("state") == "ready" },
            again: { try $0.call("DELETE", "/v1/workspaces/made") }),
        Step(
            method: "POST", path: "/data/resize", body: #"{"bytes":2097152}"#,
            isDone: { $0.status == 200 && $0.number("bytes") == 2 << 20 },
            again: { try $0.call("POST", "/v1/workspaces/data/resize", #"{"bytes":1048576}"#) }),
        Step(
            method: "POST", path: "/data/snapshots", body: #"{"name":"later"}"#,
            isDone: { $0.status == 201 || $0.reason == "snapshot-exists" },
            again: { try $0.call("DELETE", "/v1/workspaces/data/snapshots/later") }),
        Step(
            method: "POST", path: "/data/fork", body: #"{"name":"copy","snapshot":"first"}"#,
            isDone: { $0.status == 201 || $0.reason == "workspace-exists" },
            again: { try $0.call("DELETE", "/v1/workspaces/copy") }),
        Step(
            method: "POST", path: "/data/restore", body: #"{"snapshot":"first"}"#,
            isDone: { $0.status == 200 }, again: { _ in }),
        Step(
            method: "DELETE", path: "/data/snapshots/second", body: nil,
            isDone: { [204, 404].contains($0.status) },
            again: { try $0.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"second"}"#) }),
        Step(
            method: "DELETE", path: "/gone?snapshots=true", body: nil,
            isDone: { [204, 404].contains($0.status) },
            again: {
                try $0.workspace("gone", bytes: 1 << 20)
                try $0.call("POST", "/v1/workspaces/gone/snapshots", #"{"name":"a"}"#)
            }),
    ]

    @Test func `corrald may die between any two steps, and what was begun is ended or was never begun`()
        throws
    {
        let daemon = try TestDaemon(environment: variables)
        for name in ["data", "gone"] { try daemon.workspace(name, bytes: 1 << 20) }
        try daemon.using("data", "echo first >f")
        for name in ["first", "second"] {
            try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"\#(name)"}"#)
        }
        try daemon.call("POST", "/v1/workspaces/gone/snapshots", #"{"name":"a"}"#)
        for step in Self.steps {
            for moment in Self.moments {
                sheet.arm(moment.point, moment.passing)
                let words = daemon.curl(step.method, "/v1/workspaces\(step.path)", step.body)
                _ = try Program.run(words, timeout: 120)
                let place = "\(step.method) \(step.path) at \(moment.point) \(moment.passing)"
                #expect(try daemon.endingSignal() == SIGKILL, "\(place)")
                #expect(sheet.armed(moment.point) == 0, "\(place)")
                try daemon.startAgain()
                var answer = try daemon.call(step.method, "/v1/workspaces\(step.path)", step.body)
                // What the next daemon went on with may not be over yet.
                _ = try eventually {
                    if !answer.reason.hasSuffix("-not-ready") { return true }
                    answer = try daemon.call(step.method, "/v1/workspaces\(step.path)", step.body)
                    return false
                }
                #expect(step.isDone(answer), "\(place): \(answer.status) \(answer.message)")
                try agree(daemon, place)
                try step.again(daemon)
            }
        }
        #expect(try daemon.using("data", "cat f") == "first\n")
    }

    /// Every record has a volume that the warden can tell of, none is on its way or lost, and none is unrecorded.
    private func agree(_ daemon: TestDaemon, _ place: String) throws {
        #expect(
            try eventually { try daemon.workspaces().values.allSatisfy { $0 == "ready" } },
            "\(place): \((try? daemon.workspaces()) ?? [:])")
        for name in try daemon.workspaces().keys {
            #expect(try daemon.find(name).number("used_bytes") != nil, "\(place): \(name)")
            #expect(try daemon.snapshots(name).allSatisfy { $0.hasSuffix(" ready") }, "\(place): \(name)")
        }
    }

    @Test func `workspaces outlive a warden that is killed, with what was written, and sessions do not`()
        throws
    {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"empty"}"#)
        let id = try daemon.session(#"{"workspace":"data"}"#)
        try daemon.exec(id, "echo written >f; sync .")
        let warden = try #require(daemon.warden)
        #expect(Glibc.kill(warden, SIGKILL) == 0)
        // Root's gave up what it takes to start another.
        #expect(try daemon.exitStatus() == 75)
        try daemon.startAgain()
        #expect(try daemon.waitForEnd(id).text("cause") == "daemon-restart")
        #expect(try daemon.workspaces() == ["data": "ready"])
        #expect(try daemon.snapshots("data") == ["empty ready"])
        #expect(try daemon.using("data", "cat f") == "written\n")
        #expect(try daemon.find("data").number("bytes") == 32 << 20)
    }

    @Test
    func `a volume without a record stays until somebody decides, and a record without a volume is lost`()
        throws
    {
        let daemon = try TestDaemon()
        for name in ["adopted", "removed"] {
            try daemon.workspace(name, bytes: 1 << 20)
            try daemon.using(name, "echo \(name) >f")
        }
        try daemon.call("POST", "/v1/workspaces/adopted/snapshots", #"{"name":"s"}"#)
        #expect(try daemon.stop() == 0)
        let change = """
            DELETE FROM workspaces; DELETE FROM snapshots;
            INSERT INTO workspaces (tenant, name, state, bytes, soft, created_wall)
            VALUES ('default', 'ghost', 'ready', 1048576, 0, 1);
            """
        let outcome = try Program.run(["sqlite3", "-bail", "\(daemon.state)/daemon/corral.db", change])
        #expect(outcome.status == 0, "\(outcome.errors)")
        try daemon.startAgain()
        #expect(
            try daemon.workspaces()
                == ["adopted": "unrecorded", "removed": "unrecorded", "ghost": "lost"])
        #expect(daemon.program.errorsSoFar.contains("workspace adopted has a volume and no record"))
        for name in ["adopted", "ghost"] {
            let refused = try daemon.call("POST", "/v1/sessions", #"{"workspace":"\#(name)"}"#)
            #expect(refused.reason == "workspace-not-ready", "\(refused.message)")
        }
        let taken = try daemon.call("POST", "/v1/workspaces", #"{"name":"adopted","bytes":1048576}"#)
        #expect(taken.reason == "workspace-unrecorded")
        let adopted = try daemon.call("POST", "/v1/workspaces", #"{"name":"adopted","adopt":true}"#)
        #expect(adopted.status == 201 && adopted.number("bytes") == 1 << 20, "\(adopted.message)")
        #expect(try daemon.using("adopted", "cat f") == "adopted\n")
        #expect(try daemon.snapshots("adopted") == ["s ready"])
        for name in ["removed", "ghost"] {
            #expect(try daemon.call("DELETE", "/v1/workspaces/\(name)").status == 204)
        }
        try daemon.kill()
        try daemon.startAgain()
        #expect(try daemon.workspaces() == ["adopted": "ready"])
        #expect(try daemon.snapshots("adopted") == ["s ready"])
    }

    @Test func `what cannot be recorded is not begun`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data", bytes: 1 << 20)
        // Another program's write lock, until it is told to go.
        let locking = """
            (echo 'BEGIN IMMEDIATE;'; echo 'SELECT 1;'; while [ ! -e '\(place("go"))' ]; do sleep 0.1; done) |
                sqlite3 \(daemon.state)/daemon/corral.db
            """
        let lock = try Program(["sh", "-c", locking]).start()
        #expect(try lock.waitForText("1", within: 60))
        let requests: [(String, String, String?)] = [
            ("POST", "", #"{"name":"b","bytes":1048576}"#), ("POST", "/data/resize", #"{"bytes":2097152}"#),
            ("POST", "/data/snapshots", #"{"name":"s"}"#), ("DELETE", "/data?snapshots=true", nil),
        ]
        for (method, path, body) in requests {
            let answer = try daemon.call(method, "/v1/workspaces\(path)", body)
            #expect(answer.status == 507, "\(path): \(answer.status) \(answer.message)")
            #expect(try daemon.workspaces() == ["data": "ready"], "\(path)")
            #expect(try daemon.snapshots("data").isEmpty, "\(path)")
            #expect(try daemon.find("data").number("bytes") == 1 << 20, "\(path)")
        }
        try File.write([], to: place("go"))
        _ = try lock.wait(timeout: 120)
        // The control: the same can be recorded now, and is done.
        for (method, path, body) in requests {
            let answer = try daemon.call(method, "/v1/workspaces\(path)", body)
            #expect([200, 201, 204].contains(answer.status), "\(path): \(answer.message)")
        }
        #expect(try daemon.workspaces() == ["b": "ready"])
    }
}
