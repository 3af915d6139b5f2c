package import API
import Sessions

/// Who may call what about what: made from the roles, the rights and the table of operations, printed into
/// docs/access.md and held against a daemon by tests.
package enum AccessMatrix {
    /// What an operation's object is to the caller.
    package enum Relation: String, CaseIterable, Sendable {
        /// The caller's tenant has it.
        case own
        /// Likewise, and it has ended.
        case ended
        /// Another tenant has it.
        case foreign
        /// There is none.
        case unknown
    }

    /// Whether an operation is about something that belongs to a tenant.
    package static func isAboutObject(_ route: APIRoute) -> Bool {
        !Set(route.parameters).isDisjoint(with: ["session", "workspace", "tenant"])
    }

    /// - Parameter relation: nil for an operation that is about no object.
    package static func decision(_ role: Role, _ route: APIRoute, _ relation: Relation?) -> Decision {
        guard let right = Right(operation: route.name) else { return .forbidden }
        let caller = Caller(name: "", role: role, tenant: .defaultTenant)
        let subject: Subject =
            switch relation {
            case nil: .node
            case .own?, .ended?: .tenant(caller.tenant)
            case .foreign?: foreign.map { .tenant($0) } ?? .unknown
            case .unknown?: .unknown
            }
        return caller.may(right, about: subject)
    }

    private static let foreign = try? Name("another")

    /// One cell of the table: what becomes of the four relations, or of the only one.
    private static func cell(_ role: Role, _ route: APIRoute) -> String {
        let relations: [Relation?] = isAboutObject(route) ? Relation.allCases : [nil]
        let words = relations.map { relation in
            switch decision(role, route, relation) {
            case .allowed: "yes"
            case .forbidden: "403"
            case .hidden: "404"
            }
        }
        if words.allSatisfy({ $0 == words[0] }) { return words[0] }
        return words.joined(separator: " ")
    }

    /// The table of docs/access.md.
    package static var table: String {
        let roles = Role.allCases.map(\.rawValue)
        var lines = [
            "| operation | | asks for | \(roles.joined(separator: " | ")) |",
            "|---|---|---|\(roles.map { _ in "---|" }.joined())",
        ]
        for route in APIRoute.all {
            let right = Right(operation: route.name)?.rawValue ?? "nothing that anybody has"
            let cells = Role.allCases.map { cell($0, route) }.joined(separator: " | ")
            lines.append(
                "| `\(route.name)` | `\(route.method.rawValue) \(route.path)` | \(right) | \(cells) |")
        }
        return lines.joined(separator: "\n")
    }
}
