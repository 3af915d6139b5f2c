import Client
import Sandbox
import Wire

/// `corral session start`: a process that stays.
enum StartCommand {
    static let command = Command(
        "session start", summary: "Start a process that stays in a session, and print its id.",
        operandsHelp: "SESSION [--] COMMAND [ARG...]", operands: 1...Int.max,
        operandKinds: [.text, .program], stopsAtOperand: true,
        options: [
            .init("name", value: "NAME", help: "a name for it, of which there is one in the session"),
            .init(
                "restart", value: "no|on-failure|always", help: "when to start it again; no is the default",
                kind: .words(["no", "on-failure", "always"])),
            .init("restarts", value: "NUMBER", help: "how often in a row, at most"),
        ] + ProgramOptions.options + DaemonAccess.options,
        examples: [
            "corral session start --name server --restart on-failure build python3 -m http.server",
            "corral session start -i --name tool build ./tool --listen",
        ],
        details: """
            It goes on when corral ends. corral session attach, logs, input, signal and stop are about it. With
            --interactive its input stays open until corral session input --close.
            """
    ) { arguments in
        Failure.reported("session start") { () throws(CommandError) in
            let program = try ProgramOptions(arguments)
            let restarts = try ProgramOptions.quantity(
                arguments, "restarts", Quantity(.count, 1...1_000_000))
            let body = JSONText.object { object in
                program.write(to: &object)
                if let name = arguments.value("name") { object.add("name", name) }
                if let mode = arguments.value("restart") { object.add("restart", mode) }
                if let restarts = restarts ?? nil { object.add("restarts", restarts) }
                if program.interactive { object.add("stdin", true) }
            }
            let client = try DaemonAccess.client(arguments)
            let id = try CommandError.asking { () throws(ClientError) in
                let request = HTTPRequest(.post, ["v1", "sessions", program.session, "processes"])
                return try AnswerMembers(try client.ask(request.with(json: body)).json()).need("id")
            }
            Terminal.print(id)
        }
    }
}
