/// What one layer, or several merged, say about a profile; every field may be missing.
///
/// Layers from the bottom to the top: built-in defaults, the chain of `extends`, the profile itself,
/// the command line. Of two layers the upper one wins, field by field; lists are replaced whole, the
/// environment is a field for each variable. What the lower one locks stays as it is there, and what
/// the upper one said about it is kept as refused, so that whoever asks can be told.
package struct PartialProfile: Hashable, Sendable {
    package struct Statement: Hashable, Sendable {
        package let value: ProfileValue
        package let origin: ProfileOrigin

        package init(_ value: ProfileValue, _ origin: ProfileOrigin) {
            self.value = value
            self.origin = origin
        }
    }

    /// All that is said about one field, in the order of the layers.
    struct Said: Hashable, Sendable {
        /// The last one holds.
        var accepted: [Statement] = []
        /// Said above a lock.
        var refused: [Statement] = []
    }

    /// In the order in which the fields were first mentioned, for the environment.
    private var order: [ProfileField] = []
    private var said: [ProfileField: Said] = [:]
    /// Where each path is locked: by the lowest layer that does.
    private var lockOrigins: [String: ProfileOrigin] = [:]

    package init() {}

    // MARK: One layer

    /// A later statement about the same field replaces an earlier one.
    package mutating func state(_ field: ProfileField, _ value: ProfileValue, _ origin: ProfileOrigin) {
        if said[field] == nil { order.append(field) }
        said[field] = Said(accepted: [Statement(value, origin)])
    }

    /// - Parameter path: a key, a section, `environment` or one variable of it.
    package mutating func lock(_ path: String, _ origin: ProfileOrigin) {
        if lockOrigins[path] == nil { lockOrigins[path] = origin }
    }

    // MARK: Merging

    /// `upper` laid over this.
    package func merged(with upper: PartialProfile) -> PartialProfile {
        var result = self
        for field in upper.order {
            guard let above = upper.said[field] else { continue }
            if result.said[field] == nil { result.order.append(field) }
            var said = result.said[field] ?? Said()
            if lockOrigin(of: field) == nil {
                said.accepted += above.accepted
                said.refused += above.refused
            } else {
                said.refused += above.accepted + above.refused
            }
            result.said[field] = said
        }
        result.lockOrigins.merge(upper.lockOrigins) { lower, _ in lower }
        return result
    }

    // MARK: What holds

    /// What is said about a field and where; nil when nobody says anything.
    package subscript(field: ProfileField) -> Statement? { said[field]?.accepted.last }

    package subscript(key: ProfileKey) -> Statement? { self[ProfileField(key)] }

    /// What was said about a field below what holds, from the bottom to the top.
    package func replaced(_ field: ProfileField) -> [Statement] { said[field]?.accepted.dropLast() ?? [] }

    /// The variables that are set, in the order in which they were first mentioned.
    package var variables: [ProfileField] {
        order.filter { $0.key == .environment && self[$0] != nil }
    }

    /// Every field that has a value: in the order of the keys, variables in that of the layers.
    package var fields: [ProfileField] {
        ProfileKey.allCases.flatMap { key in
            key == .environment ? variables : self[key] == nil ? [] : [ProfileField(key)]
        }
    }

    /// In alphabetical order.
    package var locks: [(path: String, origin: ProfileOrigin)] {
        lockOrigins.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Where a field is locked, by itself or with its section; nil where it is not.
    package func lockOrigin(of field: ProfileField) -> ProfileOrigin? {
        var path = field.path[...]
        while true {
            if let origin = lockOrigins[String(path)] { return origin }
            guard let dot = path.lastIndex(of: ".") else { return nil }
            path = path[..<dot]
        }
    }

    /// Something said above a lock that would have changed what holds.
    package struct Violation: Hashable, Sendable {
        package let field: ProfileField
        package let refused: Statement
        package let lock: ProfileOrigin
    }

    /// Repeating what is locked is none.
    package var violations: [Violation] {
        order.flatMap { field -> [Violation] in
            guard let said = said[field], let lock = lockOrigin(of: field) else { return [] }
            return said.refused.filter { $0.value != said.accepted.last?.value }.map {
                Violation(field: field, refused: $0, lock: lock)
            }
        }
    }
}

extension PartialProfile {
    /// The lowest layer: what holds where no file says anything.
    package static let builtIn: PartialProfile = {
        var layer = PartialProfile()
        for key in ProfileKey.allCases where key.isField {
            if let value = key.builtIn { layer.state(ProfileField(key), value, .builtIn) }
        }
        return layer
    }()
}
