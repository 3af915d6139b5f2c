package import Sandbox

/// Which sessions a list has, in docker's way: `label=team=red`, `label=team`, `state=running`,
/// `name=web`, `tenant=`, `profile=`, `image=`, `id=`.
///
/// Conditions of one key are alternatives, except that every label has to be there; different keys all
/// have to hold.
package struct SessionFilter: Hashable, Sendable {
    package enum Key: String, CaseIterable, Sendable {
        case id, image, label, name, profile, state, tenant
    }

    private struct LabelCondition: Hashable, Sendable {
        let key: String
        /// Nil for any.
        let value: String?
    }

    private var labels: [LabelCondition] = []
    private var states: Set<SessionState> = []
    private var ids: [IDPrefix] = []
    /// Of the keys whose values are compared as they are.
    private var texts: [Key: Set<String>] = [:]

    /// Lets all pass.
    package init() {}

    package init(_ conditions: some Sequence<String>) throws(ValueError) {
        for condition in conditions { try add(condition) }
    }

    package mutating func add(_ condition: String) throws(ValueError) {
        guard let equals = condition.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw ValueError("\(quoted(condition)) has no =; expected key=value, such as state=running")
        }
        let word = String(condition[..<equals])
        let value = String(condition[condition.utf8.index(after: equals)...])
        guard let key = Key(rawValue: word) else {
            let names = Key.allCases.map(\.rawValue)
            let cure = suggestion(for: word, in: names) ?? "expected one of \(names.joined(separator: ", "))"
            throw ValueError("\(quoted(word)) is not a key of a filter; \(cure)")
        }
        switch key {
        case .label: labels.append(try SessionFilter.label(value))
        case .state: states.insert(try SessionFilter.state(value))
        case .id:
            guard let prefix = IDPrefix(value) else {
                throw ValueError("\(quoted(value)) begins no id; expected 1 to 16 of 0-9 and a-f")
            }
            ids.append(prefix)
        case .image, .name, .profile, .tenant: texts[key, default: []].insert(value)
        }
    }

    package func passes(_ session: Session) -> Bool {
        let spec = session.spec
        return (states.isEmpty || states.contains(session.machine.state))
            && (ids.isEmpty || ids.contains { $0.begins(session.id) })
            && passes(.name, spec.name?.description) && passes(.tenant, spec.tenant.description)
            && passes(.profile, spec.profile) && passes(.image, spec.image)
            && labels.allSatisfy { condition in
                guard let value = spec.labels[condition.key] else { return false }
                return condition.value == nil || condition.value == value
            }
    }

    private func passes(_ key: Key, _ text: String?) -> Bool {
        guard let wanted = texts[key] else { return true }
        return text.map(wanted.contains) ?? false
    }

    private static func label(_ text: String) throws(ValueError) -> LabelCondition {
        guard text.utf8.contains(UInt8(ascii: "=")) else {
            return LabelCondition(key: try Label(key: text, value: "").key, value: nil)
        }
        let label = try Label(text)
        return LabelCondition(key: label.key, value: label.value)
    }

    private static func state(_ text: String) throws(ValueError) -> SessionState {
        guard let state = SessionState(rawValue: text) else {
            let names = SessionState.allCases.map(\.rawValue)
            let cure = suggestion(for: text, in: names) ?? "expected one of \(names.joined(separator: ", "))"
            throw ValueError("\(quoted(text)) is not a state; \(cure)")
        }
        return state
    }
}
