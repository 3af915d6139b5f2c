import Plugins
import Preparation
import Sandbox

/// `corral plugin test`: a plugin in a sandbox, with a host that checks everything it says.
enum PluginTestCommand {
    static let command = Command(
        "plugin test",
        summary: "Run a plugin in a sandbox, play its host, and check every answer.",
        operandsHelp: "DIR", operands: 1...1, operandKinds: [.directory],
        options: [
            .init("profile", value: "NAME|FILE", help: "the rules of the sandbox (default: default)"),
            .init("image", value: "NAME", help: "the root, in place of the profile's image", kind: .image),
            .init(
                "timeout", value: "TIME",
                help: "the most time to register, for each answer and to exit (default: 30s)"),
            .init("json", help: "print one JSON object for each message, finding and line of output"),
        ],
        examples: ["corral plugin test ./my-plugin"],
        details: """
            DIR is the plugin's package, with plugin.yml or plugin.json; it is the plugin's workspace, in
            which it may write where the profile lets it. Prints every message, what the plugin writes,
            and one line for each thing that is not as TGO documents it.

            Exit codes: 0 all is well formed, 1 something is not, 2 wrong command line, 125 Corral failed.
            """
    ) { arguments in
        do throws(ValueError) {
            return test(arguments.operands[0], try PluginTestOptions(arguments))
        } catch {
            Terminal.error("corral plugin test: \(error)")
            return ExitCode.usage
        }
    }

    private static func test(_ directory: String, _ options: PluginTestOptions) -> Int32 {
        do throws(PluginPackage.Problem) {
            return try run(try PluginPackage.open(directory), options)
        } catch {
            switch error {
            case .noDirectory(let sentence):
                Terminal.error("corral plugin test: \(sentence)")
                return ExitCode.usage
            case .manifest(let sentence):
                Terminal.error("corral plugin test: \(sentence)")
                return ExitCode.failure
            }
        }
    }

    private static func run(
        _ package: PluginPackage, _ options: PluginTestOptions
    ) throws(PluginPackage.Problem) -> Int32 {
        do throws(CommandError) {
            let (words, rules) = try options.runWords(package)
            return try PluginTestSession(
                package, words, options, messageLimit: Int(rules.profile.relay.frameBytes)
            ).run()
        } catch {
            Terminal.error("corral plugin test: \(error)")
            return ExitCode.ours
        }
    }
}

/// What `corral plugin test` was asked to do.
struct PluginTestOptions {
    let profile: String
    let image: String?
    /// In milliseconds.
    let timeout: UInt64
    let json: Bool

    private static let timeoutRule = Quantity(.duration, 100...3_600_000)

    init(_ arguments: Arguments) throws(ValueError) {
        profile = arguments.value("profile") ?? "default"
        image = arguments.value("image")
        json = arguments.has("json")
        do throws(ValueError) {
            // What TGO gives a plugin for each.
            timeout = try arguments.value("timeout").map(Self.timeoutRule.read) ?? 30_000
        } catch {
            throw ValueError("--timeout: \(error.problem)")
        }
        guard let image else { return }
        do throws(ValueError) {
            try checkSimpleName(image)
        } catch {
            throw ValueError("--image: \(error.problem)")
        }
    }

    var timeoutText: String { Self.timeoutRule.write(timeout) }

    /// The words for `corral run`, and the rules that it will read: what is wrong with them is known
    /// before anything is started.
    func runWords(_ package: PluginPackage) throws(CommandError) -> (words: [String], rules: LaunchRules) {
        let manifest = package.manifest
        var words = ["--profile", profile, "--workspace", package.path]
        if let image { words += ["--image", image] }
        for variable in manifest.environment { words += ["--env", "\(variable.name)=\(variable.value)"] }
        let rules: LaunchRules
        do {
            let given = words + ["--relay", "tgo=unknown", "--"] + manifest.command
            rules = try LaunchRules.load(
                RunOptions(try Arguments(parsing: given, for: RunCommand.command)))
        } catch {
            throw CommandError("\(error)")
        }
        if !manifest.directory.isEmpty {
            words += ["--workdir", "\(rules.image.workspace)/\(manifest.directory)"]
        }
        return (words + ["--"] + manifest.command, rules)
    }
}
