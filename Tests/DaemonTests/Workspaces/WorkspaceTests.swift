import Glibc
import TestSupport
import Testing
import Wire

/// Workspaces that outlive sessions, over the API, with a real warden and a real file system.
@Suite(.serialized, VolumeHost.trait) struct WorkspaceTests {
    @Test func `what one session leaves in a workspace a later one finds, as its own`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        let first = try daemon.session(#"{"workspace":"data","labels":{"n":"1"}}"#)
        #expect(
            try daemon.exec(first, "echo kept >f; mkdir d; chmod 700 d; id -u").decoded("stdout") == "1000\n")
        let shown = try daemon.call("GET", "/v1/sessions/\(first)")
        #expect(shown.text("persistent") == "true")
        #expect(shown["workspace"]?["kind"]?.text == "named" && shown["workspace"]?["name"]?.text == "data")
        #expect(shown["workspace"]?["bytes_enforced"]?.text == "enforced")
        #expect(shown["limits"]?["workspace_bytes"]?.text == "\(32 << 20)")
        let during = try daemon.find("data")
        #expect(during["sessions"]?.list.map(\.text) == [first] && during.text("shared") == "false")
        #expect(try daemon.end(first).status == 204)
        let after = try daemon.find("data")
        #expect(after["sessions"]?.list.isEmpty == true && after["shared"] == nil)
        #expect(after.text("driver") == "btrfs" && !after.text("last_used").isEmpty)
        #expect((after.number("used_bytes") ?? 0) > 0)
        let found = try daemon.using("data", "cat f; stat -c '%u %a' d; touch d/x && echo mine")
        #expect(found == "kept\n1000 700\nmine\n")
    }

    @Test func `one session has it at a time, by name, until it ends, over deaths of the daemon`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        let body = #"{"workspace":"data"}"#
        let id = try daemon.session(body)
        func isRefused(_ body: String) throws {
            let refused = try daemon.call("POST", "/v1/sessions", body)
            #expect(refused.status == 409 && refused.reason == "workspace-in-use")
            #expect(refused.message.contains(id) && refused.field == "workspace", "\(refused.message)")
        }
        try isRefused(body)
        try isRefused(#"{"workspace":"data","workspace_shared":true}"#)
        try daemon.kill()
        try daemon.startAgain()
        try isRefused(body)
        // What was refused left nothing.
        #expect(try daemon.call("GET", "/v1/sessions?all=true")["sessions"]?.list.count == 1)
        try daemon.exec(id, "echo still >f")
        try daemon.call("POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#)
        try daemon.kill()
        try daemon.startAgain()
        #expect(try daemon.using("data", "cat f") == "still\n")
        // Given back once: the second user's end is what frees it.
        let second = try daemon.session(body)
        #expect(try daemon.find("data")["sessions"]?.list.map(\.text) == [second])
    }

    @Test func `sessions that all ask for it share it, and nobody else comes in`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        let shared = #"{"workspace":"data","workspace_shared":true}"#
        let (one, two) = (try daemon.session(shared), try daemon.session(shared))
        try daemon.exec(one, "echo here >f")
        #expect(try daemon.exec(two, "cat f; echo there >>f").decoded("stdout") == "here\n")
        #expect(try daemon.exec(one, "cat f").decoded("stdout") == "here\nthere\n")
        let refused = try daemon.call("POST", "/v1/sessions", #"{"workspace":"data"}"#)
        #expect(refused.reason == "workspace-in-use" && refused.message.contains("1 more"))
        #expect(try daemon.find("data").text("shared") == "true")
        try daemon.end(one)
        #expect(try daemon.call("POST", "/v1/sessions", #"{"workspace":"data"}"#).status == 409)
        try daemon.end(two)
        #expect(try daemon.using("data", "cat f") == "here\nthere\n")
    }

    @Test func `who comes twice with one key gets one session and one workspace`() throws {
        let daemon = try TestDaemon()
        let make = #"{"name":"data","bytes":1048576,"idempotency_key":"k"}"#
        #expect(try daemon.call("POST", "/v1/workspaces", make).status == 201)
        #expect(try daemon.call("POST", "/v1/workspaces", make).status == 200)
        let other = try daemon.call(
            "POST", "/v1/workspaces", #"{"name":"b","bytes":1048576,"idempotency_key":"k"}"#)
        #expect(other.status == 409 && other.field == "idempotency_key")
        let taken = try daemon.call("POST", "/v1/workspaces", #"{"name":"data","bytes":1048576}"#)
        #expect(taken.status == 409 && taken.reason == "workspace-exists")
        let session = #"{"workspace":"data","idempotency_key":"s"}"#
        let id = try daemon.session(session)
        let again = try daemon.call("POST", "/v1/sessions", session)
        #expect(again.status == 200 && again.text("id") == id)
        let differs = try daemon.call(
            "POST", "/v1/sessions", #"{"workspace":"data","workspace_shared":true,"idempotency_key":"s"}"#)
        #expect(differs.status == 409 && differs.field == "idempotency_key")
    }

    // MARK: Limits

    @Test func `a writer stops at the limit, which can be changed while it writes`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data", bytes: 8 << 20)
        let id = try daemon.session(#"{"workspace":"data"}"#)
        let fill = "dd if=/dev/zero of=big bs=64k count=1024 2>&1 | grep -c 'quota exceeded'"
        #expect(try daemon.exec(id, fill).decoded("stdout") == "1\n")
        let full = try daemon.find("data")
        let used = try #require(full.number("used_bytes"))
        #expect(used > 7 << 20 && used <= 8 << 20, "\(used)")
        let below = try daemon.call("POST", "/v1/workspaces/data/resize", #"{"bytes":1048576}"#)
        #expect(below.status == 409 && below.reason == "volume-below-use", "\(below.message)")
        let larger = try daemon.call("POST", "/v1/workspaces/data/resize", #"{"bytes":33554432}"#)
        #expect(larger.status == 200 && larger.number("bytes") == 32 << 20, "\(larger.message)")
        let more = "dd if=/dev/zero of=more bs=64k count=160 2>&1 | grep -c 'quota exceeded'; ls"
        #expect(try daemon.exec(id, more).decoded("stdout") == "0\nbig\nmore\n")
        try daemon.exec(id, "rm big more; sync .")
        #expect(
            // What was removed comes back with the file system's next commit, every 30 s.
            try eventually(within: 90) {
                usleep(200_000)
                return try daemon.call("POST", "/v1/workspaces/data/resize", #"{"bytes":1048576}"#).status
                    == 200
            })
        #expect(
            try daemon.call("GET", "/v1/sessions/\(id)")["limits"]?["workspace_bytes"]?.text == "1048576")
        #expect(try daemon.exec(id, fill).decoded("stdout") == "1\n")
        // What it holds is told of the session as well.
        let statistics = try daemon.call("GET", "/v1/sessions/\(id)/stats")
        #expect((statistics.number("workspace_bytes") ?? .max) <= 1 << 20)
    }

    @Test func `a session's own volume has its limit, and goes with it`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"quota":{"bytes":4194304,"inodes":1000}}"#)
        let shown = try daemon.call("GET", "/v1/sessions/\(id)")
        #expect(shown["workspace"]?["kind"]?.text == "volume" && shown.text("persistent") == "false")
        #expect(shown["workspace"]?["bytes_enforced"]?.text == "enforced")
        #expect(shown["workspace"]?["inodes_enforced"]?.text == "counted as bytes")
        #expect(shown["limits"]?["workspace_bytes"]?.text == "4194304")
        let fill = "dd if=/dev/zero of=big bs=64k count=1024 2>&1 | grep -c 'quota exceeded'"
        #expect(try daemon.exec(id, fill).decoded("stdout") == "1\n")
        try daemon.end(id)
        #expect(try daemon.workspaces().isEmpty)
        // Another one does not find its files, and the volume of the first is nobody's trouble.
        let next = try daemon.session(#"{"quota":{"bytes":4194304}}"#)
        #expect(try daemon.exec(next, "ls").decoded("stdout") == "")
    }

    // MARK: Snapshots

    @Test func `a snapshot keeps what there was, for restoring and for forks, also of one in use`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        let id = try daemon.session(#"{"workspace":"data"}"#)
        try daemon.exec(id, "echo old >f; sync .")
        let made = try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"before"}"#)
        #expect(made.status == 201 && made.text("state") == "ready", "\(made.message)")
        let twice = try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"before"}"#)
        #expect(twice.status == 409 && twice.reason == "snapshot-exists")
        try daemon.exec(id, "echo new >f; echo more >g; sync .")
        // Both of the running session's: as it is, and as it was.
        for body in [#"{"name":"now"}"#, #"{"name":"was","snapshot":"before","bytes":8388608}"#] {
            #expect(try daemon.call("POST", "/v1/workspaces/data/fork", body).status == 201)
        }
        #expect(try daemon.find("was").text("forked_from") == "data@before")
        #expect(try daemon.find("was").number("bytes") == 8 << 20)
        #expect(try daemon.find("now").number("bytes") == 32 << 20)
        #expect(try daemon.using("now", "cat f g") == "new\nmore\n")
        #expect(try daemon.using("was", "cat f; ls") == "old\nf\n")
        let used = try daemon.call("POST", "/v1/workspaces/data/restore", #"{"snapshot":"before"}"#)
        #expect(used.status == 409 && used.reason == "workspace-in-use" && used.message.contains(id))
        #expect(try daemon.exec(id, "cat f").decoded("stdout") == "new\n")
        try daemon.end(id)
        let restored = try daemon.call("POST", "/v1/workspaces/data/restore", #"{"snapshot":"before"}"#)
        #expect(restored.status == 200 && restored.text("state") == "ready", "\(restored.message)")
        #expect(try daemon.using("data", "cat f; ls; echo again >g") == "old\nf\n")
        #expect(try daemon.find("data").number("bytes") == 32 << 20)
        #expect(try daemon.snapshots("data") == ["before ready"])
        #expect(try daemon.call("DELETE", "/v1/workspaces/data/snapshots/before").status == 204)
        #expect(try daemon.snapshots("data").isEmpty)
        let gone = try daemon.call("POST", "/v1/workspaces/data/restore", #"{"snapshot":"before"}"#)
        #expect(gone.status == 404 && gone.reason == "snapshot-absent")
    }

    // MARK: The end

    @Test func `one that a session has stays, and one with snapshots goes with them only`() throws {
        let daemon = try TestDaemon()
        try daemon.workspace("data")
        let id = try daemon.session(#"{"workspace":"data"}"#)
        for query in ["", "?snapshots=true"] {
            let refused = try daemon.call("DELETE", "/v1/workspaces/data\(query)")
            #expect(refused.reason == "workspace-in-use" && refused.message.contains(id))
        }
        try daemon.exec(id, "echo whole >f")
        #expect(try daemon.exec(id, "cat f").decoded("stdout") == "whole\n")
        for name in ["a", "b"] {
            try daemon.call("POST", "/v1/workspaces/data/snapshots", #"{"name":"\#(name)"}"#)
        }
        try daemon.end(id)
        let refused = try daemon.call("DELETE", "/v1/workspaces/data")
        #expect(refused.status == 409 && refused.reason == "workspace-has-snapshots")
        #expect(refused.message.contains("a, b"))
        #expect(try daemon.call("DELETE", "/v1/workspaces/data?snapshots=true").status == 204)
        #expect(try daemon.workspaces().isEmpty)
        #expect(try daemon.find("data").status == 404)
        // The name is free, and nothing of the old one is in the new one.
        try daemon.workspace("data")
        #expect(try daemon.using("data", "ls -A") == "")
        #expect(try daemon.snapshots("data").isEmpty)
    }

    @Test func `workspaces are listed in pages, by name`() throws {
        let daemon = try TestDaemon()
        for name in ["c", "a", "b"] { try daemon.workspace(name, bytes: 1 << 20) }
        let page = try daemon.call("GET", "/v1/workspaces?limit=2")
        #expect(page["workspaces"]?.list.compactMap { $0["name"]?.text } == ["a", "b"])
        let next = try daemon.call("GET", "/v1/workspaces?limit=2&after=\(page.text("next"))")
        #expect(next["workspaces"]?.list.compactMap { $0["name"]?.text } == ["c"] && next["next"] == nil)
    }
}
