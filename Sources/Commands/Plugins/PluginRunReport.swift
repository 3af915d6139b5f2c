import Plugins
import Sandbox
import Wire

/// What `corral run` reported of a plugin under test, and what of it is the plugin's fault.
struct PluginRunReport {
    private let tree: JSONTree

    /// - Parameter line: the report as it came; nil where it is none.
    init?(_ line: [UInt8]) {
        guard let tree = try? JSONTree(parsing: line) else { return nil }
        self.tree = tree
    }

    /// Why nothing was started, and with which exit code.
    var launchFailure: (code: Int32, error: String)? {
        guard text("cause") == Cause.launchFailed.rawValue else { return nil }
        return (Int32(number("code") ?? 125), text("error") ?? "the plugin was not started")
    }

    /// Adds what the run says about the plugin.
    /// - Parameters:
    ///   - isComplete: everything was asked and answered.
    ///   - endedByUs: the sandbox was ended because the test was over.
    func judge(isComplete: Bool, endedByUs: Bool, into findings: inout Findings) {
        for refusal in refusals { refusal.judge(&findings) }
        for limit in texts("limits_hit") { findings.warn(Finding("plugin", "reaches the limit of \(limit)")) }
        switch text("cause") {
        case Cause.exited.rawValue:
            let status = number("exit") ?? 0
            if !isComplete {
                findings.add(Finding("plugin", "exits with status \(status) before it was asked to"))
            } else if status != 0 {
                findings.warn(
                    Finding("plugin", "exits with status \(status) after shutdown; TGO takes no notice"))
            }
        case Cause.operator.rawValue where endedByUs: return
        case .some(let cause):
            let signal = number("signal").map { " (signal \($0))" } ?? ""
            findings.add(Finding("plugin", "is ended: \(cause)\(signal)"))
        case nil: return
        }
    }

    private struct Refused {
        let rule: String
        let count: Int
        let first: String

        func judge(_ findings: inout Findings) {
            // The host sees some of them as errors in place of answers.
            if findings.list.contains(where: { $0.problem.contains(first) }) { return }
            if rule == "upstream" {
                return findings.add(
                    Finding("relay", "the plugin connects again; expected one connection, as TGO has it"))
            }
            let times = count == 1 ? "once" : "\(count) times"
            findings.add(Finding("relay", "\(escapedLine(first, atMost: 300)) (\(rule), refused \(times))"))
        }
    }

    private var refusals: [Refused] {
        guard let relay = member("relay", of: tree), let list = member("refusals", of: relay),
            case .array(let entries) = list.value
        else { return [] }
        return entries.map { entry in
            Refused(
                rule: text("rule", of: entry) ?? "", count: number("count", of: entry) ?? 1,
                first: PluginRunReport.withoutSender(text("first", of: entry) ?? ""))
        }
    }

    /// In the test of a plugin nearly everything is the plugin's.
    private static func withoutSender(_ text: String) -> String {
        let sender = "from the plugin: "
        return text.hasPrefix(sender) ? String(text.dropFirst(sender.count)) : text
    }

    // MARK: Reading

    private func member(_ name: String, of tree: JSONTree) -> JSONTree? {
        guard case .object(let members) = tree.value else { return nil }
        return members.first { $0.key == name }?.value
    }

    private func text(_ name: String, of object: JSONTree? = nil) -> String? {
        if case .string(let text) = member(name, of: object ?? tree)?.value { return text }
        return nil
    }

    private func number(_ name: String, of object: JSONTree? = nil) -> Int? {
        if case .number(let text) = member(name, of: object ?? tree)?.value { return Int(text) }
        return nil
    }

    private func texts(_ name: String) -> [String] {
        guard case .array(let items) = member(name, of: tree)?.value else { return [] }
        return items.compactMap { item in
            if case .string(let text) = item.value { return text }
            return nil
        }
    }
}
