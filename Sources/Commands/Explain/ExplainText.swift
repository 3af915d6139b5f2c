import Denials
import Linux
import Sandbox
import Seccomp
import Wire

/// What `profile explain` prints about an event.
struct ExplainText {
    let profile: String
    let event: Event
    let explanation: Explanation

    var text: String {
        var lines: [String] = []
        if let denial = explanation.denial {
            lines.append("refused: \(event.sentence), under \(profile)")
            var rows = [["  by", ExplainText.placed(denial.source, denial.rule)]]
            rows.append(["  the program gets", denial.effect.description])
            rows.append(["  to allow it", denial.cure])
            lines += [""] + Columns.lines(rows)
        } else {
            lines.append("allowed: \(event.sentence), under \(profile)")
        }
        let rows = explanation.steps.map { step in
            [
                "  \(step.verdict.word)", step.source.rawValue,
                step.rule.text + (step.rule.origin.map { "  (\($0))" } ?? ""),
            ]
        }
        return (lines + ["", "Why:"] + Columns.lines(rows)).joined(separator: "\n")
    }

    static func placed(_ source: Denial.Source, _ rule: Denial.Rule) -> String {
        "\(source.rawValue)\(rule.origin.map { ", \($0)" } ?? ""): \(rule.text)"
    }

    var json: String {
        JSONText.object { object in
            object.add("profile", profile)
            object.add("event", event.sentence)
            object.add("allowed", explanation.denial == nil)
            if let denial = explanation.denial {
                object.object("denial") { object in
                    object.add("by", denial.source.rawValue)
                    object.add("rule", denial.rule.text)
                    if let origin = denial.rule.origin { object.add("origin", origin) }
                    object.add("effect", denial.effect.description)
                    if case .errno(let errno) = denial.effect { object.add("errno", errno.name) }
                    if case .signal(let number) = denial.effect { object.add("signal", Int(number)) }
                    object.add("cure", denial.cure)
                }
            }
            object.array("why") { list in
                for step in explanation.steps {
                    list.object { object in
                        object.add("by", step.source.rawValue)
                        object.add("verdict", step.verdict.word)
                        object.add("rule", step.rule.text)
                        if let origin = step.rule.origin { object.add("origin", origin) }
                    }
                }
            }
        }.description
    }
}

extension Explanation.Step.Verdict {
    fileprivate var word: String {
        switch self {
        case .allows: "allows"
        case .denies: "refuses"
        case .notes: "notes"
        }
    }
}

extension Event {
    /// As it stands behind `refused:`.
    fileprivate var sentence: String {
        switch self {
        case .systemCall(let call):
            let name = Syscalls.name(of: call.number) ?? "call \(call.number)"
            return "\(name)(\(call.arguments.map { "0x" + String($0, radix: 16) }.joined(separator: ", ")))"
        case .path(let event): return "\(event.access.verb) \(shown(event.path))"
        case .tcp(.connect(let address, let port)): return "connect to \(address):\(port) by TCP"
        case .tcp(.connectByName(let name, let port)): return "connect to \(shown(name)):\(port) by TCP"
        case .tcp(.bind(let address, let port)): return "listen on \(address):\(port) by TCP"
        case .limit(let event):
            guard case .quantity(let quantity) = event.key.kind else { return event.key.rawValue }
            return "\(event.key.rawValue) of \(event.amount.map(quantity.write) ?? "any amount")"
        }
    }
}

extension PathEvent.Access {
    fileprivate var verb: String {
        switch self {
        case .read: "read"
        case .write: "write to"
        case .execute: "execute"
        case .create: "create"
        case .truncate: "truncate"
        case .remove: "remove"
        }
    }
}
