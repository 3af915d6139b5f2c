import Launch
import Linux
import Preparation
import Wire

/// `corral doctor`: what of this host and this installation a sandbox can have, each thing tried out.
enum DoctorCommand {
    static let command = Command(
        "doctor", summary: "Find out what sandboxes can have here, and how to cure what they cannot.",
        operandsHelp: "[FINDING...]", operands: 0...Int.max, operandKinds: [.words(DaemonFindings.names)],
        options: Command.Option.format("the findings") + [
            .init("report", help: "print a text for a bug report, without names of this host and its users")
        ] + ConfigCommand.options,
        examples: [
            "corral doctor", "corral doctor clock 'state space'", "corral doctor -o json",
            "corral doctor --report >report.txt",
        ],
        details: """
            Everything is tried, nothing is guessed from versions: namespaces and mounts in a child, and at
            the end a whole sandbox; then what a daemon needs, and how the one that runs is. Nothing is changed.
            What a run or a daemon needs and does not get is FAILED; a warning is something that could be better.
            Each finding says why it matters and, where something cures it, what.

            With the names of findings about the daemon and what it needs only these are looked at, and no sandbox
            is started: \(DaemonFindings.names.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: ", ")).

            --report has the versions of all parts beside the findings. Home directories, the name of the host
            and of the user, tokens and what CORRAL_ variables are set to are left out of it; look at it all the
            same before it is sent.

            Exit code: 0 nothing failed, 1 something did, 2 options that cannot be.
            """
    ) { arguments in
        if arguments.has("report"), arguments.wantsJSON {
            Terminal.error("corral doctor: --report is a text; expected it without -o json")
            return ExitCode.usage
        }
        var diagnosis: Diagnosis?
        let failed = Failure.reported("doctor") { () throws(CommandError) in
            let daemon = try DaemonFindings(arguments)
            let asked = arguments.operands
            diagnosis = Diagnosis(
                findings: asked.isEmpty ? findings(daemon.found()) : daemon.found(asked))
        }
        guard let diagnosis else { return failed }
        if arguments.has("report") {
            Terminal.print(DoctorReport(diagnosis, Versions.parts).text(.ofThisHost()))
        } else {
            Terminal.print(
                arguments.wantsJSON ? diagnosis.json.description : diagnosis.text(.of(1)))
        }
        return diagnosis.isWell ? ExitCode.success : ExitCode.failure
    }

    /// - Parameter daemon: of the daemon; told behind those of the host.
    private static func findings(_ daemon: [DoctorFinding]) -> [DoctorFinding] {
        let host: HostAbilities
        do throws(SystemError) {
            host = try HostAbilities.probe()
        } catch {
            return [
                .failed("host", "\(error)", why: "nothing else can be looked at without it", cure: nil)
            ]
        }
        let parts = KernelFindings(host).all + HostFindings(host).all + InstallationFindings(host).all
        return parts + [TrialFinding.run(isExplained: !Diagnosis(findings: parts).isWell)] + daemon
    }
}
