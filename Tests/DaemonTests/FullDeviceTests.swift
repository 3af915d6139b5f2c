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

    @Test func `what cannot be put on record is not done, files and signals included`() throws {
        guard Host.isRoot else { return Host.skip("only root can mount a small device") }
        let daemon = try TestDaemon(wrapper: FullDeviceTests.smallDevice)
        let id = try daemon.session()
        let script = "trap 'echo hit' USR1; echo up; while :; do sleep 0.1; done"
        let started = try daemon.call(
            "POST", "/v1/sessions/\(id)/processes", #"{"name":"trap","shell":"\#(script)"}"#)
        #expect(started.status == 201)
        let logs = "/v1/sessions/\(id)/processes/trap/logs"
        func wrote() throws -> String { String(decoding: try daemon.call("GET", logs).bytes, as: UTF8.self) }
        #expect(try eventually { try wrote() == "up\n" })
        let signal = "/v1/sessions/\(id)/processes/trap/signal"
        let directory = "/v1/sessions/\(id)/files/mkdir"
        let pid = try #require(daemon.pid)
        let fill = "/proc/\(pid)/root\(daemon.state)/fill"
        let refused = try eventually(within: 60) {
            _ = try Program.run(["sh", "-c", "cat /dev/zero >> '\(fill)'"])
            return try daemon.call("POST", "/v1/sessions", "{}").status == 507
        }
        #expect(refused)
        #expect(try daemon.call("POST", signal, #"{"signal":"USR1"}"#).status == 507)
        let made = try daemon.call("POST", directory, #"{"path":"made"}"#)
        #expect(made.status == 507, "\(String(decoding: made.bytes, as: UTF8.self))")
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/renew", "{}").status == 507)
        _ = try Program.run(["rm", fill])
        // The control: the same goes through once there is room, and was not done before.
        #expect(try eventually { try daemon.call("POST", directory, #"{"path":"made"}"#).status == 201 })
        #expect(try wrote() == "up\n")
        #expect(try eventually { try daemon.call("POST", signal, #"{"signal":"USR1"}"#).status == 204 })
        #expect(try eventually { try wrote() == "up\nhit\n" })
    }
}
