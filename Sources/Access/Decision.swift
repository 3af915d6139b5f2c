package import Sessions

/// Who asks: the owner of a token, or a user of this machine whom the configuration knows.
package struct Caller: Hashable, Sendable {
    /// As audit records name it: `uid 1000`, `token ci`.
    package let name: String
    package let role: Role
    package let tenant: Name

    package init(name: String, role: Role, tenant: Name) {
        self.name = name
        self.role = role
        self.tenant = tenant
    }
}

/// What an operation is about.
package enum Subject: Hashable, Sendable {
    /// Nothing that belongs to a tenant.
    case node
    case tenant(Name)
    /// Nothing that there is.
    case unknown
}

/// What becomes of a request before anything is done for it.
package enum Decision: Hashable, Sendable {
    case allowed
    /// The role does not have the right, whatever it is about: 403.
    case forbidden
    /// As if it did not exist: 404, in the words for what does not. That another tenant has something of a name is
    /// nobody else's to know.
    case hidden
}

extension Caller {
    /// Whether the caller may, where the operation asks for that right.
    package func may(_ right: Right, about subject: Subject) -> Decision {
        let reach = role.reach(right)
        // Before the subject is looked at: else what is there could be told from what is not.
        if reach == .none { return .forbidden }
        switch subject {
        case .unknown: return .hidden
        case .node: return .allowed
        case .tenant(let owner):
            return reach == .all || owner == tenant ? .allowed : .hidden
        }
    }

    /// Whether lists show the caller what that tenant has.
    package func sees(_ owner: Name) -> Bool { may(.look, about: .tenant(owner)) == .allowed }
}
