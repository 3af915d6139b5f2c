import Glibc
import Linux
import Sandbox
import Synchronization

/// `corral`: finds the command, parses its words, runs it.
package enum CorralCommand {
    package static let version = CorralVersion.current

    /// Every command, in the order that help shows.
    static let commands =
        own + [SessionCommand.ps] + SessionCommand.lifecycle + SessionCommand.processes + SessionCommand.files
        + WorkspaceCommand.all + VolumeCommand.all + TenantCommand.all + QuotaCommand.all + PlanCommand.all
        + TokenCommand.all + AuditCommand.all + [UsageCommand.command]

    private static let own: [Command] = [
        RunCommand.command, ImageCommand.list, ImageCommand.inspect, ImageImportCommand.command,
        ImageBuildCommand.command, ImageImportCommand.remove, UnpackLayerCommand.command,
        PluginTestCommand.command, PluginSandboxCommand.command,
        ProfileCommand.list, ProfileCommand.show, ProfileCommand.explain, ProfileCommand.validate,
        ProfileCommand.diff, ProfileCommand.initialize,
        ProfileCommand.path, ProfileCommand.schema,
        ConfigCommand.show, ConfigCommand.check, ConfigCommand.path, ConfigCommand.schema,
        DaemonRunCommand.command, DaemonCommand.status, DaemonCommand.stop, DaemonCommand.reload,
        DaemonMetricsCommand.command,
        PrecompileCommand.command,
        CompletionCommand.command, CompletionCommand.candidates, ManCommand.command,
        DoctorCommand.command, VersionCommand.command,
    ]

    /// - Parameter words: the command line without the program's name.
    /// - Returns: the exit code.
    package static func run(_ words: [String]) -> Int32 {
        Terminal.fillStandardStreams()
        guard let first = words.first else {
            Terminal.error(overview)
            return ExitCode.usage
        }
        if ["help", "--help", "-h"].contains(first) { return help(Array(words.dropFirst())) }
        if first == "--version" || first == "-V" { return run(["version", "--short"]) }
        guard let (command, rest) = find(words) else { return unknown(words, first) }
        do throws(UsageError) {
            let arguments = try Arguments(parsing: rest, for: command)
            guard !arguments.has("help") else {
                Terminal.print(Help.text(of: command, .of(1)))
                return ExitCode.success
            }
            return command.run(arguments)
        } catch {
            Terminal.error(error.description)
            return command.usageCode
        }
    }

    /// A command that there is none of: the nearest one, and where all of them are listed.
    private static func unknown(_ words: [String], _ first: String) -> Int32 {
        let family = family(first)
        if !family.isEmpty, ["--help", "-h"].contains(words.dropFirst().first ?? "") {
            Terminal.print(Help.text(ofFamily: family))
            return ExitCode.success
        }
        let called = words.prefix(2).joined(separator: " ")
        if words.count == 1, !family.isEmpty {
            Terminal.error(Help.text(ofFamily: family))
            return ExitCode.usage
        }
        let names = commands.map(\.name)
        let hint =
            nearestMatch(to: called, in: family.isEmpty ? names : family.map(\.name))
            ?? (family.isEmpty ? nearestMatch(to: first, in: names) : nil)
        Terminal.error(
            "corral: unknown command \(quoted(family.isEmpty ? first : called))"
                + (hint.map { "; did you mean \"\($0)\"?" } ?? "")
                + " (see corral help\(family.isEmpty ? "" : " \(first)"))")
        return ExitCode.usage
    }

    /// The commands that begin with a word, such as all of `profile`.
    static func family(_ word: String) -> [Command] {
        commands.filter { $0.name.hasPrefix("\(word) ") && !$0.isHidden }
    }

    /// The command that `words` begin with, and the words behind its name.
    static func find(_ words: [String]) -> (Command, [String])? {
        // The one that has to start at once does not wait for the tables of all others to be made.
        if words.first == RunCommand.command.name { return (RunCommand.command, Array(words.dropFirst())) }
        for command in commands {
            let name = command.name.split(separator: " ").map(String.init)
            if Array(words.prefix(name.count)) == name {
                return (command, Array(words.dropFirst(name.count)))
            }
        }
        return nil
    }

    private static func help(_ words: [String]) -> Int32 {
        guard !words.isEmpty else {
            Terminal.print(overview)
            return ExitCode.success
        }
        guard let (command, _) = find(words) else {
            let family = family(words.joined(separator: " "))
            if !family.isEmpty {
                Terminal.print(Help.text(ofFamily: family))
                return ExitCode.success
            }
            let called = words.joined(separator: " ")
            let hint = nearestMatch(to: called, in: commands.filter { !$0.isHidden }.map(\.name))
            Terminal.error(
                "corral help: unknown command \(quoted(called))"
                    + (hint.map { "; did you mean \"\($0)\"?" } ?? "") + " (see corral help)")
            return ExitCode.usage
        }
        Terminal.print(Help.text(of: command, .of(1)))
        return ExitCode.success
    }

    static var overview: String {
        let shown = commands.filter { !$0.isHidden }
        let list = Help.lines(shown)
        return """
            corral runs programs that nobody trusts, each in a sandbox of its own.

            Usage: corral COMMAND [options]

            \(list.joined(separator: "\n"))

            corral help COMMAND tells more about one of them.
            """
    }
}

/// Writing to the standard streams, which Swift's own globals cannot be used for.
enum Terminal {
    /// Opens /dev/null for each of 0, 1 and 2 that we were started without, or the next descriptor of
    /// ours would take its place and get what is printed.
    static func fillStandardStreams() {
        for number in CInt(0)...2 where fcntl(number, F_GETFD) < 0 { _ = unsafe open("/dev/null", O_RDWR) }
    }

    static func print(_ text: String) { write(text + "\n", to: 1) }

    /// Whether a sandboxed program's output on standard error ended, so far, within a line.
    static let hasOpenLine = Atomic(false)

    /// A message of ours begins on a line of its own: a program must not be able to put words in front of
    /// it, and whoever reads the report takes the last line.
    static func error(_ text: String) {
        let isOpen = hasOpenLine.exchange(false, ordering: .relaxed)
        write((isOpen ? "\n" : "") + text + "\n", to: 2)
    }

    /// Blocks; gives up when nobody reads any more.
    static func write(_ text: String, to number: CInt) { write(Array(text.utf8), to: number) }

    static func write(_ bytes: [UInt8], to number: CInt) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.write(number, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done)
            }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN {
                    var ready = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
                    _ = unsafe poll(&ready, 1, -1)
                    continue
                }
                return
            }
            done += count
        }
    }
}
