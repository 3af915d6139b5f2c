/// A process to be started in a running sandbox. Descriptors beside it: the one of ``Input/given``.
package struct ProcessOrder: Hashable, Sendable {
    package enum Command: Hashable, Sendable {
        case arguments([String])
        /// A program for `sh -c`, of any size up to ``WardenFormat/scriptLimit``, and its $0, $1 and so on.
        case shell(String, [String])
    }

    package enum Input: CaseIterable, Hashable, Sendable {
        /// The sandbox's /dev/null.
        case none
        /// A pipe that the warden keeps as well, so that it stays open while corrald is away.
        case pipe
        /// The descriptor beside the order.
        case given
    }

    package enum Streams: Hashable, Sendable {
        /// Output and errors are pipes.
        case pipes(Input)
        /// A terminal of the process's own, of this size.
        case terminal(WindowSize)
    }

    package var key: ProcessKey
    package var command: Command
    /// `NAME=value`, over those of the session.
    package var environment: [String]
    /// Nil for the workspace.
    package var directory: String?
    package var streams: Streams

    package init(
        _ key: ProcessKey, _ command: Command, environment: [String] = [], directory: String? = nil,
        streams: Streams = .pipes(.none)
    ) {
        self.key = key
        self.command = command
        self.environment = environment
        self.directory = directory
        self.streams = streams
    }

    func write(to fields: inout FieldWriter) {
        fields.key(key)
        let words: [String]
        switch command {
        case .arguments(let arguments):
            fields.flag(false)
            words = arguments
        case .shell(let script, let arguments):
            fields.flag(true)
            fields.text(script)
            words = arguments
        }
        fields.list(words) { $0.text($1) }
        fields.list(environment) { $0.text($1) }
        fields.textOrNone(directory)
        switch streams {
        case .pipes(let input):
            fields.flag(false)
            fields.choice(input)
        case .terminal(let size):
            fields.flag(true)
            size.write(to: &fields)
        }
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        key = try fields.key()
        let script =
            try fields.flag("shell") ? try fields.text("script", limit: WardenFormat.scriptLimit) : nil
        let words = try fields.words("arguments", limit: WardenFormat.argumentsLimit)
        environment = try fields.words("variables", limit: WardenFormat.variablesLimit)
        guard environment.allSatisfy(Self.isVariable) else { throw .refused("variables", "NAME=value each") }
        directory = try fields.textOrNone("directory")
        if let directory, !directory.hasPrefix("/") { throw .refused("directory", "an absolute path") }
        if try fields.flag("terminal") {
            streams = .terminal(try WindowSize(from: &fields))
        } else {
            streams = .pipes(try fields.choice("input"))
        }
        command = script.map { .shell($0, words) } ?? .arguments(words)
        if script == nil, words.first?.isEmpty ?? true {
            throw .refused("arguments", "at least a command that is not empty")
        }
    }

    private static func isVariable(_ text: String) -> Bool {
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else { return false }
        return equals != text.utf8.startIndex
    }
}

/// The size of a terminal, in characters.
package struct WindowSize: Hashable, Sendable {
    package var columns: UInt16
    package var rows: UInt16

    package init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }

    func write(to fields: inout FieldWriter) {
        fields.half(columns)
        fields.half(rows)
    }

    init(from fields: inout FieldReader) throws(WireProblem) {
        self.init(columns: try fields.half("columns"), rows: try fields.half("rows"))
    }
}

extension FieldReader {
    fileprivate mutating func words(_ field: String, limit: Int) throws(WireProblem) -> [String] {
        try list(field, limit: limit) { (fields) throws(WireProblem) in
            try fields.text(field, limit: WardenFormat.argumentLimit)
        }
    }
}
