import Glibc
import Launch
import Linux
import Sandbox
import WardenProtocol

/// From an order to what the init is asked for.
struct ProcessRecipe {
    let request: ProcessRequest
    /// The program text for a shell.
    let script: Held<FileDescriptor>?

    /// - Parameters:
    ///   - environment: of the session, `NAME=value` each.
    ///   - workspace: the directory of a process that asks for none.
    init(
        _ order: ProcessOrder, environment: [String], workspace: String, _ ceilings: Ceilings
    ) throws(Refusal) {
        let arguments: [String]
        switch order.command {
        case .arguments(let words):
            arguments = words
            script = nil
        case .shell(let text, let words):
            arguments = ShellScript.arguments(words)
            script = try ProcessRecipe.file(text)
        }
        guard arguments.first?.isEmpty == false else { throw Refusal(.order, "the command is empty") }
        for word in arguments + order.environment where word.utf8.count > WardenFormat.argumentLimit {
            throw Refusal(
                .ceiling, "an argument or variable of \(word.utf8.count) bytes is more than the kernel takes",
                limit: "argument", asked: "\(word.utf8.count)", allowed: "\(WardenFormat.argumentLimit)")
        }
        let all = ProcessRecipe.merged(environment, order)
        let size = all.reduce(0) { $0 + UInt64($1.utf8.count) }
        guard size <= ceilings.environment else {
            throw Refusal(
                .ceiling, "the variables are \(size) bytes, and sessions may have \(ceilings.environment)",
                limit: "environment", asked: "\(size)", allowed: "\(ceilings.environment)")
        }
        if let directory = order.directory { try ProcessRecipe.check(directory: directory) }
        request = ProcessRequest(
            arguments: arguments, environment: all, directory: order.directory ?? workspace)
    }

    private static func file(_ text: String) throws(Refusal) -> Held<FileDescriptor> {
        guard text.utf8.count <= WardenFormat.scriptLimit else {
            throw Refusal(
                .ceiling, "the program has \(text.utf8.count) bytes", limit: "script",
                asked: "\(text.utf8.count)", allowed: "\(WardenFormat.scriptLimit)")
        }
        if text.utf8.contains(0) {
            throw Refusal(.order, "the program holds a NUL byte, which no shell reads")
        }
        do throws(SystemError) {
            return Held(try ShellScript.file(text))
        } catch {
            throw Refusal(.system, "the program cannot be handed over: \(error)")
        }
    }

    /// The order's variables in place of the session's of the same names, each name once: a program that
    /// finds two takes whichever it likes.
    private static func merged(_ environment: [String], _ order: ProcessOrder) -> [String] {
        var names: [Substring: Int] = [:]
        var merged: [String] = []
        for variable in environment + order.environment {
            let name = variable.prefix { $0 != "=" }
            if let index = names[name] {
                merged[index] = variable
            } else {
                names[name] = merged.count
                merged.append(variable)
            }
        }
        // On a terminal it is told of which kind, as docker tells it.
        if case .terminal = order.streams, names["TERM"] == nil { merged.append("TERM=xterm") }
        return merged
    }

    /// Only names of places inside: a path that can lead to a descriptor of somebody's (`/proc/self/fd/7`,
    /// CVE-2024-21626) is refused before anything is started.
    private static func check(directory: String) throws(Refusal) {
        if directory == "/" { return }
        do throws(ValueError) {
            try checkPath(directory)
        } catch {
            throw Refusal(.order, "directory: \(error.problem)")
        }
        if directory == "/proc" || isBelow(directory, "/proc") {
            throw Refusal(
                .order, "directory: \(quoted(directory)) is below /proc; expected a directory of files")
        }
    }
}

extension StartProblem {
    /// - Parameter command: what was to be started.
    init(_ error: ProcessStartError, _ command: String) {
        let name = shown(command)
        switch error.reason {
        case .notFound:
            self.init(
                .notFound, errno: error.errno.rawValue,
                sentence: "\(name): not found in the sandbox, or a script whose interpreter is not there "
                    + "(\(error.errno.name))")
        case .notExecutable where error.errno == .argumentListTooLong:
            self.init(
                .notExecutable, errno: error.errno.rawValue,
                sentence: "\(name): arguments and variables are more than the kernel takes, a quarter of "
                    + "limits.stack (\(error.errno.name))")
        case .notExecutable:
            self.init(
                .notExecutable, errno: error.errno.rawValue,
                sentence: "\(name): cannot be executed: \(error.errno)")
        case .directory:
            self.init(
                .directory, errno: error.errno.rawValue,
                sentence: "the working directory cannot be entered in the sandbox: \(error.errno)")
        case .layer(let step):
            self.init(
                .layer, errno: error.errno.rawValue,
                sentence: "the program was not started, because \(step) failed: \(error.errno)")
        }
    }
}
