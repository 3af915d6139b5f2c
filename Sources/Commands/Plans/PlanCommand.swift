import Preparation
import Quotas
import Sandbox
import Wire

/// `corral plan`: what tenants may be on. Files are looked at and no daemon is asked.
enum PlanCommand {
    static let all: [Command] = [list, show, check, schema]

    private static let list = Command(
        "plan list", summary: "List the plans that tenants can be on.",
        options: Command.Option.format("a list of objects"), examples: ["corral plan list"],
        details: """
            A name is looked up in the user's directory, /etc/corral/plans and the one installed with corral; a daemon
            looks in those that plans of corral.yaml says. corral tenant create --plan gives a tenant one.
            """
    ) { arguments in
        Failure.reported("plan list") { () throws(CommandError) in
            let installation = try prepared(Installation.find())
            var found: [(plan: Plan, origin: String)] = []
            var failed: [CommandError] = []
            for name in try prepared(installation.plans.names(.plan)) {
                do throws(CommandError) {
                    let origin = try prepared(installation.plans.find(name, .plan))?.directory.rawValue ?? ""
                    found.append((try plan(name, installation), origin))
                } catch {
                    // One that is wrong must not hide the others.
                    failed.append(error)
                }
            }
            if arguments.wantsJSON {
                let json = JSONText.array { list in
                    for (plan, origin) in found {
                        list.object { object in
                            write(plan, to: &object)
                            object.add("origin", origin)
                        }
                    }
                }
                Terminal.print(json.description)
            } else {
                let rows = found.map { [$0.plan.name, $0.origin, $0.plan.description] }
                for line in Columns.lines(rows) { Terminal.print(line) }
            }
            guard let last = failed.popLast() else { return }
            for error in failed { Terminal.error("corral plan list: \(error)") }
            throw last
        }
    }

    private static let show = Command(
        "plan show", summary: "Print what a plan says, with all that it extends.", operandsHelp: "NAME|FILE",
        operands: 1...1, options: Command.Option.format("the same"), examples: ["corral plan show free"]
    ) { arguments in
        Failure.reported("plan show") { () throws(CommandError) in
            let plan = try plan(arguments.operands[0], prepared(Installation.find()))
            if arguments.wantsJSON {
                Terminal.print(JSONText.object { write(plan, to: &$0) }.description)
            } else {
                for line in Columns.lines(rows(plan)) { Terminal.print(line) }
            }
        }
    }

    private static let check = Command(
        "plan check", summary: "Check plans, given by file or by name.", operandsHelp: "NAME|FILE...",
        operands: 1...Int.max, operandKinds: [.file], examples: ["corral plan check free"],
        details: """
            Reads each file and those that it extends, and looks for the profiles that they name; prints every
            mistake with its place. Exit code 1 if there is any.
            """
    ) { arguments in
        Failure.reported("plan check") { () throws(CommandError) in
            let installation = try prepared(Installation.find())
            var isWrong = false
            for operand in arguments.operands {
                do throws(CommandError) {
                    _ = try plan(operand, installation)
                    Terminal.print("\(shown(operand)): ok")
                } catch {
                    Terminal.error(error.description)
                    isWrong = true
                }
            }
            if isWrong { throw CommandError("not every plan is right") }
        }
    }

    private static let schema = Command(
        "plan schema", summary: "Print the JSON Schema of plan files, for editors."
    ) { _ in
        Terminal.print(PlanSchema.text)
        return ExitCode.success
    }

    // MARK: Parts

    /// - Parameter operand: a name, or a file: a path with a slash in it, or something that ends in `.yaml`.
    private static func plan(_ operand: String, _ installation: Installation) throws(CommandError) -> Plan {
        let isFile = operand.contains("/") || operand.hasSuffix(".yaml")
        let path = operand.contains("/") ? operand : "./\(operand)"
        let text = isFile ? try prepared(installation.planText(path)) : nil
        do throws(PlanProblem) {
            let library = installation.planLibrary
            guard let text else { return try library.plan(operand) }
            return try library.plan(text)
        } catch {
            throw CommandError(error.description)
        }
    }

    private static func write(_ plan: Plan, to object: inout JSONObjectWriter) {
        object.add("name", plan.name)
        object.add("description", plan.description)
        object.array("profiles") { list in
            if case .only(let names) = plan.profiles { for name in names { list.add(name) } }
        }
        object.add("any_profile", plan.profiles == .any)
        object.array("locked") { list in for lock in plan.locks { list.add(lock.path) } }
        object.object("limits") { limits in
            limits.add("memory", plan.memory)
            limits.add("cpus", plan.milliCPUs)
        }
        object.object("quotas") { quotas in
            for (quota, limit) in plan.quotas.all { quotas.add(quota.rawValue, limit) }
        }
        if let weight = plan.weight { object.add("weight", UInt64(weight)) }
        object.array("files") { list in for file in plan.files { list.add(file) } }
    }

    private static func rows(_ plan: Plan) -> [[String]] {
        var rows = [
            ["plan", plan.name], ["description", plan.description],
            ["files", plan.files.joined(separator: ", ")], ["profiles", plan.profiles.description],
        ]
        for lock in plan.locks { rows.append(["locked", "\(lock.path) (\(lock.origin))"]) }
        rows.append(["limits.memory", plan.memory.map(PlanKey.memory.write) ?? "none"])
        rows.append(["limits.cpus", plan.milliCPUs.map(PlanKey.cpus.write) ?? "none"])
        for (quota, limit) in plan.quotas.all {
            rows.append(["quotas.\(quota.rawValue)", quota.rule.write(limit)])
        }
        if let weight = plan.weight { rows.append(["weight", "\(weight)"]) }
        return rows
    }
}
