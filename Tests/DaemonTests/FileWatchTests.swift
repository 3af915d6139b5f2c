import TestSupport
import Testing
import Wire

/// What clients are told of a session's files.
@Suite(.serialized, IdmappedTmpfs.trait) struct FileWatchTests {
    private func watch(_ daemon: TestDaemon, _ id: String, _ query: String) throws -> RunningProgram {
        try Program(
            daemon.curl(
                "GET", "/v1/sessions/\(id)/files/watch\(query.isEmpty ? "" : "?\(query)")", nil, ["-N"])
        ).start()
    }

    @Test func `what a program does to names is told as events, until the session ends`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.exec(id, "mkdir -p d/in")
        let (flat, deep) = (try watch(daemon, id, "path=d"), try watch(daemon, id, "recursive"))
        // Until both watch.
        for (watcher, name) in [(flat, "d/probe"), (deep, "d/in/probe")] {
            #expect(
                eventually {
                    _ = try? daemon.exec(id, "echo >\(name); rm \(name)")
                    return (try? watcher.waitForText("\"path\":\"\(name)\"", within: 1)) ?? false
                }, "\(watcher.outputSoFar)")
        }
        try daemon.exec(id, "cd d; echo 1 >f; mv f g; mkdir new; sleep 0.3; echo >new/x; rm -r new g")
        for text in [
            "event: created\ndata: {\"type\":\"created\",\"path\":\"d/f\",\"directory\":false}",
            "\"type\":\"moved-away\",\"path\":\"d/f\"", "\"type\":\"moved-here\",\"path\":\"d/g\"",
            "\"type\":\"created\",\"path\":\"d/new\",\"directory\":true",
            "\"type\":\"removed\",\"path\":\"d/g\"",
        ] {
            for watcher in [flat, deep] {
                #expect(try watcher.waitForText(text, within: 30), "\(text): \(watcher.outputSoFar)")
            }
        }
        #expect(try deep.waitForText("d/new/x", within: 30))
        #expect(!flat.outputSoFar.contains("d/new/x") && !flat.outputSoFar.contains("d/in/probe"))
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/kill", "{}").status == 200)
        for watcher in [flat, deep] {
            let outcome = try watcher.wait(timeout: 60 * Host.patience)
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
    }

    @Test func `a directory that goes ends its watch, and too many watches are refused`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        try daemon.exec(id, "mkdir d; ln -s /etc out; echo >f")
        #expect(try daemon.files(id, "GET", "watch", "path=none").error == "not-found")
        #expect(try daemon.files(id, "GET", "watch", "path=f").error == "conflict")
        #expect(try daemon.files(id, "GET", "watch", "path=out").error == "forbidden")
        var watchers: [RunningProgram] = []
        for _ in 0..<8 { watchers.append(try watch(daemon, id, "path=d")) }
        for watcher in watchers {
            #expect(
                eventually {
                    _ = try? daemon.exec(id, "echo >d/probe; rm d/probe")
                    return (try? watcher.waitForText("probe", within: 1)) ?? false
                })
        }
        let refused = try watch(daemon, id, "path=d").wait(timeout: 60)
        #expect(refused.output.contains("at most 8"), "\(refused.output)")
        try daemon.exec(id, "rmdir d")
        for watcher in watchers {
            let outcome = try watcher.wait(timeout: 60 * Host.patience)
            #expect(outcome.output.contains("event: gone"), "\(outcome.output)")
        }
        // All of them are given back.
        try daemon.exec(id, "mkdir d")
        let again = try watch(daemon, id, "path=d")
        #expect(
            eventually {
                _ = try? daemon.exec(id, "echo >d/probe; rm d/probe")
                return (try? again.waitForText("probe", within: 1)) ?? false
            })
        try again.signal(15)
        _ = try again.wait()
    }
}
