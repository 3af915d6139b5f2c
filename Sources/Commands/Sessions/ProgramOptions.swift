import Glibc
import Linux
import Sandbox
import Wire

/// What is said of a program in a session: the options that `exec` and `start` share, as the API wants them.
struct ProgramOptions {
    static let options: [Command.Option] = [
        .init(
            "interactive", short: "i", help: "give it a standard input; without it there is nothing to read"),
        .init("tty", short: "t", help: "give it a terminal of its own; -it for a shell"),
        .init(
            "env", short: "e", value: "NAME=VALUE", repeats: true, help: "set a variable; may be repeated"),
        .init(
            "env-file", value: "FILE", repeats: true,
            help: "set the variables of a file, NAME=VALUE or NAME on each line; may be repeated"),
        .init("workdir", short: "w", value: "DIR", help: "working directory inside", kind: .text),
        .init("shell", value: "TEXT", help: "run this text with sh, in place of COMMAND"),
        .init("script", value: "FILE|-", help: "the same with the text of a file, or of standard input"),
    ]

    private static let mostText = 8 << 20

    let session: String
    let interactive: Bool
    let terminal: Bool
    private let command: [String]
    private let text: String?
    private let environment: [EnvironmentVariable]
    private let directory: String?

    /// - Parameter arguments: SESSION [--] COMMAND [ARG...]
    init(_ arguments: Arguments) throws(CommandError) {
        session = arguments.operands.first ?? ""
        if session.isEmpty { throw CommandError("SESSION is empty; expected a name or an id") }
        var words = arguments.operands.dropFirst()
        if words.first == "--" { words = words.dropFirst() }
        command = Array(words)
        interactive = arguments.has("interactive")
        terminal = arguments.has("tty")
        directory = arguments.value("workdir")
        text = try ProgramOptions.text(arguments)
        switch (command.isEmpty, text) {
        case (true, nil): throw CommandError("COMMAND is missing; expected one, or --shell or --script")
        case (false, .some): throw CommandError("COMMAND beside --shell or --script; expected one of them")
        default: break
        }
        if command.first?.isEmpty ?? false { throw CommandError("COMMAND is empty") }
        do throws(ValueError) {
            var variables: [EnvironmentVariable] = []
            for path in arguments.all("env-file") { variables += try EnvironmentFile.read(path).variables }
            for text in arguments.all("env") {
                variables.append(try ProgramOptions.variable(text))
            }
            environment = ProgramOptions.lastOnes(variables, terminal: terminal)
        } catch {
            throw CommandError(error.problem)
        }
    }

    private static func variable(_ text: String) throws(ValueError) -> EnvironmentVariable {
        do throws(ValueError) {
            return try EnvironmentVariable(assignment: text)
        } catch {
            throw ValueError("--env: \(error.problem)")
        }
    }

    /// Of a name that is given twice the last one counts. On a terminal a program is told of which kind.
    private static func lastOnes(
        _ variables: [EnvironmentVariable], terminal: Bool
    ) -> [EnvironmentVariable] {
        var result: [EnvironmentVariable] = []
        for variable in variables {
            result.removeAll { $0.name == variable.name }
            result.append(variable)
        }
        if terminal, !result.contains(where: { $0.name == "TERM" }) {
            result.append(EnvironmentVariable(name: "TERM", value: "xterm"))
        }
        return result
    }

    private static func text(_ arguments: Arguments) throws(CommandError) -> String? {
        guard let path = arguments.value("script") else { return arguments.value("shell") }
        guard arguments.value("shell") == nil else {
            throw CommandError("--script beside --shell; expected one of them")
        }
        guard path != "-" || !arguments.has("interactive") else {
            throw CommandError("--script -: standard input cannot be the program's as well; leave out -i")
        }
        let bytes: [UInt8]
        do throws(SystemError) {
            let file =
                path == "-"
                ? FileDescriptor(owning: try call("fcntl(F_DUPFD)") { fcntl(0, F_DUPFD_CLOEXEC, 3) })
                : try FileDescriptor.open(path, O_RDONLY)
            bytes = try file.readAll(limit: mostText)
        } catch {
            let why = error.errno == .fileTooLarge ? "has more than 8 MiB" : "\(error.errno)"
            throw CommandError("--script: \(shown(path)): \(why)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError("--script: \(shown(path)): is not UTF-8")
        }
        return text
    }

    func write(to object: inout JSONObjectWriter) {
        if let text {
            object.add("shell", text)
        } else {
            object.array("argv") { list in command.forEach { list.add($0) } }
        }
        if !environment.isEmpty {
            object.object("env") { object in
                for variable in environment { object.add(variable.name, variable.value) }
            }
        }
        if let directory { object.add("cwd", directory) }
        guard terminal else { return }
        object.add("tty", true)
        if let size = UserScreen.size {
            object.add("columns", Int(size.columns))
            object.add("rows", Int(size.rows))
        }
    }

    /// A quantity of an option; the inner nil is `none`.
    static func quantity(
        _ arguments: Arguments, _ name: String, _ rule: Quantity
    ) throws(CommandError) -> UInt64?? {
        guard let text = arguments.value(name) else { return nil }
        do throws(ValueError) {
            return .some(try rule.readOrNone(text))
        } catch {
            throw CommandError("--\(name): \(error.problem)")
        }
    }
}
