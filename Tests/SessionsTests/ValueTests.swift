import Sandbox
import Testing

@testable import Sessions

@Suite struct ValueTests {
    // MARK: Ids

    @Test func `an id is written as it is read, with its zeros`() throws {
        for value in [0, 1, 0xABCDEF, .max] as [UInt64] {
            let id = SessionID(value: value)
            #expect(id.description.utf8.count == 16)
            #expect(try SessionID(id.description) == id)
        }
        #expect(SessionID(value: 0x1F).description == "000000000000001f")
        #expect(Set((0..<100).map { _ in SessionID.random() }).count == 100)
    }

    @Test(
        arguments: [
            "", "1f", "000000000000001F", "000000000000001g", " 00000000000001f", "0000000000000001f",
            "+00000000000001f", "００００００００００００００1f",
        ])
    func `what is not an id is refused`(text: String) {
        let error = #expect(throws: ValueError.self) { try SessionID(text) }
        #expect(error?.problem.hasSuffix(" is not an id; expected 16 of 0-9 and a-f") == true)
    }

    @Test func `a prefix begins the ids that are written so`() {
        let id = SessionID(value: 0x0123_4567_89AB_CDEF)
        let text = id.description
        for length in 1...16 { #expect(IDPrefix(String(text.prefix(length)))?.begins(id) == true) }
        for other in ["1", "00", "012346", "0123456789abcdee"] {
            #expect(IDPrefix(other)?.begins(id) == false, "\(other)")
        }
        for none in ["", "x", "0X", "A", "0123456789abcdef0"] { #expect(IDPrefix(none) == nil, "\(none)") }
    }

    // MARK: Names

    @Test(arguments: ["a", "0", "web-1", "a.b_c-d", String(repeating: "a", count: 63)])
    func `a name is taken as it is`(text: String) throws {
        #expect(try Name(text).description == text)
    }

    @Test(
        arguments: [
            ("", "is empty; "),
            (String(repeating: "a", count: 64), "is 64 bytes long; "),
            ("../x", #""../x" is not a name: character 3 is "/"; "#),
            ("..", #"".." is not a name: character 1 is "."; "#),
            ("-rf", #""-rf" is not a name: character 1 is "-"; "#),
            ("web server", #"character 4 is " "; "#), ("Web", #"character 1 is "W"; "#),
            ("名前", #"character 1 is "名"; "#), ("a\u{0}b", #"character 2 is "\u{0}"; "#),
            ("a\u{301}b", #"character 2 is "#),
        ])
    func `a name that is none is refused with the place and the rule`(text: String, problem: String) {
        let error = #expect(throws: ValueError.self) { try Name(text) }
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
        let rule = "expected 1 to 63 of a-z, 0-9, ., _ and -, the first a letter or digit"
        #expect(error?.problem.hasSuffix(rule) == true)
    }

    @Test func `an idempotency key is printable ASCII`() throws {
        #expect(try IdempotencyKey("Order 12/a!~").description == "Order 12/a!~")
        for text in ["", "a\n", "ü", String(repeating: "k", count: 129)] {
            let error = #expect(throws: ValueError.self) { try IdempotencyKey(text) }
            #expect(error?.problem.hasSuffix("; expected 1 to 128 printable ASCII characters") == true)
        }
    }

    // MARK: Labels

    @Test(
        arguments: [
            ("team=red", "team", "red"), ("a/B.c_d-1=", "a/B.c_d-1", ""), ("k=v=w", "k", "v=w"),
            ("k=日本 語", "k", "日本 語"),
        ])
    func `a label is a key and a value`(text: String, key: String, value: String) throws {
        let label = try Label(text)
        #expect((label.key, label.value) == (key, value))
        #expect(label.description == text)
    }

    @Test(
        arguments: [
            ("team", "has no =; expected key=value"), ("=v", "is empty; expected 1 to 63 of A-Z, a-z"),
            ("/k=v", #"character 1 is "/""#), ("a b=v", #"character 2 is " ""#),
            ("k[=v", #"character 2 is "[""#),
            (String(repeating: "k", count: 64) + "=v", "is 64 bytes long"),
            ("k=a\nb", #"character 2 is "\u{a}"; expected no control characters"#),
            ("k=" + String(repeating: "v", count: 256), "the value of a label is 256 bytes long"),
        ])
    func `a label that is none is refused with the reason`(text: String, problem: String) {
        let error = #expect(throws: ValueError.self) { try Label(text) }
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
    }

    @Test func `labels have each key once, and are at most so many`() throws {
        let many = try (0..<64).map { try Label("k\($0)=v") }
        #expect(try Labels(many + many).count == 64)
        #expect(try Labels([Label("a=1"), Label("a=2")])["a"] == "2")
        let error = #expect(throws: ValueError.self) { try Labels(many + [Label("one=more")]) }
        #expect(error?.problem == "65 labels are too many; expected at most 64")
    }

    // MARK: Times and limits

    @Test(
        arguments: [
            ("1ms", 1), ("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("1d", 86_400_000),
            ("365d", 31_536_000_000),
        ] as [(String, UInt64)])
    func `a lifetime is written with its unit`(text: String, milliseconds: UInt64) throws {
        #expect(try SessionTimes.read(text) == milliseconds)
    }

    @Test(arguments: [
        "", "90", "0s", "d", "-1d", "1.5d", "366d", "99999999999999999999d", "1w", "1D", "9999h",
    ])
    func `a lifetime that is none is refused`(text: String) {
        let error = #expect(throws: ValueError.self) { try SessionTimes.read(text) }
        #expect(error?.problem.contains("1d") == true, "\(error?.problem ?? "")")
    }

    @Test(
        arguments: [
            ("memory", "64MiB", .memory(64 << 20)), ("cpus", "0.5", .cpus(500)), ("pids", "32", .pids(32)),
            ("cpu_time", "none", .cpuTime(nil)), ("cpu_time", "2s", .cpuTime(2000)),
            ("pids_kill", "true", .pidsKill), ("open_files", "64", .openFiles(64)),
            ("file_size", "1MiB", .fileSize(1 << 20)), ("stack", "1MiB", .stack(1 << 20)),
            ("output_limit", "none", .outputLimit(nil)), ("output_kill", "true", .outputKill),
            ("timeout", "1m", .timeout(60_000)), ("network", "proxy", .network(.proxy)),
        ] as [(String, String, ProfileOverride)])
    func `a limit is read as profiles write it`(name: String, text: String, override: ProfileOverride) throws
    {
        let limit = try SessionLimit(named: name)
        #expect(try limit.read(text) == override)
        #expect(SessionLimit(of: override) == limit)
    }

    @Test func `a limit that is none is refused with what was meant`() {
        #expect(throws: ValueError("\"memroy\" is not a limit; did you mean memory?")) {
            try SessionLimit(named: "memroy")
        }
        #expect(throws: ValueError("\"false\" cannot be; expected true")) {
            try SessionLimit.pidsKill.read("false")
        }
        for (limit, text) in [
            (SessionLimit.memory, "1MiB"), (.cpus, "0"), (.pids, "99999999"), (.network, "bridge"),
        ] {
            #expect(throws: ValueError.self) { try limit.read(text) }
        }
    }

    // MARK: Specs

    private func spec() throws -> SessionSpec {
        var spec = try SessionSpec(profile: "default", name: Name("web"), ttl: 1000)
        try spec.setEnvironment([.init(name: "B", value: "2"), .init(name: "A", value: "1")])
        spec.setLimits([.pids(8), .memory(1 << 30)])
        return spec
    }

    @Test func `specs that ask for the same are equal, however they were written`() throws {
        var other = try SessionSpec(profile: "default", name: Name("web"), ttl: 1000)
        try other.setEnvironment([
            .init(name: "A", value: "0"), .init(name: "B", value: "2"), .init(name: "A", value: "1"),
        ])
        other.setLimits([.memory(5), .image("left-out"), .memory(1 << 30), .pids(8)])
        #expect(try spec() == other)
        #expect(try spec().firstDifference(from: other) == nil)
    }

    @Test func `specs that differ say where`() throws {
        let changes: [(String, (inout SessionSpec) throws -> Void)] = [
            ("name", { $0.name = nil }), ("tenant", { $0.tenant = try Name("red") }),
            ("profile", { $0.profile = "strict" }), ("image", { $0.image = "alpine" }),
            ("labels", { $0.labels = try Labels([Label("a=b")]) }),
            ("env", { try $0.setEnvironment([]) }), ("limits", { $0.setLimits([.pids(9)]) }),
            ("ttl", { $0.ttl = nil }), ("idle", { $0.idle = 5 }), ("max", { $0.max = 5 }),
            ("idle", { $0.without = [.idle] }),
            ("quota", { $0.workspace = .volume(WorkspaceQuota(bytes: 5)) }),
            ("workspace", { $0.workspace = .named(try Name("data"), isShared: false) }),
            ("directory", { $0.workspace = .directory("/srv/a", nil) }),
            ("persistent", { $0.isPersistent = true }), ("leases", { $0.leases = LeasePolicy.none }),
            ("idempotency_key", { $0.idempotencyKey = try IdempotencyKey("k") }),
        ]
        for (field, change) in changes {
            var other = try spec()
            try change(&other)
            #expect(try spec().firstDifference(from: other) == field)
            #expect(try spec() != other)
        }
    }

    @Test func `what a spec lays over the profile is image, limits and variables`() throws {
        var spec = try spec()
        spec.image = "alpine"
        #expect(
            spec.overrides == [
                .image("alpine"), .memory(1 << 30), .pids(8), .variable(.init(name: "A", value: "1")),
                .variable(.init(name: "B", value: "2")),
            ])
    }

    @Test func `a profile is a name and never a path, and the environment is bounded`() throws {
        for text in ["", "../x", "./default.yaml", "/etc/passwd", "A"] {
            #expect(throws: ValueError.self) { try SessionSpec(profile: text) }
            #expect(throws: ValueError.self) { try SessionSpec(profile: "default", image: text) }
        }
        var spec = try spec()
        let large = (0..<9).map {
            EnvironmentVariable(name: "V\($0)", value: String(repeating: "x", count: 32 << 10))
        }
        let error = #expect(throws: ValueError.self) { try spec.setEnvironment(large) }
        #expect(error?.problem.contains("bytes of variables are too many; expected at most 262144") == true)
        #expect(spec.environment.count == 2)
    }

    @Test func `a spec's times are milliseconds, a lifespan's nanoseconds`() throws {
        let spec = try SessionSpec(profile: "default", ttl: 2, idle: 3, max: .max)
        let span = spec.lifetimes().lifespan(createdAt: 7)
        #expect(span.expiresAt == 2_000_007 && span.idle == 3_000_000 && span.lastsUntil == .max)
    }

    @Test func `what a spec does not say is the profile's, and what it does not want is not there`() throws {
        var spec = try SessionSpec(profile: "default", ttl: 2)
        spec.without = [.idle]
        let usual = Lifetimes(ttl: 10, idle: 20, max: 30, leases: .exec)
        #expect(spec.lifetimes(over: usual) == Lifetimes(ttl: 2, idle: nil, max: 30, leases: .exec))
        spec.leases = LeasePolicy.none
        #expect(spec.lifetimes(over: usual).leases == .none)
        #expect(spec.lifetimes() == Lifetimes(ttl: 2, leases: .none))
    }
}
