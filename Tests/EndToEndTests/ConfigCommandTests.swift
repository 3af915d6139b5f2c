// `corral config`, as somebody at a shell calls it.

import TestSupport
import Testing
import Wire

@Suite(.enabled(if: !File.exists("/etc/corral/corral.yaml"), "skipped: this machine has a configuration"))
struct ConfigCommandTests {
    /// Holds what a caller's configuration is read from; lives as long as the test.
    private let home: TemporaryDirectory

    init() throws { home = try TemporaryDirectory(mode: 0o777) }

    private func corral(
        _ words: String..., variables: [String: String] = [:], user: UInt32? = nil
    ) throws -> Program.Outcome {
        var environment = Program.environment
        environment["HOME"] = home.path
        for (name, value) in variables { environment[name] = value }
        return try Program.run(
            [Corral.path, "config"] + words, environment: environment, uid: user, directory: home.path)
    }

    @Test func `show prints a file that says all of it, which check takes`() throws {
        let outcome = try corral("show")
        #expect(outcome.status == 0 && outcome.errors == "")
        let file = try home.write("all.yaml", outcome.output)
        let checked = try corral("check", file)
        #expect(checked.status == 0 && checked.output == "\(file): ok\n", "\(checked.errors)")
        #expect(outcome.output.contains("\nlimits:\n  sessions: 1000\n"))
    }

    @Test func `variables and options are shown with where they come from`() throws {
        let outcome = try corral(
            "show", "--origins", "--set", "limits.pids=99", "--state", "two",
            variables: ["CORRAL_LIMITS_SESSIONS": "7", "CORRAL_LIMITS_PIDS": "98"])
        let lines = outcome.output.split(separator: "\n").map(String.init)
        #expect(lines.contains("  sessions: 7  # CORRAL_LIMITS_SESSIONS"), "\(outcome.errors)")
        #expect(lines.contains("  pids: 99  # --set; instead of 98 (CORRAL_LIMITS_PIDS)"))
        #expect(lines.contains("state: \(home.path)/two  # --state"))
        #expect(lines.contains("  path: \(home.path)/two/run/corral.sock  # default"))
        #expect(lines.contains("  level: info  # default"))
    }

    @Test func `JSON has the same, with and without origins`() throws {
        let plain = try JSONTree(parsing: Array(try corral("show", "-o", "json").output.utf8))
        #expect(plain["limits"]?["sessions"]?.value == .number("1000"))
        #expect(plain["socket"]?["mode"]?.value == .string("0660") || !Host.isRoot)
        let origins = try JSONTree(
            parsing: Array(
                try corral("show", "-o", "json", "--origins", variables: ["CORRAL_LOG_LEVEL": "debug"])
                    .output.utf8))
        #expect(origins["log.level"]?["value"]?.value == .string("debug"))
        #expect(origins["log.level"]?["origin"]?.value == .string("CORRAL_LOG_LEVEL"))
    }

