import CLinux
import Glibc
import Sandbox

/// `corral run` as a part of `corral plugin test`, with which it ends.
enum PluginSandboxCommand {
    static let command = Command(
        "plugin sandbox", summary: "Run the plugin of a test; called by corral plugin test.",
        operandsHelp: "PARENT [OPTION...] -- COMMAND [ARG...]", operands: 2...Int.max, stopsAtOperand: true,
        isHidden: true, run: run)

    private static func run(_ arguments: Arguments) -> Int32 {
        guard let parent = pid_t(arguments.operands[0]) else {
            Terminal.error(
                "corral plugin sandbox: \(quoted(arguments.operands[0])) is not a process's number")
            return ExitCode.usage
        }
        // A signal to `corral run` ends the sandbox in good order; a parent that is gone needs none.
        guard clinux_end_with_parent(parent, SIGTERM) == 0 else { return ExitCode.failure }
        return CorralCommand.run(["run"] + arguments.operands.dropFirst())
    }
}
