import Quotas

/// The plans that tenants have, as they were read last.
struct PlanTable: Sendable {
    private var plans: [String: Plan] = [:]
    /// Of those that could not be read at the start, and why.
    private(set) var problems: [String: String] = [:]

    subscript(name: String?) -> Plan? { name.flatMap { plans[$0] } }

    mutating func put(_ plan: Plan) {
        plans[plan.name] = plan
        problems[plan.name] = nil
    }

    mutating func put(problem: String, of name: String) { problems[name] = problem }

    mutating func keep(only names: Set<String>) {
        plans = plans.filter { names.contains($0.key) }
        problems = problems.filter { names.contains($0.key) }
    }
}
