import Sandbox

/// `corral run`: one program in a sandbox of its own, without a daemon.
enum RunCommand {
    static let command = Command(
        "run", summary: "Run a program in a sandbox of its own, which is gone when the program ends.",
        operandsHelp: "[--] COMMAND [ARG...]", operands: 1...Int.max, stopsAtOperand: true,
        options: [
            .init("profile", value: "NAME|FILE", help: "the rules of the sandbox (default: default)"),
            .init("image", value: "NAME", help: "the root, in place of the profile's image"),
            .init(
                "env", short: "e", value: "NAME=VALUE", repeats: true, help: "set a variable; may be repeated"
            ),
            .init(
                "workdir", short: "w", value: "DIR", help: "working directory inside (default: the workspace)"
            ),
            .init(
                "workspace", value: "DIR",
                help:
                    "a directory of the host as workspace, kept; without it, an empty one that is gone after"),
            .init(
                "volume", short: "v", value: "SOURCE:TARGET[:ro]", repeats: true,
                help: "a directory or file of the host at TARGET; may be repeated"),
            .init(
                "mount", value: "type=TYPE,...", repeats: true,
                help: "the same, in docker's other way: bind or tmpfs, source, target, readonly, tmpfs-size"),
            .init(
                "tmpfs", value: "TARGET[:OPTIONS]", repeats: true,
                help: "a memory file system at TARGET, such as /scratch:size=64m,mode=0700"),
            .init("read-only", help: "accepted for docker's sake: the root is read-only in any case"),
            .init("memory", value: "SIZE", help: "the most memory, such as 256MiB"),
            .init("cpus", value: "NUMBER", help: "the most processors, such as 0.5"),
            .init("pids", value: "NUMBER", help: "the most processes and threads"),
            .init("pids-kill", help: "end the run at the limit of processes, with exit code 122"),
            .init(
                "cpu-time", value: "TIME", help: "the most cpu time of all processes; then exit code 152"),
            .init(
                "output-limit", value: "SIZE",
                help: "keep the head and the tail of output, at most so much of both streams"),
            .init("output-kill", help: "end the run at the limit of output, with exit code 153"),
            .init(
                "timeout", value: "TIME", help: "the most wall-clock time, such as 30s; then exit code 124"),
            .init(
                "relay", value: "DIALECT=SOCKET",
                help: "connect the plugin to the host application's socket, such as tgo=/var/run/tgo/tgo.sock"
            ),
            .init(
                "interactive", short: "i",
                help: "pass standard input on; without it the program reads nothing"),
            .init("tty", short: "t", help: "give the program a terminal of its own; -it for a shell"),
            .init("json", help: "print a report as one JSON line on standard error at the end"),
            .init("report", value: "FILE", help: "write the same report to a file"),
            .init("plan", help: "print what would be done, and do nothing"),
        ],
        details: """
            Exit codes: 122 limit of processes, 124 time limit, 125 Corral failed or was called wrongly,
            126 COMMAND cannot be executed, 127 COMMAND not found, 137 memory limit, 152 cpu time limit,
            153 output limit, 154 a message that the relay refused, 159 killed by the seccomp policy,
            128+N ended by signal N; else COMMAND's own.

            Examples:
              corral run -- python3 -c 'print("hello")'
              corral run --memory 128MiB --timeout 10s --workspace . -- make test
              corral run -it -- bash
              corral run -v ./data:/data:ro --tmpfs /scratch:size=256m -- du -s /data
              corral run --relay tgo=/var/run/tgo/tgo.sock --workspace ./plugin -- python3 main.py
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
                Terminal.print(try PlanText.text(RunRules.load(options), RunHost.probe(options), options))
                return ExitCode.success
            }
            return try RunSession(options).run()
        } catch {
            Terminal.error("corral run: \(error)")
            if !options.plan { FailureReport(error).deliver(options) }
            return error.code
        }
    }
}
