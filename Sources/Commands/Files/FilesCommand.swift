import Client
import Glibc
import Linux
import Sandbox
import Tables
import Wire

/// `corral session files`: what is in the workspace of a session.
enum FilesCommand {
    static let command = Command(
        "session files", summary: "List the files in the workspace of a session.",
        operandsHelp: "SESSION [PATH]", operands: 1...2, operandKinds: [.session],
        options: Command.Option.listing + ConfigCommand.options,
        examples: [
            "corral session files web", "corral session files -q web out",
            "corral session files -o jsonl web .",
        ],
        details: """
            PATH is a directory or a file below the workspace. Links are listed and not followed. corral cp copies
            files in and out.
            """
    ) { arguments in
        Failure.reported("session files") { () throws(CommandError) in
            let calls = try FileCalls(try DaemonAccess.socket(arguments), arguments.operands[0])
            let path = try CopyPlace.workspacePath(arguments.operands.count > 1 ? arguments.operands[1] : ".")
            let found = try CommandError.asking { () throws(ClientError) in try files(path, calls) }
            for line in listing.lines(found, arguments.presentation()) { Terminal.print(line) }
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
