import Client
import Sandbox
import Tables
import Wire

extension WorkspaceCommand {
    /// `corral workspace diff`, with the letters of `docker diff`.
    static let difference = Command(
        "workspace diff",
        summary: "Tell what was added, changed and removed since a snapshot, or between two.",
        operandsHelp: "WORKSPACE [SNAPSHOT [SNAPSHOT]]", operands: 1...3, operandKinds: [.workspace, .text],
        options: [
            .init(
                "output", short: "o", value: "FORMAT", help: "text (the default) or jsonl",
                kind: .words(["text", "jsonl"]))
        ] + DaemonAccess.options,
        examples: [
            "corral workspace diff data", "corral workspace diff data before",
            "corral workspace diff -o jsonl data before after",
        ],
        details: """
            Without a SNAPSHOT it is since the newest one. Each line has A for what was added, C for what was
            changed or D for what was removed, a path, with a slash behind that of a directory, and what of it
            changed: its type, mode, content or target. Owners, times and hard links are no difference. Sessions
            may have the workspace meanwhile; what is told of what they change then may be of before or after.
            """
    ) { arguments in
        Failure.reported("workspace diff") { () throws(CommandError) in
            let calls = WorkspaceCalls(try DaemonAccess.address(arguments))
            let name = try WorkspacePlace.whole(arguments.operands[0])
            let words = Array(arguments.operands.dropFirst())
            let old = if let word = words.first { word } else { try newestSnapshot(of: name, calls) }
            let isJSON = arguments.value("output") == "jsonl"
            var skipped: UInt64 = 0
            try CommandError.asking { () throws(ClientError) in
                try calls.difference(name, from: old, to: words.count > 1 ? words[1] : nil) {
                    (changes, left) throws(ClientError) in
                    for change in changes {
                        Terminal.print(isJSON ? JSONText.of(change).description : try line(change))
                    }
                    skipped += left
                }
            }
            if skipped > 0 {
                let what = skipped == 1 ? "name was" : "names were"
                Terminal.error(
                    "corral workspace diff: \(skipped) \(what) not compared: not UTF-8, or something is "
                        + "mounted there")
            }
        }
    }

    private static func newestSnapshot(
        of name: String, _ calls: WorkspaceCalls
    ) throws(CommandError) -> String {
        let all = try CommandError.asking { () throws(ClientError) in try calls.snapshots(of: name) }
        guard let last = all.last(where: { $0.state == "ready" }) else {
            throw CommandError(
                "the workspace \(name) has no snapshot\n"
                    + "hint: corral workspace snapshot \(name)@NAME makes one")
        }
        return last.name
    }

    private static func line(_ change: JSONTree) throws(ClientError) -> String {
        let members = try AnswerMembers(change)
        let kind = try members.need("change")
        let letters = ["added": "A", "changed": "C", "removed": "D"]
        let slash = members.text("type") == "directory" ? "/" : ""
        let what = members.words("what")
        let path = SafeText.of(try members.need("path"))
        return "\(letters[kind] ?? kind) \(path)\(slash)"
            + (what.isEmpty ? "" : " (\(what.map(SafeText.of).joined(separator: ", ")))")
    }
}
