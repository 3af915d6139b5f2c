import TestSupport
import Testing

/// The examples that help shows, typed into a shell as they stand.
@Suite struct HelpExampleTests {
    /// Beginnings of those that need what a test does not have, with what that is.
    private static let left: [(start: String, why: String)] = [
        ("skopeo ", "a registry"), ("docker ", "an engine"), ("corral image build", "a package mirror"),
        ("corral image rm", "an imported image"), ("corral run --relay", "a host application"),
        ("corral man --directory", "an installation"), ("corral plugin test", "a package"),
        ("corral run -it", "a terminal"), ("corral daemon", "a daemon"), ("corral session", "a daemon"),
        ("corral cp", "a daemon"), ("corral workspace", "a daemon"), ("corral tenant", "a daemon"),
        ("corral quota", "a daemon"), ("corral volume", "a daemon"), ("corral usage", "a daemon"),
        ("corral token", "a daemon"), ("corral audit", "a daemon"), ("corral ps", "a daemon"),
    ]

    /// Those that say no, by their exit code.
    private static let refusing: [(start: String, code: CInt)] = [
        ("corral profile diff", 1), ("corral profile explain strict --syscall socket", 3),
        ("corral profile explain default --path /etc/passwd --write", 3),
        ("corral profile explain offline", 3),
    ]

    /// A home, and in it `work`, to be in, with what the examples name. The home itself is no workspace: it
    /// holds what Corral believes.
    private static func place() throws -> TemporaryDirectory {
        let place = try TemporaryDirectory()
        try place.write("work/mine.yaml", "extends: default\n")
        try place.write("work/settings.env", "NAME=value\n")
        try place.write("work/data/words", "one two three\n")
        try place.write("work/build.sh", "echo built >result\n")
        try place.write(".zfunc/x", "")
        try place.write(".config/fish/completions/x", "")
        return place
    }

    private static func shell(_ line: String, in place: TemporaryDirectory) throws -> Program.Outcome {
        var environment = Program.environment
        let directory = Corral.path.split(separator: "/").dropLast().joined(separator: "/")
        environment["PATH"] = "/\(directory):\(environment["PATH"] ?? "")"
        environment["HOME"] = place.path
        environment["XDG_CONFIG_HOME"] = place(".config")
        environment["MANPAGER"] = "cat"
        return try Program.run(
            ["bash", "--norc", "-c", line], environment: environment, timeout: 120,
            directory: place("work"))
    }

    /// The indented lines under the heading, of every command that help lists.
    private static func examples() throws -> [String] {
        let overview = try Program.run([Corral.path, "help"]).output.split(separator: "\n")
        var examples: [String] = []
        for line in overview where line.hasPrefix("  ") {
            let name = line.dropFirst(2).split(separator: "  ").first.map(String.init) ?? ""
            let words = name.split(separator: " ").map(String.init)
            let help = try Program.run([Corral.path, "help"] + words)
            #expect(help.status == 0, "corral help \(name): \(help.errors)")
            let lines = help.output.split(separator: "\n", omittingEmptySubsequences: false)
            examples += lines.drop { $0 != "Examples:" }.dropFirst().prefix { $0.hasPrefix("  ") }
                .map { String($0.dropFirst(2)) }
        }
        return examples
    }

    @Test func `what help shows does what it should`() throws {
        let examples = try Self.examples()
        #expect(examples.count > 15)
        for example in examples where !Self.left.contains(where: { example.hasPrefix($0.start) }) {
            let place = try Self.place()
            let outcome = try Self.shell(example, in: place)
            let code = Self.refusing.first { example.hasPrefix($0.start) }?.code ?? 0
            #expect(outcome.status == code, "\(example): \(outcome.output)\(outcome.errors)")
        }
        for (start, why) in Self.left {
            #expect(
                examples.contains { $0.hasPrefix(start) }, "\(start) is left out for \(why) and not there")
        }
    }
}
