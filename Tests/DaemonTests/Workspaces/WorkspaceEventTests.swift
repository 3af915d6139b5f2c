import API
import Glibc
import TestSupport
import Testing
import Wire

/// What those are told who follow the events of a daemon with workspaces.
@Suite(.serialized, VolumeHost.trait) struct WorkspaceEventTests {
    /// All that happened so far.
    private func events(_ daemon: TestDaemon, _ query: String = "") throws -> [JSONTree] {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
        let until = APITime(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
        let answer = try daemon.call("GET", "/v1/events?since=2000-01-01T00:00:00Z&until=\(until)\(query)")
        return try String(decoding: answer.bytes, as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix("data: ") }
            .map { try JSONTree(parsing: Array($0.dropFirst(6).utf8)) }
    }

    @Test func `a session that fills its workspace is told of at 80 and at 95 percent, once each`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data", bytes: 16 << 20)
        let id = try daemon.session(#"{"workspace":"data"}"#)
        func quota() throws -> [String] {
            try events(daemon).filter { $0["type"]?.text == "session.quota" && $0["session"]?.text == id }
                .map { $0["message"]?.text ?? "" }
        }
        try daemon.exec(id, "dd if=/dev/zero of=a bs=1M count=10 conv=fsync")
        // The control: with 10 of 16 MiB nobody is told.
        try daemon.exec(id, "dd if=/dev/zero of=b bs=1M count=4 conv=fsync; sync -f b")
        #expect(try eventually { try quota().count == 1 })
        #expect(try quota().first?.hasPrefix("80 percent of its workspace are used: ") == true)
        try daemon.exec(id, "dd if=/dev/zero of=c bs=1M count=4 conv=fsync")
        #expect(try eventually { try quota().count == 2 })
        let last = try #require(try quota().last)
        #expect(last.hasPrefix("95 percent") && last.hasSuffix(" of \(16 << 20) bytes"), "\(last)")
    }

    @Test func `a session is told of its workspace while it has it, and of no other's`() throws {
        let daemon = try TestDaemon()
        for name in ["data", "other"] { try daemon.workspace(name) }
        func resize(_ name: String, _ size: Int) throws {
            let answer = try daemon.call(
                "POST", "/v1/workspaces/\(name)/resize", #"{"bytes":\#(size << 20)}"#)
            try #require(answer.status == 200, "\(answer.message)")
        }
        try resize("data", 33)
        let id = try daemon.session(#"{"workspace":"data"}"#)
        let without = try daemon.session("{}")
        try resize("data", 34)
        try resize("other", 35)
        let kept = try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"s"}"#)
        try #require(kept.status == 201)
        func told(_ id: String) throws -> [String] {
            try events(daemon, "&session=\(id)").filter { $0["workspace"] != nil }.map {
                "\($0["type"]?.text ?? "") \($0["workspace"]?.text ?? "") \($0["message"]?.text ?? "")"
            }
        }
        let expected = ["workspace.resized data \(34 << 20) bytes", "workspace.snapshotted data "]
        #expect(try eventually { try told(id).count >= 2 })
        #expect(try told(id) == expected)
        _ = try daemon.call("POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#)
        #expect(try daemon.waitForEnd(id).text("state") == "ended")
        usleep(10_000)
        try resize("data", 36)
        #expect(
            try eventually {
                try events(daemon).contains { $0["message"]?.text == "\(36 << 20) bytes" }
            })
        #expect(try told(id) == expected && told(without).isEmpty)
        #expect(try events(daemon, "&session=\(id)").contains { $0["type"]?.text == "session.ended" })
    }

    @Test func `what happens to a workspace is told in the order in which it happened`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        func ask(_ method: String, _ path: String, _ body: String? = nil) throws {
            let answer = try daemon.call(method, "/v1/workspaces/\(path)", body)
            try #require(answer.status < 300, "\(method) \(path): \(answer.message)")
        }
        try ask("POST", "data/resize", #"{"bytes":16777216}"#)
        try ask("POST", "data/snapshots", #"{"name":"before"}"#)
        try ask("POST", "data/restore", #"{"snapshot":"before"}"#)
        try ask("POST", "data/fork", #"{"name":"copy","snapshot":"before"}"#)
        let refused = try daemon.call("POST", "/v1/workspaces", #"{"name":"huge","bytes":1125899906842624}"#)
        #expect(refused.status >= 400)
        try ask("DELETE", "data/snapshots/before")
        try ask("DELETE", "copy")
        func told() throws -> [String] {
            try events(daemon).compactMap { event in
                guard let type = event["type"]?.text, type.hasPrefix("workspace.") else { return nil }
                #expect(event["session"] == nil && event["tenant"]?.text == "default")
                let snapshot = event["snapshot"].map { "@" + ($0.text ?? "") } ?? ""
                return "\(type.dropFirst(10)) \(event["workspace"]?.text ?? "")\(snapshot)"
            }
        }
        let expected = [
            "created data", "resized data", "snapshotted data@before", "restored data@before", "created copy",
            "failed huge", "snapshot-removed data@before", "removed copy",
        ]
        #expect(try eventually { try told().count >= expected.count })
        #expect(try told() == expected)
        // Nothing of it is any session's.
        let id = try daemon.session("{}")
        #expect(try events(daemon).allSatisfy { ($0["session"] == nil) == ($0["workspace"] != nil) }, "\(id)")
    }
}
