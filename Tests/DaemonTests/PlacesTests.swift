import TestSupport
import Testing
import Wire

/// Settings that say where the daemon and its warden find things, and which ids sandboxes get.
@Suite(.serialized) struct PlacesTests {
    @Test func `sandboxes have the ids of the configured range, and a full range is an error`() throws {
        guard Host.isRoot else { return Host.skip("only root's sandboxes have ids of their own") }
        let daemon = try TestDaemon(["--set", "uids=300000-300003", "--set", "limits.sessions=2"])
        var first: Set<String> = []
        for _ in 0..<2 {
            let id = try daemon.session()
            let map = try daemon.exec(id, "cat /proc/self/uid_map").decoded("stdout")
            let words = map.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first }
            first.formUnion(words.map(String.init))
        }
        #expect(first == ["300000", "300001", "300002", "300003"])
    }

    @Test func `a range that is none of slots keeps the warden from starting, with the reason`() throws {
        guard Host.isRoot else { return Host.skip("only root's sandboxes have ids of their own") }
        let directory = try TemporaryDirectory()
        let outcome = try Program.run(
            [
                Product.path("corral-warden"), "--socket", directory("w.sock"), "--uids", "260000-270000",
                "--state", directory.path,
            ], timeout: 60)
        #expect(outcome.status != 0)
        #expect(outcome.errors.contains("260000-270000 goes past 265535"), "\(outcome.errors)")
    }

    @Test func `profiles are those of the configured directories and no others`() throws {
        let directory = try TemporaryDirectory()
        let made = try Program.run(["chmod", "755", directory.path])
        #expect(made.status == 0)
        try File.write(
            Array("extends: default\ndescription: x\nlimits: {memory: 96MiB}\n".utf8),
            to: directory("own.yaml"), mode: 0o644)
        let both = "\(directory.path):\(Repository.path("profiles"))"
        let daemon = try TestDaemon(["--set", "profiles=\(both)"])
        let names = try daemon.call("GET", "/v1/profiles")["profiles"]?.list ?? []
        #expect(names.contains { $0["name"]?.text == "own" && $0["source"]?.text == "operator" })
        #expect(names.contains { $0["name"]?.text == "default" && $0["source"]?.text == "shipped" })
        let id = try daemon.session(#"{"profile":"own"}"#)
        let limits = try daemon.call("GET", "/v1/sessions/\(id)")["limits"]
        #expect(limits?["memory"]?.text == "\(96 << 20)")
        // Without the setting nobody knows of it.
        let other = try TestDaemon()
        #expect(try other.call("POST", "/v1/sessions", #"{"profile":"own"}"#).status == 404)
    }

    @Test func `images are those of the configured directory`() throws {
        let directory = try TemporaryDirectory()
        #expect(try Program.run(["mkdir", "-m", "755", directory("i"), directory("i/names")]).status == 0)
        #expect(try Program.run(["chmod", "755", directory.path]).status == 0)
        let host = try #require(File.text(Repository.path("images/host.yaml")))
        try File.write(
            Array(host.replacing("hostname: sandbox", with: "hostname: elsewhere").utf8),
            to: directory("i/names/other.yaml"), mode: 0o644)
        let daemon = try TestDaemon(["--set", "images=\(directory("i"))"])
        let names = try daemon.call("GET", "/v1/images")["images"]?.list ?? []
        #expect(names.contains { $0["name"]?.text == "other" })
        let id = try daemon.session(#"{"image":"other"}"#)
        #expect(try daemon.exec(id, "uname -n").decoded("stdout") == "elsewhere\n")
    }

    @Test func `a body above the operator's limit is refused with it`() throws {
        let daemon = try TestDaemon(["--set", "http.body=1KiB"])
        let answer = try daemon.call(
            "POST", "/v1/sessions", #"{"labels":{"a":"\#(String(repeating: "x", count: 2000))"}}"#)
        #expect(answer.status == 413)
        #expect(try daemon.call("GET", "/v1/sessions")["sessions"]?.list.isEmpty == true)
        _ = try daemon.session()
    }
}
