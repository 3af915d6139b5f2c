import Client
import Sandbox
import Wire

/// `corral session exec`: a program in a session that runs, with our standard streams.
enum ExecCommand {
    static let command = Command(
        "session exec", summary: "Run a program in a session, with its output and its exit code.",
        operandsHelp: "SESSION [--] COMMAND [ARG...]", operands: 1...Int.max,
        operandKinds: [.text, .program], stopsAtOperand: true,
        options: [
            .init("detach", short: "d", help: "print the id of its process as soon as it runs, and leave it")
        ] + ProgramOptions.options + [
            .init("timeout", value: "TIME", help: "the most time, such as 30s; then exit code 124"),
            .init(
                "output-limit", value: "SIZE",
                help: "how much of its output is kept for `session logs`; here all of it is shown"),
            .init("alone", help: "wait until no other exec of the session runs, and keep others waiting"),
            .init(
                "detach-keys", value: "KEYS",
                help: "keys of a terminal that leave it running (default: ctrl-p,ctrl-q; empty for none)"),
        ] + DaemonAccess.options,
        examples: [
            "corral session exec build make test",
            "corral session exec -it build bash",
            "corral session exec -i -w /workspace build tar -x <sources.tar",
            "corral session exec --timeout 1m --script check.sh build",
        ],
        details: """
            Standard output and standard error arrive apart and as they are written; nothing of them is left
            out, since the program waits when it is not read. Signals INT, TERM, HUP and QUIT go to the
            program, a third one ends corral instead. When corral ends or is killed the program is killed,
            unless it was left with the detach keys or --detach. A restart of the daemon ends neither.

            Exit codes are those of corral run: 124 time limit, 125 Corral failed or was called wrongly,
            126 COMMAND cannot be executed, 127 COMMAND not found, 137 memory limit, 128+N ended by signal N;
            else COMMAND's own.
            """,
        usageCode: ExitCode.ours
    ) { arguments in
        do throws(CommandError) {
            return try run(arguments)
        } catch {
            Terminal.error("corral session exec: \(error)")
            return error.code
        }
    }

    private static func run(_ arguments: Arguments) throws(CommandError) -> Int32 {
        let program = try ProgramOptions(arguments)
        let keys = try AttachCommand.keys(arguments)
        let body = try body(arguments, program)
        let socket = try DaemonAccess.address(arguments)
        if arguments.has("detach") {
            guard !program.interactive else {
                throw CommandError(
                    "--detach: there is nobody to write its input; corral session start -i keeps one")
            }
            try detach(program.session, body, socket)
            return ExitCode.success
        }
        // Before anything is begun.
        let screen = program.terminal && program.interactive ? try UserScreen() : nil
        let connection = try begin(program.session, body, socket)
        var options = AttachLoop.Options()
        options.takesInput = program.interactive
        options.endsInput = program.interactive && !program.terminal
        options.hasTerminal = program.terminal
        options.forwardsSignals = true
        options.keys = keys
        let follower = AttachFollower(
            loop: try AttachLoop("session exec", options, screen: screen),
            place: ProcessPlace(session: program.session, process: connection.process ?? ""), socket: socket,
            leads: true)
        return follower.finish(try follower.follow(connection))
    }

    private static func body(
        _ arguments: Arguments, _ program: ProgramOptions
    ) throws(CommandError) -> JSONText {
        let timeout = try ProgramOptions.quantity(arguments, "timeout", Lifetime.Rule.timeout)
        let limit = try ProgramOptions.quantity(arguments, "output-limit", OutputPolicy.Rule.limit)
        return .object { object in
            program.write(to: &object)
            if let timeout { object.add("timeout", timeout) }
            if let limit { object.add("output_limit", limit) }
            if arguments.has("alone") { object.add("alone", true) }
            if arguments.has("detach") {
                object.add("detach", true)
            } else if program.interactive {
                object.add("stdin", true)
            }
        }
    }

    /// Starts it with its streams on a connection, which takes as long as it waits for its turn.
    private static func begin(
        _ session: String, _ body: JSONText, _ socket: DaemonAddress
    ) throws(CommandError) -> AttachConnection {
        do throws(ClientError) {
            let request = HTTPRequest(.post, ["v1", "sessions", session, "exec", "attach"]).with(json: body)
            return AttachConnection(
                try DaemonClient(socket, patience: nil).upgrade(request, to: "corral-attach/1"))
        } catch {
            throw CommandError(asking: error, code: code(error))
        }
    }

    private static func code(_ error: ClientError) -> Int32 {
        guard case .refused(let refusal) = error, refusal.field == "argv" else { return ExitCode.ours }
        switch refusal.code {
        case "not-found": return ExitCode.notFound
        case "forbidden": return ExitCode.cannotExecute
        default: return ExitCode.ours
        }
    }

    private static func detach(
        _ session: String, _ body: JSONText, _ socket: DaemonAddress
    ) throws(CommandError) {
        do throws(ClientError) {
            let request = HTTPRequest(.post, ["v1", "sessions", session, "exec"]).with(json: body)
            let answer = try DaemonClient(socket).ask(request).json()
            Terminal.print(try AnswerMembers(answer).need("process"))
        } catch {
            throw CommandError(asking: error, code: code(error))
        }
    }
}
