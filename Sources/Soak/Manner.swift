import Glibc
import TestSupport

/// What a `corral run` of a crowd is asked for, beside being killed.
struct Manner {
    let options: [String]
    /// Runs until somebody ends it.
    let command: [String]

    static let plain = Manner(options: [], command: ["/usr/bin/sleep", "1000"])

    private static let place = "WORKSPACE"
    private static let options: [[String]] = [
        [], ["--profile", "strict"], ["--profile", "offline"], ["--profile", "offline_readonly"],
        ["--memory", "64MiB", "--pids", "8", "--cpus", "0.2"], ["--json"], ["-t"],
        ["--tmpfs", "/scratch:size=4m"], ["--volume", "/usr/share:/data:ro"], ["--workspace", place],
        ["--output-limit", "1000"], ["--cpu-time", "1m"],
    ]

    private static let commands = [
        plain.command, ["yes"], ["sh", "-c", "while :; do :; done"],
        ["sh", "-c", "while :; do /usr/bin/true; done"],
        ["sh", "-c", "sleep 1000 & sleep 1000 & wait"],
    ]

    /// One of many, for runs that are unlike each other.
    /// - Parameter workspace: a directory that sandboxes may be given.
    static func any(_ workspace: String, _ random: inout Seeded) -> Manner {
        Manner(
            options: random.pick(options).map { $0 == place ? workspace : $0 },
            command: random.pick(commands))
    }
}
