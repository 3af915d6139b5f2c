// Area J: environment, names, logs; and what an attacker can make others believe or lose.

import Glibc
import Sandbox
import TestSupport

extension Attack {
    static let environment: [Attack] = [
        Attack(
            "J01", "unexpected-variables", "variables of Corral's own environment", expected: "nothing",
            control: .bare(Expectation(stringLiteral: "found: " + hostile.joined(separator: " "))),
            stoppedBy: []),
        Attack(
            "J05", "secret-in-proc", "secrets of Corral's, by what /proc says of every process",
            expected: "nothing", control: .bare("found: environ"),
            stoppedBy: [.pidNamespace, .userNamespace, .uids]),
        Attack(
            "J05", "read-init-environment", "the environment of the sandbox's init", expected: "EACCES",
            stoppedBy: [.uids]),
        Attack(
            "J05", "open-init-memory", "the memory of the sandbox's init", expected: "EACCES",
            stoppedBy: [.uids]),
        Attack(
            "J05", "list-init-descriptors", "the descriptors of the sandbox's init", expected: "EACCES",
            stoppedBy: [.uids]),
        Attack(
            "J06", "exit-as-corral", "an exit code of Corral's own, to forge a cause",
            method: .scene { cage, stage in
                try causes(
                    of: "exit-as-corral", [122, 124, 125, 126, 127, 137, 152, 153, 154, 159], cage, stage)
            }, expected: "exited", control: .none("nobody else reports a cause"), stoppedBy: []),
        Attack(
            "J06", "die-as-by-limit", "the signals that limits kill with, to forge a cause",
            method: .scene { cage, stage in
                try causes(of: "die-as-by-limit", [SIGKILL, SIGXCPU, SIGXFSZ, SIGTERM], cage, stage)
            }, expected: "signalled", control: .none("nobody else reports a cause"), stoppedBy: []),
        Attack(
            "J03", "write-report", "a report of Corral's, with half a line before the real one",
            method: .scene(forgeReport), expected: "told apart",
            control: .none("nobody else writes a report"), stoppedBy: []),
        Attack(
            "D01", "hog-everything", "processes, memory and output, until neighbours starve",
            method: .scene(starveNeighbours), expected: "served",
            control: .none("shows what others lose"), stoppedBy: [.pids, .memory, .cpu]),
    ]

    /// Names that Corral is started with and no plugin may see, sorted.
    static let hostile = [
        "BASH_ENV", "CORRAL_ATTACK_SECRET", "GCONV_PATH", "LD_AUDIT", "LD_LIBRARY_PATH", "LD_PRELOAD",
        "MALLOC_PERTURB_", "NODE_OPTIONS", "PYTHONPATH", "SWIFT_BACKTRACE", "http_proxy",
    ]

    /// The causes reported for an attempt that reads a code from BAIT_CODE, each once.
    private static func causes(
        of name: String, _ codes: [Int32], _ cage: Cage, _ stage: Stage
    ) throws -> Answer {
        guard cage.profile != nil else { return "no report" }
        var found: Set<String> = []
        for code in codes {
            let program = cage.program(
                attacker: ["--here", name], options: ["--env", "BAIT_CODE=\(code)"], on: stage)
            let ended = try CageEnd(program.start().wait(timeout: 120))
            let expected = name == "exit-as-corral" ? code : 128 + code
            found.insert(ended.status == expected ? ended.cause ?? "none" : "status \(ended.status ?? -1)")
        }
        return Answer(found.sorted().joined(separator: ", "))
    }

    private static func forgeReport(_ cage: Cage, _ stage: Stage) throws -> Answer {
        guard cage.profile != nil else { return "no report" }
        let ended = try CageEnd(
            cage.program(attacker: ["write-report"], on: stage).start().wait(timeout: 120))
        guard ended.answers["write-report"] == "succeeded" else { return Answer("\(ended)") }
        // A consumer takes the last line; the forged ones are before it.
        let isReal = ended.cause == "exited" && ended.report?.member("id")?.text != "0123456789abcdef"
        return isReal ? "told apart" : Answer("the last line says \(ended.cause ?? "nothing")")
    }

    private static func starveNeighbours(_ cage: Cage, _ stage: Stage) throws -> Answer {
        guard cage.profile != nil else { return "no neighbours" }
        let limits = ["--memory", "64MiB", "--pids", "16", "--cpus", "0.5", "--output-limit", "1MiB"]
        let hog = try cage.program(attacker: ["--here", "hog-everything"], options: limits, on: stage).start()
        usleep(200_000)
        var served = 0
        for _ in 0..<5 {
            let program = cage.program(attacker: ["unexpected-variables"], on: stage)
            let ended = try CageEnd(program.start().wait(timeout: 120))
            if ended.cause == "exited", ended.answers["unexpected-variables"] == "nothing" { served += 1 }
        }
        try? hog.signal(SIGTERM)
        let ended = try CageEnd(hog.wait(timeout: 120))
        // Of memory where it came to that before it was ended.
        guard ["operator", "memory"].contains(ended.cause) else { return Answer("the hog: \(ended)") }
        return served == 5 ? "served" : Answer("\(served) of 5 served")
    }
}