    @Test func `check tells every mistake of every file with its place`() throws {
        let wrong = try home.write("a.yaml", "limits: {session: 1, pids: x}\nstate: here\n")
        let right = try home.write("b.yaml", "log: {level: debug}\n")
        let outcome = try corral("check", wrong, right, home("none.yaml"))
        #expect(outcome.status == 1 && outcome.output == "\(right): ok\n")
        let errors = outcome.errors.split(separator: "\n").map(String.init)
        #expect(errors.count == 5)
        let starts = [
            "\(wrong):1:10: limits.session: is not a key here; did you mean sessions?",
            "\(wrong):1:28: limits.pids: \"x\" is not a whole number", "\(wrong):2:8: state: \"here\" is not",
            "\(home("none.yaml")): ENOENT", "corral config check: the configuration is not right",
        ]
        for (error, start) in zip(errors, starts) { #expect(error.hasPrefix(start), "\(error)") }
    }

    @Test func `a wrong variable stops every command, one of no setting is a warning`() throws {
        for command in ["show", "check", "path"] {
            let outcome = try corral(command, variables: ["CORRAL_LIMITS_SESSIONS": "0"])
            #expect(outcome.status == 1 && outcome.output == "")
            #expect(
                outcome.errors.hasPrefix("CORRAL_LIMITS_SESSIONS: \"0\" is too small; expected 1 to 16384\n"))
        }
        let warned = try corral("check", variables: ["CORRAL_STAET": "/x"])
        #expect(warned.status == 0)
        #expect(
            warned.errors
                == "warning: CORRAL_STAET: no setting has this variable; did you mean CORRAL_STATE?\n")
    }

    @Test(arguments: [
        (["show", "--set", "sessions=1"], "--set: \"sessions\" is not a key; did you mean limits.sessions?"),
        (["show", "--set", "x"], "--set: \"x\" has no =; expected KEY=VALUE"),
        (["show", "--state", ""], "--state: "),
        (["check", "--state", "x", "file"], "expected no --state or --set beside it"),
    ])
    func `a wrong option is told`(words: [String], message: String) throws {
        var environment = Program.environment
        environment["HOME"] = home.path
        let outcome = try Program.run(
            [Corral.path, "config"] + words, environment: environment, directory: home.path)
        #expect(outcome.status == 1 && outcome.errors.contains(message), "\(outcome.errors)")
        #expect(outcome.output == "")
    }

    @Test(.enabled(if: Host.isRoot, "skipped: only root can become an ordinary user"))
    func `an ordinary user has files, paths and a socket of the own`() throws {
        let place = try TemporaryDirectory()
        let program = try Product.install(to: place("prefix"))
        let file = try home.write(".config/corral/corral.d/10.yaml", "log: {level: debug}\n")
        var environment = Program.environment
        environment["HOME"] = home.path
        environment["XDG_RUNTIME_DIR"] = "/run/user/none"
        let shown = try Program.run(
            [program, "config", "show", "--origins"], environment: environment, uid: Host.ordinaryUser)
        let lines = shown.output.split(separator: "\n").map(String.init)
        #expect(lines.contains("state: \(home.path)/.local/state/corral  # default"), "\(shown.errors)")
        #expect(lines.contains("  level: debug  # \(file):1"))
        #expect(lines.contains("  path: /run/user/none/corral/corral.sock  # default"))
        #expect(lines.contains("  group: none  # default"))
        let profiles = "[\(home.path)/.config/corral/profiles, \(place.path)/prefix/share/corral/profiles]"
        #expect(lines.contains("profiles: \(profiles)  # default"))
        let paths = try Program.run(
            [program, "config", "path"], environment: environment, uid: Host.ordinaryUser
        ).output.split(separator: "\n").map(String.init)
        #expect(paths.contains { $0.hasSuffix("  \(file)") })
        #expect(
            paths.contains { $0.hasPrefix("socket.path  /run/user/none/") && $0.hasSuffix("(not there)") })
        // A file that somebody else could have written decides nothing.
        try home.write(".config/corral/corral.yaml", "log: {level: error}\n", mode: 0o666)
        let refused = try Program.run(
            [program, "config", "show"], environment: environment, uid: Host.ordinaryUser)
        #expect(refused.status == 1 && refused.errors.contains("can be written by others (mode 0666)"))
    }

    @Test func `the schema in the project is what is printed, and so is the table`() throws {
        #expect(try corral("schema").output == File.text(Repository.path("docs/corral.schema.json")))
        let table = try corral("schema", "--reference").output
        #expect(File.text(Repository.path("docs/configuration.md"))?.contains("\n\(table)") == true)
    }

    @Test func `nobody without a home is told so`() throws {
        guard Host.isRoot else { return Host.skip("only root can become an ordinary user") }
        let place = try TemporaryDirectory()
        let program = try Product.install(to: place("prefix"))
        var environment = Program.environment
        environment["HOME"] = nil
        let outcome = try Program.run(
            [program, "config", "show"], environment: environment, uid: Host.ordinaryUser)
        #expect(outcome.status == 1 && outcome.errors.contains("there is no home directory"))
    }
}

extension JSONTree {
    fileprivate subscript(key: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }?.value
    }
}
