import Preparation
import Sandbox
import Wire

extension ProfileCommand {
    static let show = Command(
        "profile show", summary: "Print what a profile says, each value with its origin.",
        operandsHelp: "NAME|FILE", operands: 1...1, operandKinds: [.profile],
        options: [
            .init(
                "effective", help: "every value that holds: of the file, of those it extends, and built in")
        ] + Command.Option.format("the same"),
        examples: ["corral profile show offline", "corral profile show --effective offline"],
        details: """
            An origin is FILE:LINE or "built-in default". Values that others stand in front of are told
            behind them. What is locked keeps its value in every profile that extends this one, and on
            the command line.
            """
    ) { arguments in
        Failure.reported("profile show") { () throws(CommandError) in
            let installation = try prepared(Installation.find())
            let source = try prepared(installation.profileSource(path(arguments.operands[0])))
            let shown = ProfileShown(
                chain: try prepared(installation.chain(from: source)).chain,
                effective: arguments.has("effective"))
            Terminal.print(arguments.wantsJSON ? shown.json : shown.text)
            if shown.effective {
                let problems = Profile.problems(of: shown.layers, file: source.called)
                if let problem = problems.first { throw CommandError(problem.description) }
            }
        }
    }

    /// `x.yaml` is meant as a file: no profile has such a name.
    static func path(_ operand: String) -> String {
        operand.hasSuffix(".yaml") && !operand.contains("/") ? "./\(operand)" : operand
    }
}

/// What `profile show` prints.
struct ProfileShown {
    let chain: ProfileChain
    let effective: Bool

    /// What is shown: the file's own layer or all of them.
    var layers: PartialProfile { effective ? chain.merged : chain.files[0].layer }

    var text: String {
        var head = [["profile", chain.files[0].name], ["file", chain.files[0].file]]
        for file in chain.files.dropFirst() { head.append(["extends", file.file]) }
        let layers = layers
        var rows: [[String]] = layers.fields.compactMap { field in
            guard let statement = layers[field] else { return nil }
            let below = layers.replaced(field).reversed().filter { $0.value != statement.value }.map {
                "\($0.value.written(as: field.key.kind)) (\($0.origin))"
            }
            let before = below.isEmpty ? "" : "; instead of \(below.joined(separator: ", "))"
            let value = statement.value.written(as: field.key.kind)
            // A long value must not push the origins of all others off the screen.
            let padded = value + String(repeating: " ", count: max(0, 20 - value.count))
            return ["\(field.path):", "\(padded)  # \(statement.origin)\(before)"]
        }
        rows += layers.locks.map { lock in
            [
                "locked:",
                "\(lock.path + String(repeating: " ", count: max(0, 20 - lock.path.count)))  # \(lock.origin)",
            ]
        }
        return (Columns.lines(head) + [""] + Columns.lines(rows)).joined(separator: "\n")
    }

    var json: String {
        let layers = layers
        return JSONText.object { object in
            object.add("name", chain.files[0].name)
            object.array("files") { list in for file in chain.files { list.add(file.file) } }
            object.object("values") { values in
                for field in layers.fields {
                    guard let statement = layers[field] else { continue }
                    values.object(field.path) { value in
                        write(statement, field.key.kind, to: &value)
                        value.array("replaces") { list in
                            for below in layers.replaced(field) {
                                list.object { write(below, field.key.kind, to: &$0) }
                            }
                        }
                    }
                }
            }
            object.array("locked") { list in
                for lock in layers.locks {
                    list.object { object in
                        object.add("key", lock.path)
                        object.add("origin", "\(lock.origin)")
                    }
                }
            }
        }.description
    }

    private func write(
        _ statement: PartialProfile.Statement, _ kind: ProfileKey.Kind, to object: inout JSONObjectWriter
    ) {
        switch statement.value {
        case .text(let text): object.add("value", text)
        case .flag(let flag): object.add("value", flag)
        case .list(let items): object.array("value") { list in for item in items { list.add(item) } }
        case .ports(.only(let ports)) where !ports.isEmpty:
            object.array("value") { list in for port in ports { list.add(Int(port)) } }
        case .number, .unlimited, .ports: object.add("value", statement.value.written(as: kind))
        }
        object.add("origin", "\(statement.origin)")
    }
}
