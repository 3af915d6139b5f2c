// Area E: lifetime and kill.

import Sandbox

extension Attack {
    static let lifetime: [Attack] = limits + initProcess + causes + survivors

    /// Three seconds of staying where 300 ms are allowed.
    private static func stays(
        _ group: String, _ name: String, _ what: String, options: [String] = [], control: Control = .bare()
    ) -> Attack {
        Attack(
            group, name, what, method: .alone(options: ["--timeout", "300ms"] + options),
            expected: "timeout 124", control: control, stoppedBy: [])
    }

    private static let limits: [Attack] = [
        stays("E01", "ignore-signals", "every signal ignored that can be"),
        stays("E03", "stop-everything", "itself and its children stopped, in several sessions"),
        stays("E04", "hold-parent", "a child of vfork(2) that never executes anything"),
        stays(
            "E03", "spin-on", "8 threads with hardly any processor time to end in",
            options: ["--cpus", "0.02"], control: .none("it ends by a signal alone, on every host")),
    ]

    private static let initProcess: [Attack] = [
        Attack(
            "E03", "trace-child", "tracing a child of its own", expected: "EPERM", stoppedBy: [.seccomp]),
        Attack(
            "E02", "adopt-orphans", "adopting orphans in the place of PID 1", expected: "EINVAL",
            stoppedBy: [.seccomp]),
        Attack(
            "E03", "kill-init-by-descriptor", "SIGKILL to PID 1 by its pidfd", expected: "EPERM",
            stoppedBy: [.uids, .landlockScopes]),
        Attack(
            "E03", "limit-init", "limits of PID 1, by prlimit(2)", expected: "EPERM",
            stoppedBy: [.seccomp, .uids]),
    ]

    /// Ends whose cause is to be told, and not taken for another.
    private static let causes: [Attack] = [
        Attack(
            "E08", "trip-wire", "a system call that nobody makes by accident", method: .alone(options: []),
            expected: "seccomp 159", control: .bare("EINVAL"), stoppedBy: [.seccomp]),
        Attack(
            "E08", "pretend-memory", "an end like that for memory", method: .alone(options: []),
            expected: "signalled 137", control: pretending, stoppedBy: []),
        Attack(
            "E08", "pretend-cpu", "an end like that for processor time", method: .alone(options: []),
            expected: "signalled 152", control: pretending, stoppedBy: []),
        Attack(
            "E08", "pretend-timeout", "the exit status of a limit of time", method: .alone(options: []),
            expected: "exited 124", control: pretending, stoppedBy: []),
    ]

    private static let pretending = Control.none("outside nobody tells causes")

    private static func outlives(_ group: String, _ part: String, _ what: String) -> Attack {
        Attack(
            group, "outlive-\(part)", what, method: .scene { try Scenes.outlive(part, $0, $1) },
            expected: "gone", stoppedBy: [.pidNamespace])
    }

    private static let survivors: [Attack] = [
        outlives("E02", "daemon", "a daemon: two forks, a session of its own, nothing open"),
        outlives("E06", "reader-waiting", "a child that keeps the output open"),
        outlives("E03", "stopped", "a child that is stopped"),
        Attack(
            "E10", "outlive-corral", "staying when corral is killed by SIGKILL",
            method: .scene(Scenes.killCorral), expected: "gone", stoppedBy: [.pidNamespace]),
        Attack(
            "E08", "outlive-signals", "staying when corral gets 50 signals at once",
            method: .scene(Scenes.signalMany), expected: "gone, told once as operator", stoppedBy: []),
        Attack(
            "E03", "outlive-frozen", "staying because its cgroup is frozen",
            method: .scene(Scenes.freeze), expected: ["operator 143", "no freezer here"],
            control: .none("only the host can freeze a group"), stoppedBy: []),
    ]
}
