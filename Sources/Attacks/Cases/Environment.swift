// Area J: environment, names, logs.

import Sandbox

extension Attack {
    static let environment: [Attack] = [
        Attack(
            "J01", "read-callers-variable", "a variable of Corral's own environment", expected: "absent",
            stoppedBy: [])
    ]
}
