import Glibc
package import Linux

/// A program that a test runs: what it is given, and how long it may take.
package struct Program {
    package var arguments: [String]
    package var environment: [String: String]
    /// What it reads from standard input; nil for /dev/null.
    package var input: [UInt8]?
    /// Its working directory; nil for the tests' own.
    package var directory: String?
    /// Runs as this user and group and without further groups (setpriv(1)); needs root.
    package var user: UInt32?
    /// Become its descriptors 3, 4 and so on; every other one is closed.
    package var descriptors: [CInt]

    /// The same few variables everywhere, so that no test depends on who started it.
    package static let environment = [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
        "HOME": "/",
    ]

    /// The variables that the tests themselves were started with.
    package static var ownEnvironment: [String: String] {
        var variables: [String: String] = [:]
        for entry in (File.text("/proc/self/environ") ?? "").split(separator: "\0") {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
        return variables
    }

    package init(
        _ arguments: [String], environment: [String: String] = Program.environment, input: [UInt8]? = nil,
        directory: String? = nil, user: UInt32? = nil, descriptors: [CInt] = []
    ) {
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.directory = directory
        self.user = user
        self.descriptors = descriptors
    }

    /// What became of it.
    package struct Outcome: Sendable {
        /// Exit status; nil when a signal ended it.
        package var status: CInt?
        /// The signal that ended it; nil when it exited.
        package var signal: CInt?
        package var stdout: [UInt8]
        package var stderr: [UInt8]
        /// Seconds from start to end.
        package var elapsed: Double
        /// It took longer than allowed and its process group was killed.
        package var timedOut: Bool
        /// It ended, but something it started kept its standard output or error open.
        package var outputHeldOpen: Bool

        package var output: String { String(decoding: stdout, as: UTF8.self) }
        package var errors: String { String(decoding: stderr, as: UTF8.self) }
    }

    /// Starts a program, waits for its end and returns everything it wrote.
    ///
    /// Never takes longer than about two seconds more than `timeout` (in seconds).
    package static func run(
        _ arguments: [String], environment: [String: String] = Program.environment, stdin: [UInt8]? = nil,
        timeout: Double = 120, uid: UInt32? = nil, directory: String? = nil, descriptors: [CInt] = []
    ) throws(SystemError) -> Outcome {
        try Program(
            arguments, environment: environment, input: stdin, directory: directory, user: uid,
            descriptors: descriptors
        ).start().wait(timeout: timeout)
    }

    /// Starts the program in a process group of its own.
    /// - Throws: what posix_spawn(3) reports, with the program's name as the subject.
    package func start() throws(SystemError) -> RunningProgram {
        var words = arguments
        if let user {
            words = ["setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", "--"] + words
        }
        let input = try Pipe.make()
        let output = try Pipe.make()
        let errors = try Pipe.make()
        let null = FileDescriptor(
            owning: try call("open", on: "/dev/null") { unsafe open("/dev/null", O_RDONLY | O_CLOEXEC) })
        let program = HostProgram(
            path: executable(words.first ?? ""), words: words,
            environment: environment.map { "\($0.key)=\($0.value)" }, directory: directory)
        let pid = try program.start(
            [
                self.input == nil ? null.number : input.reading.number, output.writing.number,
                errors.writing.number,
            ] + descriptors)
        return try RunningProgram(
            pid: pid, input: input.writing.duplicate(), unwritten: self.input ?? [],
            output: output.reading.duplicate(), errors: errors.reading.duplicate())
    }

    /// Looks a bare name up in the program's own PATH, not in that of the tests.
    private func executable(_ name: String) -> String {
        if name.contains("/") { return name }
        let places = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
        return places.first { unsafe access($0, X_OK) == 0 } ?? name
    }
}
