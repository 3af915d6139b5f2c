import InitPlan

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
