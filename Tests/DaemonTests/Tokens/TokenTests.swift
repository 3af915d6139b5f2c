import API
import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// Tokens from their making to their end, over TCP, with real clients.
@Suite(.serialized) struct TokenTests {
    /// Upgrades a connection, says so, and says when it ends.
    private static let attach = """
        import sys, socket
        host, port = sys.argv[1].split(":")
        s = socket.create_connection((host, int(port)), 60)
        s.sendall(("POST %s HTTP/1.1\\r\\nHost: %s\\r\\nAuthorization: Bearer %s\\r\\nConnection: Upgrade\\r\\n"
            "Upgrade: corral-attach/1\\r\\n\\r\\n" % (sys.argv[3], sys.argv[1], sys.argv[2])).encode())
        s.settimeout(120)
        print(s.recv(4096)[:32], flush=True)
        try:
            while s.recv(4096): pass
        except ConnectionError: pass
        print("the end", flush=True)
        """

    @Test func `a token is shown once, and neither it nor its secret is kept or logged`() throws {
        let network = try NetworkDaemon()
        let token = try network.token("client", "default", #","name":"ci""#)
        #expect(token.hasPrefix("corral_") && token.utf8.count == 89)
        let secret = String(token.suffix(64))
        let list = try network.daemon.call("GET", "/v1/tokens")
        let entry = try #require(list["tokens"]?.list.first)
        #expect(entry["name"]?.text == "ci" && entry["role"]?.text == "client")
        #expect(entry["expires"]?.text != nil && entry["revoked"] == nil)
        #expect(token.contains("_\(entry["id"]?.text ?? "?")_"))
        #expect(try network.call(token, "GET", "/v1/sessions").status == 200)
        let made = try network.call(token, "POST", "/v1/sessions", "{}")
        #expect(made.status == 201, "\(made.text)")
        // Killed, with all that it had in memory on the device; and told.
        try network.daemon.kill()
        for name in File.names(in: "\(network.daemon.state)/daemon") {
            let bytes = try File.read("\(network.daemon.state)/daemon/\(name)")
            #expect(!String(decoding: bytes, as: UTF8.self).contains(secret), "\(name)")
        }
        #expect(!network.daemon.program.errorsSoFar.contains(secret))
        let audit = try network.rows(
            "SELECT what, token, coalesce(uid, 'none'), tenant FROM audit ORDER BY seq")
        #expect(audit.contains("session.create|\(entry["id"]?.text ?? "?")|none|default"), "\(audit)")
        // The next daemon knows it.
        try network.daemon.startAgain()
        let host = try network.addressNow()
        let again = try Program.run(
            network.words(token, "GET", "/v1/sessions", nil, ["-w", "%{http_code}"], host: host))
        #expect(again.output.hasSuffix("200"), "\(again.output)")
    }

    @Test func `nothing at the TCP socket goes without a right token`() throws {
        let network = try NetworkDaemon()
        let token = try network.token("admin")
        for path in ["/v1/health", "/v1/info", "/v1/sessions", "/", "/no-such", "/v1/events"] {
            let answer = try network.call(nil, "GET", path)
            #expect(answer.status == 401 && answer.reason == "token-missing", "\(path): \(answer.text)")
            #expect(answer.headers.lowercased().contains("www-authenticate: bearer"))
        }
        #expect(try network.call(nil, "OPTIONS", "/", nil, ["--request-target", "*"]).status == 400)
        let attach = ["-H", "Connection: Upgrade", "-H", "Upgrade: corral-attach/1"]
        let path = "/v1/sessions/x/exec/attach"
        #expect(try network.call(nil, "POST", path, #"{"argv":["x"]}"#, attach).status == 401)
        #expect(try network.call(token, "POST", path, #"{"argv":["x"]}"#, attach).status == 404)
        #expect(try network.call(token, "GET", "/v1/health").status == 200)
        // Every place at which it can be cut.
        let other = String(repeating: "0", count: 64)
        var wrong = [7, 8, 15, 16, 24, 25, 88].map { (String(token.prefix($0)), "token-malformed") }
        wrong += [
            (token + "0", "token-malformed"), (token.uppercased(), "token-malformed"),
            ("x", "token-malformed"),
            (String(token.prefix(25)) + other, "token-unknown"),
            ("corral_0123abcd" + token.dropFirst(15), "token-of-another-instance"),
        ]
        for (text, reason) in wrong {
            let answer = try network.call(text, "GET", "/v1/sessions")
            #expect(answer.status == 401 && answer.reason == reason, "\(text.count): \(answer.text)")
            #expect(!answer.text.contains(token.suffix(20)))
        }
        let basic = try network.call(nil, "GET", "/v1/sessions", nil, ["-H", "Authorization: Basic eDp5"])
        #expect(basic.status == 401)
        let twice = try network.call(
            token, "GET", "/v1/sessions", nil, ["-H", "Authorization: Bearer \(token)"])
        #expect(twice.status == 400, "\(twice.text)")
        // And in any case of letters of the scheme.
        let lower = ["-H", "authorization: bearer \(token)"]
        #expect(try network.call(nil, "GET", "/v1/sessions", nil, lower).status == 200)
    }

    @Test func `a token in the query is refused, a right one as well`() throws {
        let network = try NetworkDaemon()
        let token = try network.token("admin")
        for query in ["token=x", "access_token=\(token)", "label=\(token)", "TOKEN=\(token)"] {
            for given in [token, nil] {
                let answer = try network.call(given, "GET", "/v1/sessions?\(query)")
                #expect(answer.status == 400 && answer.reason == "token-in-query", "\(query): \(answer.text)")
                #expect(answer.text.contains("Authorization: Bearer") && !answer.text.contains(token))
            }
        }
        #expect(!network.daemon.program.errorsSoFar.contains(token))
    }

    @Test func `a request for another host or from another page is refused before its token`() throws {
        let network = try NetworkDaemon()
        let token = try network.token("admin")
        let port = network.host.split(separator: ":").last.map(String.init) ?? ""
        for host in [
            "evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "127.0.0.2:\(port)", "", "[::1]:\(port)",
        ] {
            let answer = try network.call(
                token, "GET", "/v1/sessions", nil, ["-H", host.isEmpty ? "Host;" : "Host: \(host)"])
            #expect(answer.status == 403 && answer.reason == "foreign-host", "\(host): \(answer.text)")
        }
        let local = ["-H", "Host: localhost:\(port)"]
        #expect(try network.call(token, "GET", "/v1/sessions", nil, local).status == 200)
        for origin in ["http://evil.example", "null", "https://\(network.host)", "http://127.0.0.1"] {
            let answer = try network.call(token, "GET", "/v1/sessions", nil, ["-H", "Origin: \(origin)"])
            #expect(answer.status == 403 && answer.reason == "foreign-origin", "\(origin): \(answer.text)")
        }
        let own = ["-H", "Origin: http://\(network.host)"]
        #expect(try network.call(token, "GET", "/v1/sessions", nil, own).status == 200)
        // What a browser asks first.
        let preflight = try network.call(
            nil, "OPTIONS", "/v1/sessions", nil, ["-H", "Origin: http://evil.example"])
        #expect(preflight.status == 403 && !preflight.headers.lowercased().contains("access-control"))
    }

    @Test func `a revoked token is refused at once, and what it follows ends within a second`() throws {
        let network = try NetworkDaemon()
        let token = try network.token("client", "default", #","name":"ci""#)
        let other = try network.token("client", "default", #","name":"other""#)
        let id = try network.daemon.session()
        let started = try network.call(
            token, "POST", "/v1/sessions/\(id)/processes",
            #"{"argv":["/bin/sh","-c","echo begun; sleep 600"]}"#)
        let process = started.json?["id"]?.text ?? ""
        #expect(started.status == 201, "\(started.text)")
        // A stream, a wait, and an upgraded connection; and the same of another token, which stay.
        let follow = "/v1/sessions/\(id)/processes/\(process)/logs?follow"
        func begin(_ token: String) throws -> [RunningProgram] {
            let attach = "/v1/sessions/\(id)/processes/\(process)/attach?stdout=0"
            return try [
                Program(network.words(token, "GET", "/v1/events", nil, ["-N"])).start(),
                Program(network.words(token, "GET", follow, nil, ["-N"])).start(),
                Program(network.words(token, "GET", "/v1/sessions/\(id)/wait")).start(),
                Program(["python3", "-c", Self.attach, network.host, token, attach]).start(),
            ]
        }
        let ending = try begin(token)
        let staying = try begin(other)
        for programs in [ending, staying] {
            #expect(try programs[1].waitForText("begun"))
            #expect(try programs[3].waitForText("101 Switching"))
        }
        #expect(try network.daemon.call("DELETE", "/v1/tokens/ci").status == 204)
        let revoked = Host.now
        let refused = try network.call(token, "GET", "/v1/sessions")
        #expect(refused.status == 401 && refused.reason == "token-revoked", "\(refused.text)")
        for program in ending { _ = try program.wait(timeout: 60) }
        print("streams of a revoked token ended after \(Host.now - revoked) s, with the ends of four curls")
        #expect(try network.call(other, "GET", "/v1/sessions").status == 200)
        // The control: those of the other token go on, until their process ends.
        #expect(try !staying[3].waitForText("the end", within: 1))
        #expect(try network.call(other, "GET", "/v1/sessions/\(id)").json?["state"]?.text == "running")
        let stopped = try network.daemon.call("POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#)
        #expect(stopped.status == 200)
        #expect(try staying[2].wait(timeout: 60).output.contains(id))
        #expect(try staying[0].waitForText("session.ended", within: 60))
        for program in staying { _ = try? program.signal(SIGKILL) }
        for program in staying { _ = try program.wait(timeout: 60) }
        // Its name is free again.
        #expect(try network.token("viewer", "default", #","name":"ci""#) != token)
        #expect(try network.daemon.call("DELETE", "/v1/tokens/none").status == 404)
        let told = try network.daemon.call("DELETE", "/v1/tokens/\(other)")
        #expect(told.status == 404 && !String(decoding: told.bytes, as: UTF8.self).contains(other.suffix(20)))
        #expect(try network.rows("SELECT 1 FROM audit WHERE object LIKE '%\(other.suffix(20))%'").isEmpty)
    }

    @Test func `a token that expires is refused from then on, and what it follows ends`() throws {
        let network = try NetworkDaemon()
        let token = try network.token("client", "default", #","lifetime":20000"#)
        let events = try Program(network.words(token, "GET", "/v1/events", nil, ["-N", "-i"])).start()
        #expect(try events.waitForText("200 OK"))
        #expect(try network.call(token, "GET", "/v1/sessions").status == 200)
        _ = try events.wait(timeout: 120)
        let refused = try network.call(token, "GET", "/v1/sessions")
        #expect(refused.status == 401 && refused.reason == "token-expired", "\(refused.text)")
    }

    @Test func `tokens go with their tenant`() throws {
        let network = try NetworkDaemon()
        try network.tenant("red")
        let token = try network.token("client", "red")
        #expect(try network.call(token, "GET", "/v1/sessions").status == 200)
        #expect(try network.daemon.call("DELETE", "/v1/tenants/red").status == 204)
        try network.tenant("red")
        let refused = try network.call(token, "GET", "/v1/sessions")
        #expect(refused.status == 401 && refused.reason == "token-unknown", "\(refused.text)")
        #expect(try network.rows("SELECT count(*) FROM tokens") == ["0"])
    }

    @Test func `at the unix socket a token counts instead of the user, and a wrong one is not passed over`()
        throws
    {
        let network = try NetworkDaemon()
        let viewer = try network.token("viewer")
        func ask(_ token: String, _ method: String, _ path: String, _ body: String? = nil) throws -> String {
            let field = ["-H", "Authorization: Bearer \(token)", "-w", "\n%{http_code}"]
            return try Program.run(network.daemon.curl(method, path, body, field)).output
        }
        #expect(try ask(viewer, "GET", "/v1/sessions").hasSuffix("200"))
        #expect(try ask(viewer, "POST", "/v1/sessions", "{}").hasSuffix("403"))
        #expect(try ask("corral_x", "GET", "/v1/sessions").hasSuffix("401"))
        #expect(try network.daemon.call("GET", "/v1/sessions").status == 200)
    }
}
