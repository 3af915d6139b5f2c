import Denials
import Launch
import Preparation
import Sandbox
import Seccomp

/// `corral profile explain`: a profile in words, or what it says to one event.
extension ProfileCommand {
    static let explain = Command(
        "profile explain", summary: "Say what a profile allows, or why it refuses one thing; nothing is run.",
        operandsHelp: "PROFILE [ARGUMENT ...]", operands: 1...7,
        operandKinds: [.profile, .text],
        options: [
            .init("syscall", value: "NAME|N", help: "a system call, its arguments behind the profile"),
            .init("path", value: "PATH", help: "a path inside, with one of the next six"),
            .init("read", help: "open the path to read or list it"),
            .init("write", help: "open what is there to write to it"),
            .init("exec", help: "execute it"),
            .init("create", help: "open it to write to it, and make it where it is not there"),
            .init("truncate", help: "shorten it"),
            .init("remove", help: "remove the name"),
            .init("connect", value: "HOST:PORT", help: "a TCP connection"),
            .init("bind", value: "[HOST:]PORT", help: "listening on a TCP port"),
            .init("limit", value: "NAME=AMOUNT", help: "an amount, such as memory=300MiB"),
            .init("relay", help: "in a sandbox with a relay"),
            .init("workspace-dir", help: "in a sandbox with a directory of the host as workspace"),
        ] + Command.Option.format("the same"),
        examples: [
            "corral profile explain default",
            "corral profile explain strict --syscall socket AF_INET SOCK_STREAM 0",
            "corral profile explain default --path /etc/passwd --write",
            "corral profile explain offline --connect example.org:443",
            "corral profile explain offline --limit memory=2GiB",
        ],
        details: """
            The answer comes from the rules that a launch takes, for this host's kernel and this user.
            Without an event: a summary. Arguments of a call are numbers (10, 0x1f, 0755) or names of
            constants, also joined: SOCK_STREAM|SOCK_CLOEXEC.

            Exit code: 0 allowed (or no event), 3 refused, 1 error, 2 wrong usage.
            """
    ) { arguments in
        let event: Event?
        do throws(ValueError) {
            event = try ExplainEvent.event(arguments)
        } catch {
            Terminal.error("corral profile explain: \(error) (see corral profile explain --help)")
            return ExitCode.usage
        }
        var isAllowed = true
        let code = Failure.reported("profile explain") { () throws(CommandError) in
            let subject = try ExplainSubject(
                path(arguments.operands[0]), relay: arguments.has("relay"),
                hostDirectory: arguments.has("workspace-dir"))
            guard let event else {
                let summary = try ExplainSummary(subject)
                Terminal.print(arguments.wantsJSON ? summary.json : summary.text)
                return
            }
            let explanation = Evaluator.explanation(of: event, under: subject.rules)
            isAllowed = explanation.denial == nil
            let text = ExplainText(
                profile: subject.rules.profile.name, event: event, explanation: explanation)
            Terminal.print(arguments.wantsJSON ? text.json : text.text)
        }
        return code == ExitCode.success && !isAllowed ? ExitCode.denied : code
    }
}

/// A profile with all that decides about events in a sandbox of this host.
struct ExplainSubject {
    let chain: ProfileChain
    let layers: PartialProfile
    let parts: [PolicyPart]
    let rules: SandboxRules

    init(_ reference: String, relay: Bool, hostDirectory: Bool) throws(CommandError) {
        let installation = try prepared(Installation.find())
        let chain = try prepared(
            installation.chain(from: installation.profileSource(reference))
        ).chain
        let variant = RulesVariant(relay: relay, hostDirectory: hostDirectory)
        self.chain = chain
        layers = chain.merged
        do {
            let profile = try chain.profile()
            let (image, places) = try installation.imageAndPlaces(profile.image)
            parts = try installation.policyParts(of: profile, variant)
            let hostPaths = try HostPaths.probeAll(image)
            if let tree = image.tree, hostPaths.tree == nil {
                throw LaunchError.imageTreeMissing(image: image.name, tree: tree)
            }
            let host = try HostAbilities.probe()
            let sharesUID = if case .single = UserIdentity.choose(host) { !host.privileged } else { false }
            rules = SandboxRules(
                profile: profile, layers: layers, image: image, imagePlaces: places,
                policy: try Policy(parts: parts), hostPaths: hostPaths,
                hostDirectory: hostDirectory, sockets: relay ? [RunRelay.socketPath] : [],
                landlockABI: host.landlockABI, sharesUID: sharesUID)
        } catch {
            throw CommandError("\(error)")
        }
    }
}

extension Installation {
    /// An image and where the keys of its file stand.
    fileprivate func imageAndPlaces(_ name: String) throws(CommandError) -> (Image, KeyPlaces) {
        let (path, bytes) = try prepared(imageSource(name))
        do throws(ConfigError) {
            return (try Image.decode(bytes, file: path), try KeyPlaces(bytes, file: path))
        } catch {
            throw CommandError(error.description)
        }
    }
}
