import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// What people do to a TCP socket that have no token for it.
@Suite(.serialized) struct TokenAttackTests {
    /// Asks 10,000 times with wrong tokens from one address, and in between with a right one from the same.
    private static let flood = """
        import sys, socket, threading, time
        host, port = sys.argv[1].split(":")
        right = sys.argv[2]
        counts = {}
        lock = threading.Lock()
        def ask(token):
            with socket.create_connection((host, int(port)), 120) as s:
                s.sendall(("GET /v1/health HTTP/1.1\\r\\nHost: %s:%s\\r\\nAuthorization: Bearer %s\\r\\n"
                    "Connection: close\\r\\n\\r\\n" % (host, port, token)).encode())
                data = b""
                while True:
                    part = s.recv(65536)
                    if not part: break
                    data += part
            return int(data.split(b" ", 2)[1])
        def worker(number):
            for index in range(1250):
                wrong = right[:25] + "%064x" % (number * 10000 + index)
                status = ask(wrong)
                with lock: counts[status] = counts.get(status, 0) + 1
        threads = [threading.Thread(target=worker, args=(n,)) for n in range(8)]
        begin = time.time()
        for t in threads: t.start()
        served, slowest = 0, 0
        while any(t.is_alive() for t in threads):
            one = time.time()
            if ask(right) != 200: print("a right token was refused"); sys.exit(1)
            slowest = max(slowest, time.time() - one)
            served += 1
        for t in threads: t.join()
        print("refused", sorted(counts.items()), "served", served, "slowest %.3f" % slowest,
            "seconds %.2f" % (time.time() - begin))
        """

