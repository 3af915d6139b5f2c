import TestSupport
import Testing
import Wire

/// What is refused of workspaces, and what is shown of limits that nobody keeps.
@Suite(.serialized) struct WorkspaceRefusalTests {
    private static let creations: [(body: String, status: Int, field: String)] = [
        (#"{}"#, 400, "name"), (#"{"name":"a"}"#, 400, "bytes"), (#"{"name":"a","bytes":0}"#, 400, "bytes"),
        (#"{"name":"a","bytes":-5}"#, 400, "bytes"), (#"{"name":"a","bytes":1.5}"#, 400, "bytes"),
        (#"{"name":"a","bytes":"1g"}"#, 400, "bytes"), (#"{"name":"a","bytes":4096}"#, 400, ""),
        (#"{"name":"a","bytes":1048576,"inodes":0}"#, 400, "inodes"),
        (#"{"name":"a","bytes":1048576,"inodes":1}"#, 400, ""),
        (#"{"name":"a","bytes":18446744073709551615}"#, 403, ""),
        (#"{"name":"a","bytes":1048576,"tenant":"red"}"#, 404, "tenant"),
        (#"{"name":"","bytes":1048576}"#, 400, "name"), (#"{"name":"../x","bytes":1048576}"#, 400, "name"),
        (#"{"name":"a/b","bytes":1048576}"#, 400, "name"), (#"{"name":"A","bytes":1048576}"#, 400, "name"),
        (#"{"name":".a","bytes":1048576}"#, 400, "name"), (#"{"name":"a@b","bytes":1048576}"#, 400, "name"),
        (#"{"name":"\u0000","bytes":1048576}"#, 400, "name"),
        (#"{"name":"a","bytes":1048576,"adopt":true}"#, 400, "bytes"),
        (#"{"name":"a","adopt":true}"#, 409, ""), (#"{"name":"a","byts":1}"#, 400, "byts"),
    ]

    private static let sessions: [(body: String, status: Int, field: String)] = [
        (#"{"workspace":"none"}"#, 404, "workspace"), (#"{"workspace":"../x"}"#, 400, "workspace"),
        (#"{"workspace":""}"#, 400, "workspace"), (#"{"workspace_shared":true}"#, 400, "workspace_shared"),
        (#"{"quota":{}}"#, 400, "quota.bytes"), (#"{"quota":{"bytes":0}}"#, 400, "quota.bytes"),
        (#"{"quota":{"bytes":-1}}"#, 400, "quota.bytes"), (#"{"quota":{"bytes":100}}"#, 400, ""),
        (#"{"quota":{"bytes":1048576,"inodes":0}}"#, 400, "quota.inodes"),
        (#"{"quota":{"bytes":18446744073709551615}}"#, 403, ""),
        (#"{"workspace":"a","quota":{"bytes":1048576}}"#, 400, "quota"),
        (#"{"persistent":true}"#, 400, "persistent"),
        (#"{"workspace":"a","persistent":false}"#, 400, "persistent"),
    ]

    @Test(VolumeHost.trait) func `a request that is wrong is refused with its field, and makes nothing`()
        throws
    {
        let daemon = try TestDaemon()
        for (body, status, field) in Self.creations {
            let answer = try daemon.call("POST", "/v1/workspaces", body)
            #expect(answer.status == status && answer.field.contains(field), "\(body): \(answer.message)")
        }
        for (body, status, field) in Self.sessions {
            let answer = try daemon.call("POST", "/v1/sessions", body)
            #expect(answer.status == status && answer.field.contains(field), "\(body): \(answer.message)")
        }
        #expect(try daemon.workspaces().isEmpty)
        let left = try daemon.call("GET", "/v1/sessions")
        #expect(left["sessions"]?.list.isEmpty == true)
    }

    @Test(VolumeHost.trait) func `what is asked of one that is not there, or wrongly, changes nothing`()
        throws
    {
        let daemon = try TestDaemon()
        try daemon.workspace("data", bytes: 1 << 20)
        let cases: [(String, String, String?, Int)] = [
            ("GET", "none", nil, 404), ("DELETE", "none", nil, 404), ("DELETE", "..%2Fx", nil, 400),
            ("POST", "none/resize", #"{"bytes":1}"#, 404), ("POST", "data/resize", "{}", 400),
            ("POST", "data/resize", #"{"bytes":0}"#, 400), ("POST", "data/resize", #"{"bytes":-1}"#, 400),
            ("POST", "data/resize", #"{"bytes":1000}"#, 400), ("POST", "data/restore", "{}", 400),
            ("POST", "data/restore", #"{"snapshot":"none"}"#, 404),
            ("POST", "data/restore", #"{"snapshot":"../x"}"#, 404), ("POST", "data/snapshots", "{}", 400),
            ("POST", "data/snapshots", #"{"name":"a/b"}"#, 400),
            ("POST", "none/snapshots", #"{"name":"a"}"#, 404), ("DELETE", "data/snapshots/none", nil, 404),
            ("POST", "none/fork", #"{"name":"a"}"#, 404), ("POST", "data/fork", #"{"name":"data"}"#, 409),
            ("POST", "data/fork", #"{"name":"b","snapshot":"none"}"#, 404),
            ("POST", "data/fork", #"{"name":"b","bytes":0}"#, 400), ("POST", "data/fork", "{}", 400),
            ("GET", "none/snapshots", nil, 404),
        ]
        for (method, path, body, status) in cases {
            let answer = try daemon.call(method, "/v1/workspaces/\(path)", body)
            #expect(answer.status == status, "\(method) \(path) \(body ?? ""): \(answer.message)")
        }
        #expect(try daemon.workspaces() == ["data": "ready"])
        #expect(try daemon.find("data").number("bytes") == 1 << 20)
        #expect(try daemon.snapshots("data").isEmpty)
    }

    @Test(VolumeHost.trait) func `the operator's ceiling holds for every way to a larger one`() throws {
        let daemon = try TestDaemon(["--set", "limits.volume=8MiB"])
        try daemon.workspace("data", bytes: 8 << 20)
        let large = #"{"name":"b","bytes":8388609}"#
        let ways = [
            ("/v1/workspaces", large), ("/v1/workspaces/data/fork", large),
            ("/v1/workspaces/data/resize", #"{"bytes":8388609}"#),
            ("/v1/sessions", #"{"quota":{"bytes":8388609}}"#),
        ]
        for (path, body) in ways {
            let answer = try daemon.call("POST", path, body)
            #expect(answer.status == 403 && answer.hint.contains("at most"), "\(path): \(answer.message)")
        }
        #expect(try daemon.workspaces() == ["data": "ready"])
        #expect(try daemon.find("data").number("bytes") == 8 << 20)
    }

    @Test(VolumeHost.trait)
    func `where nothing enforces limits, one that is asked for is refused unless it is soft`()
        throws
    {
        let daemon = try TestDaemon(
            ["--set", "volumes.limits=wished"], wrapper: VolumeHost.withoutMaker)
        let info = try daemon.call("GET", "/v1/info")["volumes"]
        #expect(
            info?["driver"]?.text == "directory" && info?["bytes"]?.text?.hasPrefix("not enforced") == true)
        for (path, body) in [
            ("/v1/workspaces", #"{"name":"a","bytes":1048576}"#),
            ("/v1/sessions", #"{"quota":{"bytes":1048576}}"#),
        ] {
            let refused = try daemon.call("POST", path, body)
            #expect(refused.status == 409 && refused.reason == "volume-not-enforced", "\(refused.message)")
            #expect(refused.hint.contains("soft"))
        }
        #expect(try daemon.workspaces().isEmpty)
        try daemon.workspace("a", bytes: 1 << 20, #","soft":true"#)
        let shown = try daemon.find("a")
        #expect(shown.text("bytes_enforced").hasPrefix("not enforced") && shown.text("soft") == "true")
        let id = try daemon.session(#"{"quota":{"bytes":1048576,"soft":true}}"#)
        let session = try daemon.call("GET", "/v1/sessions/\(id)")
        #expect(session["workspace"]?["bytes_enforced"]?.text?.hasPrefix("not enforced") == true)
        #expect(session["limits"]?["workspace_bytes"] == nil)
        // And it is true: more than the wish goes in.
        let fill = "dd if=/dev/zero of=big bs=64k count=64 2>/dev/null; stat -c %s big"
        #expect(try daemon.exec(id, fill).decoded("stdout") == "4194304\n")
        let listed = try daemon.corral("ls", "-o", "wide")
        #expect(listed.output.contains("volume, not enforced"), "\(listed.output)\(listed.errors)")
    }

    @Test(VolumeHost.trait) func `where there can be no volumes that is said, with what is in the way`()
        throws
    {
        let daemon = try TestDaemon(wrapper: VolumeHost.withoutMaker)
        let answer = try daemon.call("POST", "/v1/workspaces", #"{"name":"a","bytes":1048576}"#)
        #expect(answer.status == 409 && answer.reason == "volume-no-driver", "\(answer.message)")
        #expect(answer.message.contains("mkfs.btrfs"))
        let session = try daemon.call("POST", "/v1/sessions", #"{"quota":{"bytes":1048576}}"#)
        #expect(session.status == 409 && session.reason == "volume-no-driver", "\(session.message)")
        let info = try daemon.call("GET", "/v1/info")["volumes"]
        #expect(info?["driver"] == nil && info?["reason"]?.text?.contains("mkfs.btrfs") == true)
        #expect(try daemon.workspaces().isEmpty)
        // A session without one is not troubled.
        #expect(try daemon.exec(daemon.session(), "echo fine").decoded("stdout") == "fine\n")
    }
}
