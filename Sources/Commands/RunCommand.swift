import Preparation
import Sandbox

/// `corral run`: one program in a sandbox of its own, without a daemon.
package enum RunCommand {
    package static let command = Command(
        "run", summary: "Run a program in a sandbox of its own, which is gone when the program ends.",
        operandsHelp: "[--] COMMAND [ARG...]", operands: 1...Int.max, operandKinds: [.program],
        stopsAtOperand: true,
        options: [
            .init(
                "profile", value: "NAME|FILE", help: "the rules of the sandbox (default: default)",
                group: .sandbox),
            .init(
                "image", value: "NAME", help: "the root, in place of the profile's image", group: .sandbox,
                kind: .image),
            .init(
                "env", short: "e", value: "NAME=VALUE", repeats: true,
                help: "set a variable; may be repeated", group: .sandbox),
            .init(
                "env-file", value: "FILE", repeats: true,
                help: "set the variables of a file, NAME=VALUE or NAME on each line; may be repeated",
                group: .sandbox),
            .init(
                "network", value: "none|host", help: "in place of the profile's network.mode",
                group: .sandbox, kind: .words(["none", "host"])),
            .init(
                "workdir", short: "w", value: "DIR",
                help: "working directory inside (default: the workspace)", group: .files, kind: .text),
            .init(
                "workspace", value: "DIR",
                help:
                    "a directory of the host as workspace, kept; without it, an empty one that is gone after",
                group: .files),
            .init(
                "volume", short: "v", value: "SOURCE:TARGET[:ro]", repeats: true,
                help: "a directory or file of the host at TARGET; may be repeated", group: .files,
                kind: .file),
            .init(
                "mount", value: "type=TYPE,...", repeats: true,
                help: "the same, in docker's other way: bind or tmpfs, source, target, readonly, tmpfs-size",
                group: .files),
            .init(
                "tmpfs", value: "TARGET[:OPTIONS]", repeats: true,
                help: "a memory file system at TARGET, such as /scratch:size=64m,mode=0700", group: .files),
            .init(
                "read-only", help: "accepted for docker's sake: the root is read-only in any case",
                group: .files),
            .init("memory", value: "SIZE", help: "the most memory, such as 256MiB", group: .limits),
            .init("cpus", value: "NUMBER", help: "the most processors, such as 0.5", group: .limits),
            .init("pids", value: "NUMBER", help: "the most processes and threads", group: .limits),
            .init(
                "pids-kill", help: "end the run at the limit of processes, with exit code 122",
                group: .limits),
            .init(
                "cpu-time", value: "TIME", help: "the most cpu time of all processes; then exit code 152",
                group: .limits),
            .init(
                "output-limit", value: "SIZE",
                help: "keep the head and the tail of output, at most so much of both streams",
                group: .limits),
            .init(
                "output-kill", help: "end the run at the limit of output, with exit code 153",
                group: .limits),
            .init(
                "timeout", value: "TIME", help: "the most wall-clock time, such as 30s; then exit code 124",
                group: .limits),
            .init(
                "ulimit", value: "NAME=SOFT[:HARD]", repeats: true,
                help: "a limit of each process: nofile, fsize, stack or core; may be repeated",
                group: .limits),
            .init("nofile", value: "NUMBER", help: "the same as --ulimit nofile=NUMBER", group: .limits),
            .init(
                "relay", value: "DIALECT=SOCKET",
                help:
                    "connect the plugin to the host application's socket, such as tgo=/var/run/tgo/tgo.sock",
                group: .sandbox),
            .init(
                "interactive", short: "i",
                help: "pass standard input on; without it the program reads nothing", group: .sandbox),
            .init(
                "tty", short: "t", help: "give the program a terminal of its own; -it for a shell",
                group: .sandbox),
            .init(
                "json", help: "print a report as one JSON line on standard error at the end",
                group: .report),
            .init("report", value: "FILE", help: "write the same report to a file", group: .report),
            .init("name", value: "NAME", help: "a name for the report", group: .report),
            .init(
                "label", value: "KEY=VALUE", repeats: true, help: "a label for the report; may be repeated",
                group: .report),
            .init("plan", help: "print what would be done, and do nothing"),
            .init("rm", help: "accepted for docker's sake: a sandbox is always gone when its program ends"),
        ],
        examples: [
            "corral run echo hello",
            "corral run --memory 128MiB --timeout 10s --workspace . -- sh build.sh",
            "corral run -it -- bash",
            "corral run -v ./data:/data:ro --tmpfs /scratch:size=256m -- du -s /data",
            "corral run --env-file settings.env --ulimit nofile=256 -- python3 -c 'print(\"hello\")'",
            "corral run --relay tgo=/var/run/tgo/tgo.sock --workspace ./plugin -- python3 main.py",
        ],
        details: """
            Exit codes: 122 limit of processes, 124 time limit, 125 Corral failed or was called wrongly,
            126 COMMAND cannot be executed, 127 COMMAND not found, 137 memory limit, 152 cpu time limit,
            153 output limit, 154 a message that the relay refused, 159 killed by the seccomp policy,
            128+N ended by signal N; else COMMAND's own.
            """,
        usageCode: ExitCode.ours, run: run)

    private static func run(_ arguments: Arguments) -> Int32 {
        do throws(ValueError) {
            return run(try RunOptions(arguments))
        } catch {
            Terminal.error("corral run: \(error)")
            return ExitCode.ours
        }
    }

    private static func run(_ options: RunOptions) -> Int32 {
        do throws(CommandError) {
            if options.plan {
                Terminal.print(
                    try PlanText.text(LaunchRules.load(options), HostSetup.probe(options), options))
                return ExitCode.success
            }
            return try RunSession(options).run()
        } catch {
            Terminal.error("corral run: \(error)")
            if !options.plan { FailureReport(error, options.tags).deliver(options) }
            return error.code
        }
    }
}
