import FailPoints
import Glibc
import TestSupport
import Testing

/// Snapshots and forks that are copies, beside clients that write files: what is copied is of one moment.
@Suite(.serialized, VolumeHost.trait) struct WorkspaceCopyTests {
    private let place: TemporaryDirectory
    private let sheet: FailPointSheet

    init() throws {
        place = try TemporaryDirectory()
        sheet = try #require(FailPointSheet(path: place("points"), creating: true))
    }

    /// One whose volumes are directories, with one of them.
    private func daemon() throws -> TestDaemon {
        let daemon = try TestDaemon(
            ["--set", "volumes.limits=wished"], wrapper: VolumeHost.withoutMaker,
            environment: ["CORRAL_TEST_FAIL_POINTS": place("points")])
        try daemon.workspace("data", bytes: 32 << 20, #","soft":true"#)
        #expect(try daemon.put("data", "f", "old").status == 200)
        return daemon
    }

    private static let ways: [(path: String, body: String, copy: String)] = [
        ("/data/snapshots", #"{"name":"s"}"#, "data@s"), ("/data/fork", #"{"name":"c","soft":true}"#, "c"),
    ]

    @Test func `while it is copied nobody changes its files, and those who read them go on`() throws {
        let daemon = try daemon()
        for (path, body, copy) in Self.ways {
            sheet.arm(.volumeBeforeCopy, 1, holding: true)
            let copying = try Program(daemon.curl("POST", "/v1/workspaces\(path)", body)).start()
            #expect(eventually { sheet.armed(.volumeBeforeCopy) == 0 }, "\(copy)")
            let files = "/v1/workspaces/data/files"
            for (method, what, body) in [
                ("PUT", "/content?path=f", "new"), ("PUT", "/content?path=g&write=append", "new"),
                ("PUT", "/archive?path=h", "new"), ("DELETE", "?path=f", nil),
                ("POST", "/mkdir", #"{"path":"d"}"#), ("POST", "/move", #"{"from":"f","to":"g"}"#),
                ("POST", "/copy", #"{"from":"f","to":"g"}"#),
            ] as [(String, String, String?)] {
                let refused = try daemon.call(method, files + what, body)
                #expect(
                    refused.status == 409 && refused.reason == "workspace-not-ready"
                        && refused.hint.contains("again"),
                    "\(copy) \(what): \(refused.status) \(refused.message)")
            }
            #expect(try daemon.call("GET", "\(files)/content?path=f").bytes == Array("old".utf8))
            #expect(try daemon.call("GET", "\(files)?path=.")["files"]?.list.count == 1)
            for pid in try workers(of: daemon) { #expect(kill(pid, SIGCONT) == 0) }
            _ = try copying.wait(timeout: 300)
            let kept = try daemon.call("GET", "/v1/workspaces/\(copy)/files/content?path=f")
            #expect(kept.bytes == Array("old".utf8), "\(copy): \(kept.message)")
        }
        // The control: now they may.
        #expect(try daemon.put("data", "f", "new").status == 200)
        #expect(try daemon.call("GET", "/v1/workspaces/data/files/content?path=f").bytes == Array("new".utf8))
    }

    @Test func `while somebody changes its files no copy is begun, and afterwards it is`() throws {
        let daemon = try daemon()
        let url = "http://corral/v1/workspaces/data/files/content?path=g&write=append"
        let line = """
            (echo one; while [ ! -e '\(place("go"))' ]; do sleep 0.1; done; echo two) |
                curl -sS -f --max-time 300 --unix-socket '\(daemon.socket)' -T - '\(url)'
            """
        let writer = try Program(["sh", "-c", line]).start()
        // It is open for writing when it has its name.
        let file = "/v1/workspaces/data/files/stat?path=g"
        #expect(try eventually { try daemon.call("GET", file).status == 200 })
        for (path, body, copy) in Self.ways {
            let refused = try daemon.call("POST", "/v1/workspaces\(path)", body)
            #expect(
                refused.status == 409 && refused.reason == "workspace-in-use"
                    && refused.hint.contains("again"),
                "\(copy): \(refused.status) \(refused.message)")
        }
        #expect(try daemon.workspaces() == ["data": "ready"])
        #expect(try daemon.snapshots("data").isEmpty)
        try File.write([], to: place("go"))
        let outcome = try writer.wait(timeout: 300)
        #expect(outcome.status == 0, "\(outcome.errors)")
        for (path, body, copy) in Self.ways {
            let made = try daemon.call("POST", "/v1/workspaces\(path)", body)
            #expect(made.status == 201, "\(copy): \(made.message)")
            let kept = try daemon.call("GET", "/v1/workspaces/\(copy)/files/content?path=g")
            #expect(kept.bytes == Array("one\ntwo\n".utf8), "\(copy)")
        }
    }

    /// The processes that the daemon's warden has copy.
    private func workers(of daemon: TestDaemon) throws -> [pid_t] {
        let warden = try #require(daemon.warden)
        return File.names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
            (File.text("/proc/\(pid)/status") ?? "").contains("\nPPid:\t\(warden)\n")
                && (File.text("/proc/\(pid)/cmdline") ?? "").contains("--volume-worker")
        }
    }
}

extension TestDaemon {
    /// Replaces a file of a workspace.
    fileprivate func put(_ workspace: String, _ file: String, _ text: String) throws -> Answer {
        try call("PUT", "/v1/workspaces/\(workspace)/files/content?path=\(file)", text)
    }
}
