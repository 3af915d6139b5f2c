// Area A: options of calls that everybody may make, filters of a plugin's own, terminals, and arguments that
// change meanwhile.

import Sandbox
import TestSupport

extension Attack {
    static let switches: [Attack] =
        refused(
            "A/28", "EINVAL",
            [
                "prctl-syscall-user-dispatch": "system calls handled by oneself",
                "prctl-cap-ambient": "the ambient capabilities",
                "prctl-cap-ambient-high-bits": "the same with garbage in the upper half",
                "prctl-keepcaps": "keeping capabilities", "prctl-securebits": "the rules about root",
                "prctl-capbset-drop": "the bounding set",
                "prctl-child-subreaper": "being the parent of orphans",
            ])
        + refused(
            "A/28", "EINVAL", control: .bare(["succeeded", "EPERM"]),
            ["prctl-set-mm": "the layout of one's memory, as the kernel shows it"])
        + refused(
            "A/28", "EINVAL", control: .none("a kernel without Yama answers the same"),
            ["prctl-set-ptracer": "being traced by anybody"])
        + refused(
            "A/26", "EPERM",
            [
                "personality-no-randomize": "addresses without randomisation",
                "personality-no-randomize-high-bits": "the same with garbage in the upper half",
                "personality-read-implies-exec": "memory that is all executable",
            ])
        + refused(
            "A/30", "EINVAL",
            [
                "fcntl-notify": "watching a directory, by fcntl(2)",
                "fcntl-setown": "signals from a file", "fcntl-setsig": "which signal these are",
                "fcntl-setlease": "a lease, which holds up whoever opens the file",
            ])
        + [
            Attack(
                "A/30", "watch-others",
                "whether others open a file of a directory that is mounted, by inotify(7)",
                method: .scene(watch),
                expected: ("saw the host open a file" as Expectation).but(in: "strict", "ENOSYS"),
                control: .bare("saw the host open a file"), stoppedBy: [.seccomp])
        ] + terminals + races

    /// The host opens the file once the attempt watches it.
    private static func watch(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let name = "watch-others"
        let running = try cage.program(attacker: [name], on: stage).start()
        if try running.waitForText("watching\n", within: 60) { _ = try File.read(stage.attacker) }
        let ended = CageEnd(try running.wait(timeout: 60))
        guard let answer = ended.answers[name] else { throw AttackError("\(name) in \(cage): \(ended)") }
        return answer
    }

    private static let terminals: [Attack] =
        refused(
            "A/12", "ENOTTY",
            [
                "tiocsti": "typing for others on a terminal (CVE-2017-5226)",
                "tiocsti-high-bits": "the same with garbage in the upper half (CVE-2019-10063)",
                "tiocsetd": "another line discipline",
            ])
        + refused(
            "A/12", "ENOTTY", control: .none("only a virtual console takes it"),
            ["tioclinux": "pasting into a console (CVE-2023-28100)"])
        + [
            Attack(
                "A/12", "tiocsti-here", "typing for others on the terminal of corral run -t",
                method: .scene(onTerminal), expected: "ENOTTY", stoppedBy: [.seccomp])
        ]

    private static func onTerminal(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let name = "tiocsti-here"
        let program = cage.program(attacker: [name], options: ["-it"], on: stage)
        let terminal = try UserTerminal(program.arguments, environment: program.environment)
        // What was typed may stand before it.
        guard try terminal.waitForText("<code ", within: 60),
            let line = terminal.screen.split(whereSeparator: \.isNewline).first(where: {
                $0.contains("\(name)\t")
            }), let answer = line.split(separator: "\t").last
        else { throw AttackError("\(name) in \(cage): \(terminal.screen)") }
        return Answer(String(answer))
    }

    private static let races: [Attack] =
        refused(
            "A15", "ENOSYS",
            [
                "race-clone3": "clone3(2) 100,000 times with flags that another thread changes",
                "race-openat2": "openat2(2) 100,000 times with a mode that another thread changes",
            ])
        + refused(
            "A15",
            (["EACCES", "not in this kernel"] as Expectation).but(in: "strict", "EAFNOSUPPORT")
                .but(in: "offline_readonly", "EAFNOSUPPORT"),
            control: .without([.landlockTCP], ["ECONNREFUSED", "not in this kernel"]), by: [.landlockTCP],
            ["race-connect": "connect(2) 10,000 times with an address that another thread changes"])

    /// On top of the filter that is there.
    static let filters: [Attack] =
        refused(
            "A/28", "mode 2", control: .bare("mode 0"), ["seccomp-mode": "which mode of seccomp(2) is on"])
        + refused(
            "A/28", "ENOSYS",
            [
                "seccomp-filter": "a filter of one's own, by seccomp(2)",
                "seccomp-listener": "one that asks a process of one's own",
                "seccomp-ask": "which actions there are",
            ])
        + refused("A/28", "EINVAL", ["seccomp-filter-by-prctl": "a filter of one's own, by prctl(2)"])
        + refused(
            "A/28", "EPERM", ["filter-loosened": "a user namespace, after a filter that lets everything pass"]
        )
}
