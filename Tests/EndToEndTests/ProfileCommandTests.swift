// `corral profile`, as somebody at a shell calls it.

import TestSupport
import Testing
import Wire

@Suite struct ProfileCommandTests {
    /// The configuration directory of the user; lives as long as the test.
    private let home: TemporaryDirectory

    init() throws { home = try TemporaryDirectory() }

    private func corral(_ words: String..., directory: String? = nil) throws -> Program.Outcome {
        var environment = Program.environment
        environment["XDG_CONFIG_HOME"] = home.path
        return try Program.run([Corral.path] + words, environment: environment, directory: directory)
    }

    private func mine(_ name: String, _ text: String) throws -> String {
        try home.write("corral/profiles/\(name).yaml", text)
    }

    private func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            line.split(separator: " ").joined(separator: " ")
        }
    }

    @Test func `list has every profile with its origin, the user's in front of the shipped`() throws {
        let file = try mine("strict", "description: My own strict\nextends: strict\n")
        let outcome = try corral("profile", "list")
        #expect(outcome.status == 0 && outcome.errors == "")
        let list = lines(outcome.output)
        #expect(list.contains("strict user My own strict"))
        #expect(list.contains("offline shipped A command without a network, for half a minute"))
        #expect(list.count == 6)
        let json = try JSONTree(parsing: Array(try corral("profile", "list", "--json").output.utf8)).value
        guard case .array(let items) = json else {
            Issue.record("no list")
            return
        }
        let objects = items.map { "\($0.value)" }
        #expect(objects.count == 6 && objects.contains { $0.contains(file) && $0.contains("My own strict") })
    }

    @Test func `a profile that is wrong does not hide the others from list`() throws {
        let file = try mine("broken", "limits: {pids: x}\n")
        let outcome = try corral("profile", "list")
        #expect(outcome.status == 1)
        #expect(lines(outcome.output).count == 6)
        #expect(outcome.errors.contains("\(file):1:16: limits.pids: "))
    }

    @Test func `show tells what the file says, and with effective where everything comes from`() throws {
        let file = try mine("p", "description: Of a test\nextends: offline\n\nlimits:\n  pids: 99\n")
        let own = try corral("profile", "show", "p")
        #expect(own.status == 0)
        #expect(
            lines(own.output) == [
                "profile p", "file \(file)", "extends profiles/offline.yaml", "extends profiles/default.yaml",
                "description: \"Of a test\" # \(file):1", "limits.pids: 99 # \(file):5",
            ])
        let all = lines(try corral("profile", "show", "p", "--effective").output)
        #expect(
            all.contains(
                "limits.pids: 99 # \(file):5; instead of 128 (profiles/offline.yaml:15), "
                    + "128 (profiles/default.yaml:27)"))
        #expect(all.contains("filesystem.root: read_only # built-in default"))
        #expect(all.contains { $0.hasPrefix("network.mode: none # profiles/offline.yaml:11") })
        #expect(all.contains { $0.hasPrefix("locked: network # profiles/offline.yaml:") })
        #expect(all.contains { $0.hasPrefix("environment.HOME: \"/home\" # profiles/default.yaml:") })
    }

    @Test func `show as JSON has values, origins, what they replace and locks`() throws {
        let file = try mine("p", "description: Of a test\nextends: offline\nlimits: {memory: 1GiB}\n")
        let outcome = try corral("profile", "show", file, "--effective", "--json")
        let tree = try JSONTree(parsing: Array(outcome.output.utf8))
        let memory = try #require(tree["values"]?["limits.memory"])
        #expect(memory["value"]?.string == "1GiB" && memory["origin"]?.string == "\(file):3")
        #expect("\(try #require(memory["replaces"]))".contains("512MiB"))
        #expect("\(try #require(tree["locked"]))".contains("network"))
        #expect("\(try #require(tree["files"]))".contains("profiles/default.yaml"))
        #expect(tree["values"]?["description"]?["value"]?.string == "Of a test")
    }

    @Test func `validate tells every mistake of a file, and ok for what is right`() throws {
        let file = try mine(
            "p",
            "description: x\nextends: default\nlimits: {pids: 0, memory: 64MB}\nnetwrok: {}\nrequire: [x]\n")
        let outcome = try corral("profile", "validate", "default", file, "strict")
        #expect(outcome.status == 1)
        #expect(outcome.output == "default: ok\nstrict: ok\n")
        let errors = outcome.errors.split(separator: "\n").map(String.init)
        #expect(errors.count == 5)
        for (error, start) in zip(
            errors, ["3:16: limits.pids", "3:27: limits.memory", "4:1: netwrok", "5:11: require[0]"])
        {
            #expect(error.hasPrefix("\(file):\(start): "), "\(error)")
        }
        #expect(errors.last == "corral profile validate: not every profile is right")
    }

    @Test func `validate checks image and policy, and warns of what cannot be run`() throws {
        _ = try mine("image", "description: x\nextends: default\nimage: hots\n")
        #expect(try corral("profile", "validate", "image").errors.contains("unknown image \"hots\""))
        _ = try mine("part", "description: x\nextends: default\nsyscalls: {policy: [base, genral]}\n")
        let part = try corral("profile", "validate", "part")
        #expect(
            part.errors.contains(
                "part.yaml:3: unknown part of a seccomp policy \"genral\"; did you mean general?"))
        try home.write("corral/profiles/seccomp/bad.json", "{\"syscalls\": [{\"names\": [\"read\"]}]}")
        _ = try mine("own", "description: x\nextends: default\nsyscalls: {policy: [base, bad]}\n")
        let own = try corral("profile", "validate", "own")
        #expect(own.status == 1 && own.errors.contains("seccomp/bad.json:1:"), "\(own.errors)")
        _ = try mine("lock", "description: x\nextends: offline\nnetwork: {mode: host}\n")
        #expect(
            try corral("profile", "validate", "lock").errors.contains(
                "lock.yaml:3:11: network.mode: is locked by profiles/offline.yaml:23 and stays none"))
        let proxy = try corral("profile", "validate", "network_basic")
        #expect(
            proxy.status == 0
                && proxy.errors.contains("warning: network.mode: the egress proxy does not exist"))
        _ = try mine("host", "description: x\nextends: default\nnetwork: {mode: host}\n")
        let host = try corral("profile", "validate", "host")
        #expect(
            host.status == 1 && host.errors.contains("require: net-ns cannot hold with network.mode host"))
    }

    @Test func `diff names keys and calls with their origins, and has the codes of diff(1)`() throws {
        let outcome = try corral("profile", "diff", "default", "strict")
        #expect(outcome.status == 1 && outcome.errors == "")
        let shown = lines(outcome.output)
        #expect(shown.prefix(2) == ["- default profiles/default.yaml", "+ strict profiles/strict.yaml"])
        let memory = try #require(shown.firstIndex(of: "limits.memory"))
        #expect(shown[memory + 1].hasPrefix("- 256MiB # profiles/default.yaml:"))
        #expect(shown[memory + 2].hasPrefix("+ 128MiB # profiles/strict.yaml:"))
        #expect(!shown.contains("limits.swap"))
        let calls = shown.drop { $0 != "system calls" }.dropFirst()
        #expect(calls.first?.hasPrefix("- ") == true && calls.first?.contains("memfd_create, ") == true)
        #expect(!calls.contains { $0.hasPrefix("+ ") })
        let other = try corral("profile", "diff", "strict", "default").output
        #expect(lines(other).contains { $0.hasPrefix("+ ") && $0.contains("memfd_create, ") })
        let same = try corral("profile", "diff", "offline", "offline")
        #expect(same.status == 0 && same.output == "")
        let missing = try corral("profile", "diff", "offline", "offlin")
        #expect(missing.status == 2 && missing.errors.contains("did you mean offline?"))
    }

    @Test func `init writes a profile that is right, and overwrites nothing`() throws {
        let text = try corral("profile", "init").output
        let file = home("corral/profiles/mine.yaml")
        let first = try corral("profile", "init", "mine")
        #expect(first.status == 0 && first.output == "\(file)\n" && File.text(file) == text)
        #expect(try corral("profile", "validate", "mine").output == "mine: ok\n")
        let second = try corral("profile", "init", "mine")
        #expect(second.status == 1 && second.errors == "corral profile init: \(file) is there already\n")
        #expect(try corral("profile", "init", "../x").errors.contains("is not a name"))
        #expect(try corral("profile", "diff", "default", "mine").output.contains("description"))
        // Every key is in it, and right when the # in front of it goes.
        let schema = text.split(separator: "\n").first.map(String.init) ?? ""
        #expect(File.exists(String(schema.split(separator: "=").last ?? "")))
        let bare = text.split(separator: "\n").dropFirst(5).map { line in
            line.hasPrefix("# ") ? String(line.dropFirst(2)) : String(line)
        }
        try home.write("all.yaml", bare.joined(separator: "\n") + "\n")
        let all = try corral("profile", "validate", home("all.yaml"))
        #expect(all.status == 0, "\(all.errors)")
        for key in ["max_timeout:", "with_relay:", "open_files:", "locked:", "connections:"] {
            #expect(text.contains(key))
        }
    }

    @Test func `path shows the directories in their order, what is there and what is hidden`() throws {
        _ = try mine("strict", "description: x\nextends: strict\n")
        try home.write("corral/profiles/seccomp/own.json", "{}")
        let shown = lines(try corral("profile", "path").output)
        #expect(shown[0] == "1 user \(home.path)/corral/profiles")
        #expect(Array(shown[1...2]) == ["strict", "seccomp/own"])
        #expect(shown.contains { $0.hasPrefix("2 system /etc/corral/profiles") })
        #expect(shown.contains { $0.hasPrefix("3 shipped /") })
        #expect(shown.contains("strict (hidden by the one in 1)"))
        #expect(shown.contains("seccomp/base") && shown.contains("default"))
    }

    @Test func `a file is seen from the working directory, and what it extends from its own`() throws {
        try home.write("sub/base.yaml", "description: Base\nextends: default\nlimits: {pids: 77}\n")
        try home.write("sub/top.yaml", "description: Top\nextends: ./base.yaml\n")
        for name in ["sub/top.yaml", "./sub/top.yaml", home("sub/top.yaml")] {
            let outcome = try corral("profile", "show", name, "--effective", directory: home.path)
            #expect(outcome.output.contains("limits.pids:"), "\(outcome.errors)")
            #expect(outcome.output.contains("sub/base.yaml:3"), "\(outcome.output)")
        }
        let plain = try corral("profile", "validate", "top.yaml", directory: home("sub"))
        #expect(plain.output == "top.yaml: ok\n", "\(plain.errors)")
        try home.write("sub/base.yaml", "description: Base\nextends: ./top.yaml\n")
        let circle = try corral("profile", "validate", "sub/top.yaml", directory: home.path)
        #expect(
            circle.errors.hasPrefix(
                "sub/base.yaml:2:10: extends: leads in a circle: sub/top.yaml:2 -> sub/base.yaml:2 -> sub/top.yaml\n"
            ),
            "\(circle.errors)")
        try File.remove(home("sub/base.yaml"))
        let missing = try corral("profile", "validate", "sub/top.yaml", directory: home.path)
        #expect(
            missing.errors.hasPrefix(
                "sub/top.yaml:2:10: extends: cannot be followed: profile sub/base.yaml: ENOENT"),
            "\(missing.errors)")
    }

    @Test(arguments: ["profile", "image"])
    func `a family of commands has its own help`(word: String) throws {
        let help = try corral("help", word)
        #expect(help.status == 0 && help.output.hasPrefix("Usage: corral \(word) COMMAND"))
        for line in help.output.split(separator: "\n") where line.hasPrefix("  ") {
            #expect(line.hasPrefix("  \(word) "))
        }
        #expect(try corral(word, "--help").output == help.output)
        let alone = try corral(word)
        #expect(alone.status == 2 && alone.errors == help.output)
        let wrong = try corral(word, "lsit")
        #expect(
            wrong.errors
                == "corral: unknown command \"\(word) lsit\"; did you mean \"\(word) list\"? (see corral help \(word))\n"
        )
        #expect(wrong.status == 2)
    }
}

extension JSONTree {
    fileprivate subscript(key: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == key }?.value
    }

    fileprivate var string: String? {
        if case .string(let text) = value { return text }
        return nil
    }
}
