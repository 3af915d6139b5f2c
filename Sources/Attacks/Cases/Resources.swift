// Area D: resources.

import Sandbox

extension Attack {
    static let resources: [Attack] = [
        Attack(
            "D02", "eat-memory", "1 GiB of memory where 64 MiB are allowed",
            method: .alone(options: ["--memory", "64MiB"]), expected: "memory 137",
            stoppedBy: [.memory])
    ]
}
