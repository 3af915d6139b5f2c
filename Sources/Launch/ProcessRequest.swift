import CLinux
import InitPlan
package import Linux

/// A process to start in a running sandbox.
package struct ProcessRequest: Sendable {
    package var arguments: [String]
    /// `NAME=value` each.
    package var environment: [String]
    package var directory: String

    package init(arguments: [String], environment: [String], directory: String) {
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }

    /// The paths to try, as execvp(3) would: the command itself when it has a slash, else below
    /// each directory of the request's own PATH.
    package var candidates: [String] {
        guard let command = arguments.first, !command.isEmpty else { return [] }
        if command.contains("/") { return [command] }
        let path = environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":", omittingEmptySubsequences: false).map { directory in
            directory.isEmpty ? "./\(command)" : "\(directory)/\(command)"
        }
    }

    /// The request as the init reads it: directory, counts, then the texts.
    var bytes: [UInt8] {
        var writer = PlanWriter.fields()
        let candidates = candidates
        writer.text(directory)
        writer.integer(UInt64(candidates.count))
        writer.integer(UInt64(arguments.count))
        writer.integer(UInt64(environment.count))
        for text in candidates { writer.text(text) }
        for text in arguments { writer.text(text) }
        for text in environment { writer.text(text) }
        return writer.bytes
    }
}

/// Descriptors that a process gets; all stay the caller's. -1 for those that it does not get.
package struct ProcessDescriptors {
    /// A memory file that becomes its descriptor 3.
    package var script: CInt
    /// -1 for the sandbox's own /dev/null.
    package var input: CInt
    package var output: CInt
    package var errors: CInt

    package init(script: CInt = -1, input: CInt = -1, output: CInt, errors: CInt) {
        self.script = script
        self.input = input
        self.output = output
        self.errors = errors
    }
}

/// A program text for a shell, of any size: the kernel takes no argument of more than 128 KiB (execve(2),
/// MAX_ARG_STRLEN), and arguments are there for everybody to read.
///
/// The shell reads it as `sh -c` would have it: from a descriptor that is neither its standard input nor
/// open in what it starts, with $0 and the parameters as given.
package enum ShellScript {
    /// Closes the descriptor, on the first line, so that errors have the line numbers of the text.
    private static let opening = Array("exec 3<&-; ".utf8)
    private static let reading = ". /proc/self/fd/3"

    /// The text in a sealed memory file, for ``ProcessDescriptors/script``.
    package static func file(_ text: String) throws(SystemError) -> FileDescriptor {
        let file = try MemoryFile.make("corral-script", opening + Array(text.utf8))
        let number = file.number
        _ = try call("fcntl(F_ADD_SEALS)", on: "corral-script") { clinux_memfd_seal(number) }
        return file
    }

    /// What to start with the file.
    /// - Parameter words: $0, $1 and so on; without any, $0 is `sh`.
    package static func arguments(_ words: [String]) -> [String] {
        ["sh", "-c", reading] + (words.isEmpty ? ["sh"] : words)
    }
}
