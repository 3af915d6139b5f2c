import Launch
import Linux
import Preparation
import Wire

/// `corral doctor`: what of this host and this installation a sandbox can have, each thing tried out.
enum DoctorCommand {
    static let command = Command(
        "doctor", summary: "Find out what sandboxes can have here, and how to cure what they cannot.",
        options: Command.Option.format("the findings"),
        examples: ["corral doctor", "corral doctor -o json"],
        details: """
            Everything is tried, nothing is guessed from versions: namespaces and mounts in a child, and at
            the end a whole sandbox. Nothing is changed. What a run needs and does not get is FAILED; a
            warning is something that could be better.

            Exit code: 0 nothing failed, 1 something did.
            """
    ) { arguments in
        let diagnosis = Diagnosis(findings: findings())
        Terminal.print(
            arguments.wantsJSON ? diagnosis.json.description : diagnosis.text(.of(1)))
        return diagnosis.isWell ? ExitCode.success : ExitCode.failure
    }

    private static func findings() -> [DoctorFinding] {
        let host: HostAbilities
        do throws(SystemError) {
            host = try HostAbilities.probe()
        } catch {
            return [
                .failed("host", "\(error)", why: "nothing else can be looked at without it", cure: nil)
            ]
        }
        let parts = KernelFindings(host).all + HostFindings(host).all + InstallationFindings(host).all
        return parts + [TrialFinding.run(isExplained: !Diagnosis(findings: parts).isWell)]
    }
}
