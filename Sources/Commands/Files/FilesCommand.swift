import Client
import Glibc
import Linux
import Sandbox
import Tables
import Wire

/// `corral session files` and `corral workspace files`: what is in the workspace of a session, or a named one.
enum FilesCommand {
    static let command = Command(
        "session files", summary: "List the files in the workspace of a session.",
        operandsHelp: "SESSION [PATH]", operands: 1...2, operandKinds: [.session],
        options: options,
        examples: [
            "corral session files web", "corral session files -q web out",
            "corral session files -o jsonl web .", "corral session files --watch -r web out",
        ],
        details: """
            PATH is a directory or a file below the workspace. Links are listed and not followed. corral cp copies
            files in and out.

            --watch goes on until the directory or the session is gone, a line for each thing that happens, or an
            object with -o jsonl: created, changed, attributes, removed, moved-away, moved-here, gone, and overflow
            where more happened than could be told.
            """
    ) { arguments in
        Failure.reported("session files") { () throws(CommandError) in
            let path = try CopyPlace.workspacePath(arguments.operands.count > 1 ? arguments.operands[1] : ".")
            try run(arguments, .session(arguments.operands[0]), path)
        }
    }

    static let ofWorkspaces = Command(
        "workspace files", summary: "List the files in a workspace or a snapshot.",
        operandsHelp: "WORKSPACE[@SNAPSHOT] [PATH]", operands: 1...2, operandKinds: [.workspace],
        options: options,
        examples: [
            "corral workspace files data", "corral workspace files -o jsonl data@before out",
            "corral workspace files --watch -r data",
        ],
        details: """
            Whether or not a session has it. PATH is a directory or a file below the workspace. Links are listed
            and not followed. corral cp copies files in and out.
            """
    ) { arguments in
        Failure.reported("workspace files") { () throws(CommandError) in
            let path = arguments.operands.count > 1 ? arguments.operands[1].drop { $0 == "/" } : "."
            try run(arguments, .workspace(arguments.operands[0]), path.isEmpty ? "." : String(path))
        }
    }

    private static let options: [Command.Option] =
        [
            .init("watch", short: "w", help: "print what happens to the names in PATH, as it happens"),
            .init("recursive", short: "r", help: "with --watch: and in the directories below it"),
        ] + Command.Option.listing + DaemonAccess.options

    private static func run(
        _ arguments: Arguments, _ holder: FileHolder, _ path: String
    ) throws(CommandError) {
        let calls = try FileCalls(try DaemonAccess.address(arguments), holder)
        if arguments.has("watch") { return try watch(path, calls, arguments) }
        if arguments.has("recursive") { throw CommandError("--recursive comes with --watch alone") }
        let found = try CommandError.asking { () throws(ClientError) in try files(path, calls) }
        for line in listing.lines(found, arguments.presentation()) { Terminal.print(line) }
    }

    private static func watch(
        _ path: String, _ calls: FileCalls, _ arguments: Arguments
    ) throws(CommandError) {
        let output = arguments.value("output") ?? "table"
        guard ["table", "jsonl"].contains(output) else {
            throw CommandError("--output: \(quoted(output)) is not for --watch; expected table or jsonl")
        }
        try CommandError.asking { () throws(ClientError) in
            try calls.watch(path, recursive: arguments.has("recursive")) {
                if isatty(2) == 1 { Terminal.error("watching; interrupt to end") }
            } _: { (json) throws(ClientError) in
                if output == "jsonl" { return Terminal.print(JSONText.of(json).description) }
                let members = try AnswerMembers(json)
                let type = try members.need("type")
                let name = try members.need("path")
                let slash = members.flag("directory") ? "/" : ""
                Terminal.print("\(SafeText.of(type)) \(SafeText.of(name))\(slash)")
            }
        }
    }

    /// What is in a directory, or the one file.
    private static func files(_ path: String, _ calls: FileCalls) throws(ClientError) -> [FileAnswer] {
        var found: [FileAnswer] = []
        let entry = try calls.stat(path)
        guard entry.isDirectory else { return [entry] }
        try calls.list(path) { found += $0 }
        return found
    }

    private static var listing: Listing<FileAnswer> {
        Listing(
            columns: [
                .init("MODE") { file, _ in mode(file) },
                .init("SIZE", isNumber: true) { file, _ in file.isDirectory ? "" : SizeText.of(file.size) },
                .init("MODIFIED") { file, shown in file.modified.map(shown.time) ?? "" },
                .init("NAME") { file, _ in file.name + (file.target.map { " -> \($0)" } ?? "") },
            ],
            name: { file, _ in shown(file.name) },
            json: { JSONText.of($0.json) })
    }

    /// As `ls -l` shows it.
    private static func mode(_ file: FileAnswer) -> String {
        let letters = ["directory": "d", "link": "l", "fifo": "p", "socket": "s", "device": "b"]
        var text = letters[file.type] ?? "-"
        for shift in [6, 3, 0] as [UInt32] {
            for (bit, letter) in [(4, "r"), (2, "w"), (1, "x")] as [(UInt32, String)] {
                text += file.mode >> shift & bit != 0 ? letter : "-"
            }
        }
        return text
    }
}
