import CLinux
import Glibc
import Relay
import Sandbox

/// Lines on standard error about what the relay refuses: the first refusal of each rule, as it happens.
/// The report counts them all.
///
/// What is refused was written by the plugin or its host, so a line is escaped and of bounded length, and
/// nobody waits for whoever reads standard error.
struct RelayNotices {
    /// The most characters of a reason.
    static let longest = 300

    /// What could not be written at once.
    private var waiting: [String] = []

    mutating func add(_ news: [(rule: RelayRule, reason: String)]) {
        waiting += news.map(RelayNotices.line)
    }

    /// Writes what standard error takes without blocking.
    mutating func write() {
        while let line = waiting.first {
            var ready = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
            guard unsafe poll(&ready, 1, 0) == 1 else { return }
            waiting.removeFirst()
            // A pipe that is ready takes PIPE_BUF bytes, which are more than a line has (pipe(7)).
            Terminal.error(line)
        }
    }

    /// Writes the rest and waits for its reader: for the end, with the other lines there.
    mutating func finish() {
        waiting.forEach(Terminal.error)
        waiting = []
    }

    static func line(_ rule: RelayRule, _ reason: String) -> String {
        "corral run: relay: refused (\(rule.rawValue)): \(oneLine(reason))"
    }

    /// The last line of a run that was ended for a violation.
    static func ending(_ violation: RelayViolation) -> String {
        let key = violation.rule.key.map { "\($0), " } ?? ""
        return "corral run: ended by its relay: \(oneLine(violation.reason)) (rule "
            + "\(violation.rule.rawValue); \(key)relay.violation: kill)"
    }

    private static func oneLine(_ text: String) -> String {
        let escaped = escapingControls(text.unicodeScalars.prefix(longest))
        return text.unicodeScalars.count > longest ? escaped + "..." : escaped
    }
}
