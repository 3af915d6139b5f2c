import Glibc
import Linux
import Sandbox

/// `corral man`: the manual pages, from the table of commands.
enum ManCommand {
    static let command = Command(
        "man", summary: "Print the manual page of a command, or write all of them.",
        operandsHelp: "[COMMAND]", operands: 0...2, operandKinds: [.command],
        options: [
            .init("directory", value: "DIR", help: "write a file for each command into this directory")
        ],
        examples: ["corral man run | man -l -", "corral man --directory /usr/local/share/man/man1"]
    ) { arguments in
        Failure.reported("man") { () throws(CommandError) in
            if let directory = arguments.value("directory") {
                guard arguments.operands.isEmpty else {
                    throw CommandError("--directory writes all pages; expected no COMMAND beside it")
                }
                return try write(to: directory)
            }
            Terminal.write(try page(arguments.operands).text, to: 1)
        }
    }

    private static func page(_ words: [String]) throws(CommandError) -> ManPage {
        let file = "\(ManPage.name(words.joined(separator: " "))).1"
        guard let page = ManPage.all.first(where: { $0.file == file }) else {
            let called = words.joined(separator: " ")
            let names = CorralCommand.commands.filter { !$0.isHidden }.map(\.name)
            let hint = nearestMatch(to: called, in: names).map { "; did you mean \($0)?" } ?? ""
            throw CommandError("unknown command \(quoted(called))\(hint)")
        }
        return page
    }

    private static func write(to path: String) throws(CommandError) {
        do throws(SystemError) {
            let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
            for page in ManPage.all {
                let file = try directory.open(
                    page.file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
                try file.writeAll(Array(page.text.utf8))
            }
        } catch {
            throw CommandError("--directory: \(shown(path)): \(error.errno)")
        }
    }
}