    @Test func `ten thousand wrong tokens are counted, cost little and keep nobody out`() throws {
        let network = try NetworkDaemon()
        let token = try network.token("viewer")
        let before = try network.rows("SELECT count(*) FROM audit")
        let begin = Host.now
        let outcome = try Program.run(["python3", "-c", Self.flood, network.host, token], timeout: 600)
        let seconds = UInt64(Host.now - begin) + 2
        try #require(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
        print("10,000 wrong tokens: \(outcome.output)")
        #expect(outcome.output.contains("(429, "))
        // Not one went through, and none without an answer.
        let answered = outcome.output.matches(of: /\((401|429), ([0-9]+)\)/).compactMap { Int($0.2) }
        #expect(answered.reduce(0, +) == 10_000, "\(outcome.output)")
        #expect(try network.call(nil, "GET", "/v1/health").status == 401)
        // As many records as the rate allows, and no more.
        let rows = try network.rows("SELECT count(*) FROM audit WHERE what = 'token.use'")
        let recorded = UInt64(rows.first ?? "") ?? 0
        #expect(
            (20...20 + seconds).contains(recorded), "\(recorded) records in \(seconds) s, \(before) before")
        let log = network.daemon.program.errorsSoFar
        #expect(UInt64(log.split(separator: "is refused").count) <= 22 + seconds)
        // The next one that is recorded says how many there were.
        #expect(
            try eventually {
                try network.call("x", "GET", "/v1/health").status == 401
                    && network.rows("SELECT object FROM audit WHERE what = 'token.use'").contains {
                        $0.contains(" more before")
                    }
            })
        let info = try network.daemon.call("GET", "/v1/info")
        #expect((UInt64(info.text("tokens_refused")) ?? 0) >= 10_000)
    }

    @Test func `a head of a mebibyte is refused, and others are served`() throws {
        let network = try NetworkDaemon()
        let token = try network.token("viewer")
        let script = """
            import sys, socket
            host, port = sys.argv[1].split(":")
            s = socket.create_connection((host, int(port)), 60)
            s.settimeout(60)
            data = b""
            try:
                s.sendall(b"GET /v1/health HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer " + b"a" * (1 << 20) + b"\\r\\n\\r\\n")
            except OSError: pass
            try:
                while True:
                    part = s.recv(65536)
                    if not part: break
                    data += part
            except OSError: pass
            print(data[:12].decode())
            """
        for _ in 0..<20 {
            let outcome = try Program.run(["python3", "-c", script, network.host], timeout: 120)
            // Refused with 431, or cut off with what was sent unread, which takes the answer with it (tcp(7)).
            let answer = outcome.output.split(separator: "\n").first.map(String.init) ?? ""
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 431"), "\(outcome.output)\(outcome.errors)")
        }
        #expect(try network.call(token, "GET", "/v1/health").status == 200)
    }

    @Test func `an address that others reach is refused at the start unless that is meant`() throws {
        let directory = try TemporaryDirectory()
        func outcome(_ more: [String]) throws -> Program.Outcome {
            try Program.run(
                [Product.path("corrald"), "--state", directory("s"), "--set", "runtime=\(directory("run"))"]
                    + TestDaemon.user + more, timeout: 60)
        }
        for address in ["0.0.0.0:0", "10.1.2.3:7070", "[::]:0", "[::ffff:127.0.0.1]:7070"] {
            let refused = try outcome(["--set", "listen.tcp=\(address)"])
            #expect(refused.status == 1, "\(address): \(refused.errors)")
            #expect(refused.errors.contains("listen.tcp: other machines reach"), "\(refused.errors)")
            #expect(refused.errors.contains("listen.unencrypted: anywhere"))
        }
        for text in ["localhost:7070", "127.0.0.1", "7070", "127.0.0.1:70707"] {
            let refused = try outcome(["--set", "listen.tcp=\(text)"])
            #expect(
                refused.status == 64 && refused.errors.contains("is not an address and a port"),
                "\(refused.errors)")
        }
        // Somebody listens there already.
        let network = try NetworkDaemon()
        let taken = try outcome(["--set", "listen.tcp=\(network.host)"])
        #expect(
            taken.status == 1 && taken.errors.contains("nothing can listen at \(network.host)"),
            "\(taken.errors)")
        // The control: with the word for it, it listens, and says what that means.
        let open = try TestDaemon(
            ["--set", "listen.tcp=0.0.0.0:0", "--set", "listen.unencrypted=anywhere"])
        #expect(try open.program.waitForText("is not encrypted", within: 120))
        let log = open.program.errorsSoFar
        let port = log.firstRange(of: "listening at 0.0.0.0:").map {
            String(log[$0.upperBound...].prefix { $0.isNumber })
        }
        let asked = try Program.run([
            "curl", "-sS", "-w", "%{http_code}", "http://127.0.0.1:\(port ?? "0")/v1/health",
        ])
        #expect(asked.output.hasSuffix("401"), "\(asked.output)\(asked.errors)")
    }

    @Test func `the command line asks over TCP with a token that is in no command line`() throws {
        let network = try NetworkDaemon()
        let file = network.daemon.directory("token")
        let socket = ["--state", network.daemon.state, "--set", "runtime=\(network.daemon.directory("run"))"]
        func corral(_ words: [String], _ more: [String: String] = [:]) throws -> Program.Outcome {
            try Program.run(
                [Product.path("corral")] + words,
                environment: Program.environment.merging(more) { $1 }, timeout: 120)
        }
        let made = try corral(
            ["token", "create", "--role", "client", "--name", "ci", "--expires", "2d"] + socket)
        #expect(made.status == 0, "\(made.errors)")
        try File.write(Array(made.output.utf8), to: file)
        let token = String(made.output.dropLast())
        let host = "tcp://\(network.host)"
        let place = ["--host", host, "--token-file", file]
        let created = try corral(["session", "create", "--name", "web"] + place)
        #expect(created.status == 0, "\(created.errors)")
        let ran = try corral(["session", "exec"] + place + ["web", "--", "echo", "over TCP"])
        #expect(ran.output == "over TCP\n" && ran.status == 0, "\(ran.errors)")
        let listed = try corral(["session", "list"], ["CORRAL_HOST": host, "CORRAL_TOKEN": token])
        #expect(listed.output.contains("web"), "\(listed.errors)")
        let tokens = try corral(["token", "ls"] + socket)
        #expect(tokens.output.contains("ci") && !tokens.output.contains(token.suffix(20)), "\(tokens.output)")
        for (words, variables, problem) in [
            (["session", "list", "--host", host], [:], "asks for a token"),
            (
                ["session", "list"], ["CORRAL_HOST": host, "CORRAL_TOKEN": "secret"],
                "CORRAL_TOKEN holds no token"
            ),
            (
                ["session", "list", "--host", "tcp://localhost:1"], ["CORRAL_TOKEN": token],
                "is no place of a daemon"
            ),
            (["session", "list", "--host", host, "--token-file", "/nowhere"], [:], "cannot be read"),
            (["token", "create", "--role", "root"] + socket, [:], "expected viewer or client"),
            (["token", "create"] + socket, [:], "--role is missing"),
            (["token", "create", "--role", "client", "--expires", "0d"] + socket, [:], "--expires"),
            (["token", "revoke", token] + socket, [:], "a token itself was given"),
        ] as [([String], [String: String], String)] {
            let refused = try corral(words, variables)
            #expect(
                [1, 2].contains(refused.status) && refused.errors.contains(problem),
                "\(words): \(refused.errors)")
            #expect(!refused.errors.contains("secret") && !refused.errors.contains(token.suffix(20)))
        }
        let over = try corral(["token", "create", "--role", "admin"] + place)
        #expect(over.status == 1 && over.errors.contains("may not"), "\(over.errors)")
        #expect(try corral(["token", "revoke", "ci"] + socket).status == 0)
        let gone = try corral(["session", "list"] + place)
        #expect(gone.status == 1 && gone.errors.contains("revoked"), "\(gone.errors)")
    }
}
