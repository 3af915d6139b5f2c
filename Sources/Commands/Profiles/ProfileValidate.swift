import Preparation
import Sandbox
import Seccomp

extension ProfileCommand {
    static let validate = Command(
        "profile validate", summary: "Check profiles, given by file or by name, without running anything.",
        operandsHelp: "FILE...", operands: 1...Int.max, operandKinds: [.file],
        examples: ["corral profile validate default ./mine.yaml"],
        details: """
            Reads each file, those that it extends, its image and its seccomp policy, and prints every
            mistake with its place. Exit code 1 if there is any; warnings do not count.
            """
    ) { arguments in
        Failure.reported("profile validate") { () throws(CommandError) in
            let installation = try prepared(Installation.find())
            var isWrong = false
            for operand in arguments.operands {
                let result = ProfileValidation(path(operand), installation)
                for warning in result.warnings { Terminal.error("\(warning)") }
                for error in result.errors { Terminal.error(error) }
                if result.errors.isEmpty { Terminal.print("\(Sandbox.shown(operand)): ok") }
                isWrong = isWrong || !result.errors.isEmpty
            }
            if isWrong { throw CommandError("not every profile is right") }
        }
    }
}

/// What is wrong with a profile, and what may be a surprise.
struct ProfileValidation {
    private(set) var errors: [String] = []
    private(set) var warnings: [String] = []

    init(_ reference: String, _ installation: Installation) {
        do throws(CommandError) {
            let source = try prepared(installation.profileSource(reference))
            let (file, mistakes) = ProfileFile.read(source.bytes, file: source.called)
            errors += mistakes.map(\.description)
            guard let file else { return }
            let chain: ProfileChain
            do throws(ConfigError) {
                chain = try installation.chain(from: file, source).chain
            } catch {
                errors.append(error.description)
                return
            }
            let layers = chain.merged
            // A key whose value is wrong is there all the same.
            let wrong = mistakes.map(\.key)
            errors += Profile.problems(of: layers, file: source.called)
                .filter { !wrong.contains($0.key) }.map(\.description)
            guard errors.isEmpty else { return }
            do throws(ConfigError) {
                try check(chain.profile(), layers, installation)
            } catch {
                errors.append(error.description)
            }
        } catch {
            errors.append(error.description)
        }
    }

    private mutating func check(_ profile: Profile, _ layers: PartialProfile, _ installation: Installation) {
        reporting(layers[.image]) { () throws(CommandError) in
            _ = try prepared(installation.image(profile.image))
        }
        var lines: [String] = []
        for variant in RulesVariant.all + [RulesVariant(terminal: true)] {
            reporting(layers[.policy]) { () throws(CommandError) in
                let parts = try prepared(installation.policyParts(of: profile, variant))
                do throws(SeccompError) {
                    let filter = try FilterCache(directory: nil, policies: nil).filter(parts: parts)
                    for line in filter.warnings where !lines.contains(line) { lines.append(line) }
                } catch {
                    throw CommandError(error.description)
                }
            }
        }
        warnings += lines
        guard let mode = layers[.networkMode] else { return }
        switch profile.network.mode {
        case .none: break
        case .proxy:
            warnings.append(
                "\(mode.origin): warning: network.mode: the egress proxy does not exist yet, so corral run refuses "
                    + "this profile")
        case .host:
            warnings.append(
                "\(mode.origin): warning: network.mode: host is no isolation of the network at all")
            if profile.require.contains(.netNamespace), let require = layers[.require] {
                errors.append(
                    "\(require.origin): require: net-ns cannot hold with network.mode host (\(mode.origin))")
            }
        }
    }

    /// The error of `body` once, with the line that led to it where it has no place of its own.
    private mutating func reporting(
        _ statement: PartialProfile.Statement?, _ body: () throws(CommandError) -> Void
    ) {
        do throws(CommandError) {
            try body()
        } catch {
            let text = "\(statement.map { "\($0.origin): " } ?? "")\(error)"
            if !errors.contains(text) { errors.append(text) }
        }
    }
}
