// `corral profile explain` as somebody at a shell calls it.

import TestSupport
import Testing
import Wire

@Suite(.timeLimit(.minutes(20))) struct ExplainTests {
    private func explain(_ words: [String]) throws -> Program.Outcome {
        try Program.run([Product.path("corral"), "profile", "explain"] + words)
    }

    @Test(arguments: [
        "default", "offline", "offline_readonly", "network_basic", "network_extended", "strict",
    ])
    func `every shipped profile explains itself, each value with its origin`(name: String) throws {
        let outcome = try explain([name])
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        for title in ["A process may:", "It may not:", "It may use at most:", "Nothing is started without:"] {
            #expect(outcome.output.contains("\n\(title)\n"))
        }
        let limits = outcome.output.split(separator: "\n").filter { $0.hasPrefix("  limits.") }
        #expect(limits.count == 10)
        #expect(limits.allSatisfy { $0.contains("(profiles/") || $0.contains("(built-in default)") })
        let json = try JSONTree(parsing: try explain([name, "--json"]).stdout)
        guard case .object(let members) = json.value else {
            Issue.record("\(outcome.output)")
            return
        }
        #expect(members.map(\.key) == ["profile", "description", "files", "sections"])
    }

    @Test(arguments: [
        (
            ["default", "--path", "/workspace/x", "--create"], CInt(0),
            "allowed: create /workspace/x, under default"
        ),
        (["default", "--path", "/tmp/", "--read"], 0, "allowed: read /tmp, under default"),
        (
            ["default", "--path", "/usr/lib/x", "--write"], 3,
            "the program gets  EROFS (Read-only file system)"
        ),
        (["default", "--path", "/etc/shadow", "--read"], 3, "the program gets  ENOENT"),
        (
            ["offline_readonly", "--path", "/workspace/x", "--create"], 3,
            "Set filesystem.workspace: writable"
        ),
        (["default", "--connect", "example.org:443"], 3, "network.mode is none"),
        (["default", "--connect", "127.0.0.1:80"], 3, "landlock.tcp.connect is none"),
        (["default", "--bind", "8080"], 3, "Add 8080 to landlock.tcp.bind in the profile."),
        (
            ["network_basic", "--connect", "example.org:80"], 3,
            "network.allow has nothing that covers example.org:80"
        ),
        (["network_basic", "--connect", "example.org:443"], 0, "network.allow has *:443"),
        (["default", "--syscall", "mount"], 3, "by                seccomp, profiles/seccomp/"),
        (["default", "--syscall", "read"], 0, "allows  seccomp  allows read"),
        (["strict", "--syscall", "socket", "AF_INET", "SOCK_STREAM|SOCK_CLOEXEC", "0"], 3, "EAFNOSUPPORT"),
        (["strict", "--syscall", "socket", "AF_UNIX", "SOCK_STREAM", "0"], 3, "EAFNOSUPPORT"),
        (["strict", "--relay", "--syscall", "socket", "AF_UNIX", "SOCK_STREAM", "0"], 0, "allowed: socket("),
        (["default", "--syscall", "openat", "AT_FDCWD", "0", "O_CREAT", "04755"], 3, "refused: openat("),
        (["default", "--syscall", "openat2"], 0, "allowed: openat2()"),
        (["default", "--workspace-dir", "--syscall", "openat2"], 3, "ENOSYS"),
        (["default", "--limit", "memory=300MiB"], 3, "Set limits.memory to 300MiB in the profile."),
        (["default", "--limit", "limits.memory=200MiB"], 0, "allowed: limits.memory of 200MiB"),
        (["offline", "--limit", "timeout=none"], 3, "lifetime.timeout is 30s"),
        (["default", "--limit", "output=1GiB"], 0, "output.limit is none"),
    ])
    func `an event has an answer, a proof and an exit code`(words: [String], status: CInt, says: String)
        throws
    {
        let outcome = try explain(words)
        #expect(outcome.status == status, "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains(says), "\(outcome.output)\(outcome.errors)")
        #expect(outcome.output.contains("\nWhy:\n"))
        #expect(outcome.output.contains("to allow it") == (status == 3))
        let json = try JSONTree(parsing: try explain(words + ["--json"]).stdout)
        guard case .object(let members) = json.value else {
            Issue.record("no object")
            return
        }
        #expect(members.first { $0.key == "allowed" }?.value.value == .bool(status == 0))
        #expect(members.contains { $0.key == "denial" } == (status == 3))
    }

    @Test(arguments: [
        (["default", "--path", "/tmp"], "--path needs one of --read, --write"),
        (["default", "--path", "/tmp", "--read", "--write"], "--path needs one of"),
        (["default", "--path", "tmp", "--read"], "\"tmp\" is not an absolute path"),
        (["default", "--read"], "--read says what is done with a --path"),
        (["default", "--bind", "80", "--connect", "x:80"], "exclude each other"),
        (["default", "--bind", "99999"], "is not a host and a port from 0 to 65535"),
        (["default", "--bind", "name:80"], "is not an address"),
        (["default", "--connect", "80"], "has no host"),
        (["default", "--connect", "x:0"], "from 1 to 65535"),
        (["default", "--syscall", "opne"], "did you mean open?"),
        (["default", "--syscall", "read", "AF_INXE"], "did you mean AF_INET?"),
        (["default", "--syscall", "0x40000000"], "less than 0x40000000"),
        (["default", "1"], "only a --syscall has"),
        (["default", "--limit", "memory"], "has no ="),
        (["default", "--limit", "memroy=1"], "did you mean memory?"),
        (["default", "--limit", "memory=1MB"], "--limit memory: \"1MB\" is not a size"),
        ([], "an operand is missing"),
    ])
    func `a wrong call is refused with one sentence`(words: [String], says: String) throws {
        let outcome = try explain(words)
        #expect(outcome.status == 2)
        #expect(outcome.output == "")
        #expect(outcome.errors.contains(says), "\(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    @Test func `a profile that cannot be used is an error`() throws {
        let outcome = try explain(["nonsense", "--path", "/", "--read"])
        #expect(outcome.status == 1)
        #expect(outcome.errors.hasPrefix("corral profile explain: unknown profile \"nonsense\""))
    }
}
