import FailPoints
import Glibc
import TestSupport
import Testing

/// Imports that are cut off: by the death of the client, of corrald or of the warden.
@Suite(.serialized, VolumeHost.trait) struct WorkspaceImportTests {
    private let place: TemporaryDirectory
    private let archive: String

    init() throws {
        place = try TemporaryDirectory()
        archive = place("a.tar")
        let made = try Program.run(
            ["sh", "-c", "mkdir -p t && echo whole >t/f && tar -C t -cf a.tar f"], directory: place.path)
        try #require(made.status == 0, "\(made.errors)")
    }

    /// An import that has begun and waits for the rest of its archive, which comes with ``go()``.
    private func begin(_ daemon: TestDaemon) throws -> RunningProgram {
        let line = """
            (head -c 700 '\(archive)'; while [ ! -e '\(place("go"))' ]; do sleep 0.1; done; tail -c +701 '\(archive)') |
                exec '\(Product.path("corral"))' workspace import --disk 8MiB new -
            """
        let program = try Program(["bash", "-c", line], environment: daemon.environment).start()
        #expect(try eventually { try daemon.workspaces()["new"] == "importing" }, "\(program.errorsSoFar)")
        return program
    }

    private func go() throws { try File.write([], to: place("go")) }

    @Test func `a workspace is ready when the archive is in it, and nobody has it before`() throws {
        let daemon = try TestDaemon()
        let importing = try begin(daemon)
        let refused = try daemon.call("POST", "/v1/sessions", #"{"workspace":"new"}"#)
        #expect(refused.status == 409 && refused.reason == "workspace-not-ready", "\(refused.message)")
        let snapshot = try daemon.call("POST", "/v1/workspaces/new/snapshots", #"{"name":"s"}"#)
        #expect(snapshot.status == 409 && snapshot.reason == "workspace-not-ready", "\(snapshot.message)")
        try go()
        let outcome = try importing.wait(timeout: 120)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try daemon.workspaces() == ["new": "ready"])
        // On record, too.
        try daemon.kill()
        try daemon.startAgain()
        #expect(try daemon.workspaces() == ["new": "ready"])
        #expect(try daemon.using("new", "cat f") == "whole\n")
    }

    @Test(arguments: ["corrald", "corral-warden", "corral"])
    func `one that is killed in the middle leaves nothing`(who: String) throws {
        let daemon = try TestDaemon()
        try daemon.workspace("other", bytes: 1 << 20)
        let importing = try begin(daemon)
        switch who {
        case "corrald":
            try daemon.kill()
            try daemon.startAgain()
        case "corral-warden":
            #expect(Glibc.kill(try #require(daemon.warden), SIGKILL) == 0)
            // Root's gave up what it takes to start another.
            #expect(try daemon.exitStatus() == 75)
            try daemon.startAgain()
        default:
            for pid in try commands(of: daemon) { #expect(Glibc.kill(pid, SIGKILL) == 0) }
        }
        #expect(
            try eventually { try daemon.workspaces() == ["other": "ready"] },
            "\((try? daemon.workspaces()) ?? [:])")
        try go()
        _ = try importing.wait(timeout: 120)
        #expect(try daemon.workspaces() == ["other": "ready"])
        // The volume is gone as well: the name is free, and nothing of before is in it.
        try daemon.workspace("new", bytes: 8 << 20)
        #expect(try daemon.using("new", "ls -A") == "")
    }

    @Test(arguments: [
        (FailPoint.daemonBeforeCommit, UInt32(1)), (.daemonAfterCommit, 1), (.daemonAfterDeeds, 1),
        (.daemonBeforeCommit, 2), (.daemonAfterCommit, 2),
    ])
    func `corrald may die at any step of making it`(point: FailPoint, passing: UInt32) throws {
        let sheet = try #require(FailPointSheet(path: place("points"), creating: true))
        let daemon = try TestDaemon(environment: ["CORRAL_TEST_FAIL_POINTS": place("points")])
        sheet.arm(point, passing)
        _ = try Program.run(
            daemon.curl("POST", "/v1/workspaces", #"{"name":"new","bytes":1048576,"importing":true}"#),
            timeout: 120)
        #expect(try daemon.endingSignal() == SIGKILL)
        try daemon.startAgain()
        #expect(try eventually { try daemon.workspaces().isEmpty }, "\((try? daemon.workspaces()) ?? [:])")
        try daemon.workspace("new", bytes: 1 << 20)
    }

    @Test func `an archive that is refused takes the workspace with it, and a second try is another`() throws
    {
        let daemon = try TestDaemon()
        let body = #"{"name":"new","bytes":1048576,"importing":true}"#
        for _ in 0..<2 {
            let made = try daemon.call("POST", "/v1/workspaces", body)
            #expect(made.status == 201 && made.text("state") == "importing", "\(made.message)")
            let refused = try daemon.call("PUT", "/v1/workspaces/new/files/archive", "no archive")
            #expect(refused.status == 400, "\(refused.status) \(refused.message)")
            #expect(try eventually { try daemon.workspaces().isEmpty })
        }
        // One that nobody fills can be removed like any other.
        try daemon.call("POST", "/v1/workspaces", body)
        #expect(try daemon.call("DELETE", "/v1/workspaces/new").status == 204)
        #expect(try daemon.workspaces().isEmpty)
    }

    /// The commands that talk to the daemon.
    private func commands(of daemon: TestDaemon) throws -> [pid_t] {
        File.names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
            let line = (try? File.read("/proc/\(pid)/cmdline")) ?? []
            let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard words.first == Product.path("corral"), words.contains("import") else { return false }
            return ((try? File.read("/proc/\(pid)/environ")) ?? [])
                .split(separator: 0).contains(Array("CORRAL_SOCKET_PATH=\(daemon.socket)".utf8)[...])
        }
    }
}
