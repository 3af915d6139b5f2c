import Testing

@testable import Sandbox

@Suite struct ProfileFileTests {
    @Test func `the default profile decodes to the values in its file`() throws {
        let profile = try Profile.decode(
            repositoryFile("profiles/default.yaml"), file: "profiles/default.yaml")
        #expect(profile.name == "default")
        #expect(profile.image == "host")
        #expect(profile.filesystem.workspace == .writable)
        #expect(
            profile.lifetime
                == Lifetime(timeout: nil, maxTimeout: nil, maxTimeoutOrigin: "profiles/default.yaml:39"))
        #expect(profile.output.limit == nil && profile.locks.isEmpty)
        #expect(
            profile.limits
                == Limits(
                    memory: 256 << 20, swap: 0, pids: 128, milliCPUs: 1000, openFiles: 1024,
                    fileSize: 1 << 30,
                    stack: 8 << 20, workspaceBytes: 64 << 20, workspaceFiles: 16384))
        #expect(profile.landlock == LandlockPolicy(bind: .only([]), connect: .only([])))
        #expect(profile.network == Network(mode: .none, allow: []))
        #expect(profile.relay == RelayPolicy(frameBytes: 4 << 20, connections: 8, messages: MessagePolicy()))
        #expect(profile.environment.map(\.name) == ["PATH", "HOME", "LANG"])
        #expect(profile.environment.first?.value == "/usr/local/bin:/usr/bin:/bin")
        #expect(profile.require.count == 12)
    }

    @Test func `what a profile leaves out has its documented default`() throws {
        let profile = try decode(minimal)
        #expect(
            profile.limits
                == Limits(
                    memory: 64 << 20, swap: 0, pids: 8, milliCPUs: 500, openFiles: 1024, fileSize: 1 << 30,
                    stack: 8 << 20, workspaceBytes: 1 << 20, workspaceFiles: 16384))
        #expect(profile.landlock == LandlockPolicy(bind: .only([]), connect: .only([])))
        #expect(profile.network == Network(mode: .none, allow: []))
        #expect(profile.relay == RelayPolicy(frameBytes: 4 << 20, connections: 8, messages: MessagePolicy()))
        #expect(profile.environment.isEmpty)
        #expect(profile.require == [.seccomp])
    }

    @Test func `what sessions live by is what a profile says, and unsaid where it does not`() throws {
        #expect(try decode(minimal).lifetime.session == Lifetime.Session())
        let said = try decode(minimal + "lifetime: {ttl: 2h, idle: none, lease: exec}\n").lifetime.session
        #expect(said.ttl == .after(7_200_000) && said.idle == .never && said.max == .unsaid)
        #expect(said.lease == .exec)
        #expect(said.ttl.over(5) == 7_200_000 && said.idle.over(5) == nil && said.max.over(5) == 5)
    }

    @Test(arguments: [
        ("any", Ports.any), ("none", .only([])), ("[]", .only([])), ("[80, 443]", .only([80, 443])),
    ])
    func `ports are none, any or a list`(text: String, expected: Ports) throws {
        let profile = try decode(minimal + "landlock: {tcp: {bind: \(text)}}\n")
        #expect(profile.landlock == LandlockPolicy(bind: expected, connect: .only([])))
    }

    @Test func `variables keep the order of the file and the text as it is written`() throws {
        let profile = try decode(minimal + "environment: {Z: no, A: 3.10, B: \"\", C: \"x\\ty\"}\n")
        let expected = [("Z", "no"), ("A", "3.10"), ("B", ""), ("C", "x\ty")]
        #expect(profile.environment == expected.map { EnvironmentVariable(name: $0, value: $1) })
    }

    /// A line of the minimal profile is replaced (or one is added), and the message is exact.
    @Test(arguments: [
        (
            "  memory: 64MiB", "  memory: 64MB",
            "5:11: limits.memory: \"64MB\" is not a size; expected a whole number of bytes or one with KiB, "
                + "MiB, GiB or TiB, such as 64MiB"
        ),
        ("  pids: 8", "  pids: -8", "6:9: limits.pids: \"-8\" must not be negative; expected 1 to 4194304"),
        (
            "  memory: 64MiB", "  memory: -64MiB",
            "5:11: limits.memory: \"-64MiB\" must not be negative; expected 8MiB to 1024TiB"
        ),
        (
            "  memory: 64MiB", "  memory: 4MiB",
            "5:11: limits.memory: \"4MiB\" is too small; expected 8MiB to 1024TiB"
        ),
        (
            "  pids: 8", "  pids: many",
            "6:9: limits.pids: \"many\" is not a whole number; expected decimal digits without a leading zero"
        ),
        (
            "  pids: 8", "  pids: \"8\"",
            "6:9: limits.pids: is a text in quotation marks or a block; expected a whole number without "
                + "quotation marks"
        ),
        (
            "  pids: 8", "  pids: [8]",
            "6:9: limits.pids: is a list; expected a whole number without quotation marks"
        ),
        (
            "  pids: 8", "  pids: {}",
            "6:9: limits.pids: is a mapping; expected a whole number without quotation marks"
        ),
        (
            "  pids: 8", "  pids:",
            "6:8: limits.pids: has no value; expected a whole number without quotation marks"
        ),
        ("  pids: 8", "  pid: 8", "6:3: limits.pid: is not a key here; did you mean pids?"),
        (
            "  cpus: 0.5", "  cpus: 0.0005",
            "7:9: limits.cpus: \"0.0005\" is not a number of cpus; expected a number with at most three "
                + "decimals, such as 2 or 0.5"
        ),
        (
            "require: [seccomp]", "require: []\nlifetime: {timeout: 30}",
            "10:21: lifetime.timeout: \"30\" is not a duration; expected a whole number with ms, s, m or h, such "
                + "as 30s, or none"
        ),
        ("  pids: 8", "", "1:1: limits.pids: is missing; it has no default"),
        ("image: host", "", "1:1: image: is missing; it has no default"),
        (
            "image: host", "image: ../host",
            "2:8: image: \"../host\" is not a name; expected 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit"
        ),
        (
            "image: host", "image: ~",
            "2:8: image: has no value; expected text, in quotation marks if it is meant to be \"~\""
        ),
        (
            "image: host", "image: host\nxyzzy: 1",
            "3:1: xyzzy: is not a key here; expected one of description, extends, image, filesystem, syscalls, "
                + "landlock, network, limits, lifetime, output, relay, environment, require, locked"
        ),
        ("  pids: 8", "  pids: 8\n  memory: 1GiB", "7:3: limits.memory: is given twice; first in line 5"),
        (
            "require: [seccomp]", "require: [seccomp, secomp]",
            "9:20: require[1]: \"secomp\" is not a layer; did you mean seccomp?"
        ),
        (
            "require: [seccomp]", "require: [seccomp, seccomp]",
            "9:20: require[1]: \"seccomp\" is listed twice"
        ),
        ("require: [seccomp]", "require: seccomp", "9:10: require: is a plain value; expected a list"),
        (
            "require: [seccomp]", "require: []\nlandlock: {tcp: {bind: some}}",
            "10:24: landlock.tcp.bind: \"some\" is not a set of ports; expected none, any or a list of ports "
                + "such as [80, 443]"
        ),
        (
            "require: [seccomp]", "require: []\nlandlock: {tcp: {connect: [0]}}",
            "10:28: landlock.tcp.connect[0]: \"0\" is too small; expected 1 to 65535"
        ),
        (
            "require: [seccomp]", "require: []\nlandlock: {tcp: {bind: [80, 80]}}",
            "10:29: landlock.tcp.bind[1]: port 80 is listed twice"
        ),
        (
            "require: [seccomp]", "require: []\nenvironment: {A=B: c}",
            "10:15: environment.\"A=B\": \"A=B\" is not a name of a variable; expected letters, digits and _, "
                + "no digit first"
        ),
        (
            "require: [seccomp]", "require: []\nenvironment: {A: \"\\0\"}",
            "10:18: environment.A: holds a NUL byte, which no variable can"
        ),
        (
            "description: x", "description: \"a\\e[31m\"",
            "1:14: description: \"a\\u{1b}[31m\" holds a control character; expected one line of text"
        ),
    ])
    func `an error names the place, the key and what was expected`(
        line: String, replacement: String, message: String
    ) throws {
        var lines = minimal.split(separator: "\n").map(String.init)
        let index = try #require(lines.firstIndex(of: line))
        if replacement.isEmpty { lines.remove(at: index) } else { lines[index] = replacement }
        let error = #expect(throws: ConfigError.self) {
            try decode(lines.joined(separator: "\n") + "\n")
        }
        #expect(error?.description == "profiles/x.yaml:" + message)
    }

    @Test func `a file whose name is no name of a profile is refused`() {
        let error = #expect(throws: ConfigError.self) {
            try Profile.decode(Array(minimal.utf8), file: "some dir/My Profile.yaml")
        }
        #expect(
            error?.description
                == "some dir/My Profile.yaml:1:1: the file is its name: \"My Profile\" is not a name; "
                + "expected 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit")
    }

    @Test func `a value of a variable ends at 32 KiB`() throws {
        let fits = String(repeating: "v", count: 32 << 10)
        #expect(try decode(minimal + "environment: {A: \(fits)}\n").environment.first?.value == fits)
        let error = #expect(throws: ConfigError.self) { try decode(minimal + "environment: {A: \(fits)v}\n") }
        #expect(error?.problem == "is 32769 bytes long; expected at most 32768")
    }

    private let minimal = """
        description: x
        image: host
        syscalls: {policy: [base]}
        limits:
          memory: 64MiB
          pids: 8
          cpus: 0.5
          workspace: 1MiB
        require: [seccomp]

        """

    private func decode(_ text: String) throws(ConfigError) -> Profile {
        try Profile.decode(Array(text.utf8), file: "profiles/x.yaml")
    }
}
