// Much to hand over: arguments and environment up to what execve(2) takes, and more.

import TestSupport
import Testing

@Suite struct ArgumentSizeTests {
    /// 200 words of 1,000 bytes, all different.
    private static let words = (0..<200).map { number in
        "\(1000 + number)" + String(repeating: "abcd", count: 249)
    }

    private static let sum = """
        import hashlib, os, sys
        values = sys.argv[1:] + [os.environ.get(f"V{n}", "") for n in range(100)]
        print(len(sys.argv), hashlib.sha256("\\n".join(values).encode()).hexdigest())
        """

    @Test func `200 KB of arguments and 100 KB of environment arrive as they were`() throws {
        let variables = Self.words.prefix(100).enumerated().flatMap { ["-e", "V\($0)=\($1)"] }
        let inside = try Corral.run(variables + ["--", Corral.python, "-c", Self.sum] + Self.words)
        #expect(inside.status == 0, "\(inside.errors)")
        var environment = Program.environment
        for (number, word) in Self.words.prefix(100).enumerated() { environment["V\(number)"] = word }
        let outside = try Program.run([Corral.python, "-c", Self.sum] + Self.words, environment: environment)
        #expect(inside.output == outside.output)
        #expect(inside.output.hasPrefix("201 "))
    }

    @Test func `more than the stack has room for is an error of the command`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(
            "p.yaml",
            """
            description: Of a test
            image: host
            syscalls: {policy: [base]}
            limits: { memory: 64MiB, pids: 32, cpus: 1, workspace: 16MiB, stack: 512KiB }
            require: []

            """)
        let refusal = Refusal(
            "", ["--profile", path, "--", "/bin/echo"] + Self.words, code: 126, says: "/bin/echo", "E2BIG")
        try refusal.check()
        #expect(try Corral.run(["--profile", path, "--", "/bin/echo", "short"]).output == "short\n")
    }

    @Test func `one argument of 131,071 bytes arrives`() throws {
        // MAX_ARG_STRLEN of linux/binfmts.h with its final zero byte; one more and no kernel starts corral.
        let word = String(repeating: "x", count: 131_071)
        let outcome = try Corral.run(["--", "/bin/echo", word])
        #expect(outcome.status == 0)
        #expect(outcome.stdout.count == 131_072)
    }
}
