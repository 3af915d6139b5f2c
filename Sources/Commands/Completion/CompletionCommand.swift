import Preparation
import Sandbox

/// `corral completion`: scripts that let a shell complete command lines, and what these scripts ask.
enum CompletionCommand {
    static let command = Command(
        "completion", summary: "Print a script that completes corral's command lines in a shell.",
        operandsHelp: "bash|zsh|fish", operands: 1...1,
        operandKinds: [.words(["bash", "zsh", "fish"])],
        examples: [
            "source <(corral completion bash)",
            "corral completion zsh >~/.zfunc/_corral",
            "corral completion fish >~/.config/fish/completions/corral.fish",
        ],
        details: """
            make install puts all three where the shells look for them. Commands, options, values, profiles
            and images are completed as they are at that moment: the scripts ask corral.
            """
    ) { arguments in
        switch arguments.operands[0] {
        case "bash": Terminal.print(CompletionScripts.bash)
        case "zsh": Terminal.print(CompletionScripts.zsh)
        default: Terminal.print(CompletionScripts.fish)
        }
        return ExitCode.success
    }

    /// A command line without words, for what takes one.
    static let asking = Command("__complete", summary: "", options: DaemonAccess.place) { _ in 0 }

    static let candidates = Command(
        "__complete", summary: "Print what could stand at the end of a command line.",
        operandsHelp: "[--] [WORD...]", operands: 0...Int.max,
        details: """
            What the scripts of corral completion call. One candidate a line, a tab and its description
            behind it; the last line is :none, :files, :directories or :programs, which the shell adds.
            """,
        isHidden: true
    ) { arguments in
        Terminal.print(Completion(arguments.operands, names: .installed).text)
        return ExitCode.success
    }
}

extension Completion.Names {
    /// Those of this installation. What cannot be read is left out: a shell has no place for errors here.
    static let installed = Completion.Names(
        profiles: {
            let names = try? Installation.find().directories.names(.profile)
            return (names ?? []).map { .init(word: $0, description: "") }
        },
        images: {
            let listings = try? ImageListing.all()
            return (listings ?? []).map { .init(word: $0.name, description: $0.columns[1]) }
        },
        sessions: {
            // Of the daemon that is asked without options; where none answers soon there is nothing.
            guard let arguments = try? Arguments(parsing: [], for: CompletionCommand.asking),
                let socket = try? DaemonAccess.address(arguments),
                let sessions = try? SessionCalls(socket, patience: 1000).list(all: true)
            else { return [] }
            return sessions.map { .init(word: $0.name ?? String($0.id.prefix(12)), description: $0.state) }
        },
        workspaces: {
            guard let arguments = try? Arguments(parsing: [], for: CompletionCommand.asking),
                let socket = try? DaemonAccess.address(arguments),
                let workspaces = try? WorkspaceCalls(socket, patience: 1000).list()
            else { return [] }
            return workspaces.map { .init(word: $0.name, description: $0.state) }
        })
}
