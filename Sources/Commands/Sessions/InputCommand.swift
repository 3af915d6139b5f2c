import API
import Client
import Glibc
import Linux
import Sandbox
import Wire

/// `corral session input`: our standard input, for a process that reads.
enum InputCommand {
    static let command = Command(
        "session input", summary: "Write standard input to that of a process.",
        operandsHelp: "SESSION PROCESS", operands: 2...2,
        options: [
            .init("close", help: "let the process read the end of its input behind it"),
            .init("text", value: "TEXT", help: "write this in place of standard input"),
        ] + DaemonAccess.options,
        examples: [
            "corral session input build tool <commands.txt",
            "corral session input --text 'quit' --close build tool",
        ],
        details: """
            The process was started with --interactive. Goes no further ahead than the process reads.
            """
    ) { arguments in
        Failure.reported("session input") { () throws(CommandError) in
            let place = try ProcessPlace(arguments.operands)
            // A process may take its time.
            let client = DaemonClient(try DaemonAccess.address(arguments), patience: nil)
            if let text = arguments.value("text") {
                try send(Array(text.utf8), client, place)
            } else {
                while true {
                    let piece = try read()
                    if piece.isEmpty { break }
                    try send(piece, client, place)
                }
            }
            if arguments.has("close") { try post(client, place) { $0.add("close", true) } }
        }
    }

    private static let piece = 256 << 10

    private static func read() throws(CommandError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: piece)
        while true {
            let count = unsafe Glibc.read(0, &buffer, buffer.count)
            if count >= 0 { return Array(buffer.prefix(count)) }
            guard errno == EINTR else {
                throw CommandError("standard input: \(Errno(rawValue: errno))")
            }
        }
    }

    private static func send(
        _ bytes: [UInt8], _ client: DaemonClient, _ place: ProcessPlace
    ) throws(CommandError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(piece)
            rest = rest.dropFirst(part.count)
            try post(client, place) { $0.add("data", Base64.encode(part)) }
        }
    }

    private static func post(
        _ client: DaemonClient, _ place: ProcessPlace, _ body: (inout JSONObjectWriter) -> Void
    ) throws(CommandError) {
        let request = HTTPRequest(.post, place.path("stdin")).with(json: .object(body))
        _ = try CommandError.asking { () throws(ClientError) in try client.ask(request) }
    }
}
