import Glibc
import TestSupport
import Testing

@Suite(.serialized) struct FullDeviceTests {
    /// A device of the daemon's own, which ends with the processes that see it.
    private static let smallDevice = [
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        #"mkdir "$0" && mount -t tmpfs -o size=2m,mode=0711 tmpfs "$0" && exec "$@""#, "STATE",
    ]

    @Test func `on a full device nothing begins, and what is there can be ended`() throws {
        guard Host.isRoot else { return Host.skip("only root can mount a small device") }
        let daemon = try TestDaemon(wrapper: FullDeviceTests.smallDevice)
        let id = try daemon.session(#"{"name":"before"}"#)
        let pid = try #require(daemon.pid)
        // Until there is no room for one more byte, as long as the daemon gives some back.
        let fill = "/proc/\(pid)/root\(daemon.state)/fill"
        let refused = try eventually(within: 60) {
            _ = try Program.run(["sh", "-c", "cat /dev/zero >> '\(fill)'"])
            return try daemon.call("POST", "/v1/sessions", "{}").status == 507
        }
        #expect(refused)
        #expect(try daemon.call("GET", "/v1/health").text("status") == "degraded")
        #expect(try daemon.exec(id, "true").status == 507)
        #expect(try daemon.call("POST", "/v1/sessions/before/kill", #"{"grace":0}"#).status == 507)
        _ = try Program.run(["rm", fill])
        #expect(
            try eventually {
                try daemon.call("POST", "/v1/sessions/before/kill", #"{"grace":0}"#).status == 200
            })
        #expect(try daemon.call("GET", "/v1/sessions/before").text("cause") == "operator")
        let after = try daemon.session()
        #expect(try daemon.exec(after, "echo again").decoded("stdout") == "again\n")
        #expect(try daemon.call("GET", "/v1/health").text("status") == "ok")
    }
}
