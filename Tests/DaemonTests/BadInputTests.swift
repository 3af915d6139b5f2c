import TestSupport
import Testing

@Suite(.serialized) struct BadInputTests {
    @Test func `a request that is wrong is refused with its field, and changes nothing`() throws {
        let daemon = try TestDaemon()
        let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        let cases: [(body: String, status: Int, field: String)] = [
            ("{", 400, ""), (deep, 400, ""), ("[]", 400, ""),
            (#"{"ttl":"soon"}"#, 400, "ttl"), (#"{"name":"../x"}"#, 400, "name"),
            (#"{"name":"\#(String(repeating: "a", count: 65))"}"#, 400, "name"),
            (#"{"profle":"x"}"#, 400, "profle"), (#"{"profile":"no-such"}"#, 404, "profile"),
            (#"{"profile":"../etc"}"#, 400, "profile"), (#"{"labels":{"-a":"b"}}"#, 400, "labels"),
            (#"{"tenant":"other"}"#, 404, "tenant"), (#"{"limits":{"memory":"64M"}}"#, 400, "limits.memory"),
        ]
        for (body, status, field) in cases {
            let answer = try daemon.call("POST", "/v1/sessions", body)
            #expect(answer.status == status, "\(body)")
            #expect(answer.field.contains(field), "\(body): \(answer.field)")
        }
        let large = #"{"name":""# + String(repeating: "a", count: 3 << 20) + #""}"#
        #expect(try daemon.call("POST", "/v1/sessions", large).status == 413)
        #expect(try daemon.call("GET", "/v1/sessions?all=true")["sessions"]?.list.isEmpty == true)
        #expect(try daemon.call("GET", "/v1/sessions?limit=0").status == 400)
        #expect(try daemon.call("GET", "/v1/sessions/\(String(repeating: "a", count: 65))").status == 404)
        #expect(try daemon.call("GET", "/v1/nothing").status == 404)
        #expect(try daemon.call("GET", "/v1/sessions/..%2Fx").status == 400)
        #expect(try daemon.call("DELETE", "/v1/sessions/..%2F..%2Fx?force=true").status == 400)
        #expect(try daemon.call("DELETE", "/v1/health").status == 405)
    }

    @Test func `a limit above the ceiling is refused with what is allowed`() throws {
        let daemon = try TestDaemon(["--set", "limits.memory=512MiB"])
        let answer = try daemon.call("POST", "/v1/sessions", #"{"limits":{"memory":1099511627776}}"#)
        #expect(answer.status == 403)
        #expect(answer.field == "limits.memory")
        #expect(answer.json?["error"]?["hint"]?.text == "at most 512MiB")
    }

    @Test func `an exec needs a program, and a process of a session that is there`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session()
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/exec", "{}").field == "argv")
        #expect(
            try daemon.call("POST", "/v1/sessions/\(id)/exec", #"{"argv":["a"],"shell":"b"}"#).field
                == "shell")
        #expect(
            try daemon.call("POST", "/v1/sessions/\(id)/exec", #"{"argv":["a"],"cwd":"b"}"#).field == "cwd")
        #expect(try daemon.call("POST", "/v1/sessions/nobody/exec", #"{"argv":["a"]}"#).status == 404)
        #expect(try daemon.call("GET", "/v1/sessions/\(id)/processes/none").status == 404)
        #expect(try daemon.call("POST", "/v1/sessions/\(id)/processes/none/attach").status == 404)
    }

    @Test func `a file where the state directory should be, and a word that nobody knows, stop the start`()
        throws
    {
        let directory = try TemporaryDirectory()
        try directory.write("s", "a file")
        let outcome = try Program.run(
            [Product.path("corrald"), "--state", directory("s")] + TestDaemon.user, timeout: 60)
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("is not a directory"))
        #expect(try Program.run([Product.path("corrald"), "--nothing"], timeout: 60).status == 64)
        let unknown = try Program.run(
            [Product.path("corrald"), "--state", directory("t"), "--set", "nothing=1"], timeout: 60)
        #expect(unknown.status == 64)
    }
}
