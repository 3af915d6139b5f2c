package import Wire

/// The members of a JSON object that came with a request, asked for by name.
///
/// Every refusal names the path of the field, such as `limits.memory`. What nobody asked for is refused by
/// ``end()``, so that a misspelt name is never taken for one that was left out. Null counts as left out.
package struct BodyFields {
    private let members: [JSONTree.Member]
    /// What stands before the names in here, such as `limits.`.
    private let prefix: String
    private var asked: Set<String> = []

    /// - Parameters:
    ///   - tree: nil for a body that was left out.
    ///   - path: of the object; empty for the body itself.
    package init(_ tree: JSONTree?, at path: String = "") throws(ServiceError) {
        prefix = path.isEmpty ? "" : "\(path)."
        guard let tree else {
            members = []
            return
        }
        guard case .object(let members) = tree.value else {
            throw ServiceError(
                .invalid, "\(path.isEmpty ? "the body" : path) is \(tree.kind), and must be an object",
                field: path.isEmpty ? "body" : path)
        }
        self.members = members
    }

    /// The value, unless it is missing or null.
    package mutating func value(_ name: String) -> JSONTree? {
        asked.insert(name)
        guard let member = members.first(where: { $0.key == name }), member.value.value != .null else {
            return nil
        }
        return member.value
    }

    package mutating func text(_ name: String) throws(ServiceError) -> String? {
        guard let tree = value(name) else { return nil }
        guard case .string(let text) = tree.value else { throw wrong(name, tree, "a string") }
        return text
    }

    package mutating func truth(_ name: String) throws(ServiceError) -> Bool? {
        guard let tree = value(name) else { return nil }
        guard case .bool(let truth) = tree.value else { throw wrong(name, tree, "true or false") }
        return truth
    }

    /// A whole number in `range`.
    package mutating func number(
        _ name: String, in range: ClosedRange<UInt64> = 0...UInt64.max
    ) throws(ServiceError) -> UInt64? {
        guard let tree = value(name) else { return nil }
        let expected =
            range.upperBound == .max
            ? "a whole number from \(range.lowerBound) on"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .number(let text) = tree.value else { throw wrong(name, tree, expected) }
        guard let number = UInt64(text), range.contains(number) else {
            throw refusal(name, "is \(text), and must be \(expected)")
        }
        return number
    }

    package mutating func texts(_ name: String) throws(ServiceError) -> [String]? {
        guard let tree = value(name) else { return nil }
        guard case .array(let elements) = tree.value else { throw wrong(name, tree, "a list of strings") }
        var texts: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element.value else {
                throw wrong("\(name)[\(index)]", element, "a string")
            }
            texts.append(text)
        }
        return texts
    }

    /// An object of strings, such as labels, in the order of the text.
    package mutating func table(_ name: String) throws(ServiceError) -> [(key: String, value: String)]? {
        guard let tree = value(name) else { return nil }
        guard case .object(let members) = tree.value else { throw wrong(name, tree, "an object of strings") }
        var table: [(key: String, value: String)] = []
        for member in members {
            guard case .string(let text) = member.value.value else {
                throw wrong("\(name).\(member.key)", member.value, "a string")
            }
            table.append((member.key, text))
        }
        return table
    }

    package mutating func object(_ name: String) throws(ServiceError) -> BodyFields? {
        guard let tree = value(name) else { return nil }
        return try BodyFields(tree, at: prefix + name)
    }

    /// What must be there.
    package func required<Value>(_ name: String, _ value: Value?) throws(ServiceError) -> Value {
        guard let value else { throw refusal(name, "is missing") }
        return value
    }

    /// Refuses members that were not asked for.
    package func end() throws(ServiceError) {
        guard let unknown = members.first(where: { !asked.contains($0.key) }) else { return }
        throw ServiceError(
            .invalid, "there is no field \(prefix)\(unknown.key)", field: prefix + unknown.key,
            hint: "there is \(asked.sorted().joined(separator: ", "))")
    }

    /// A refusal of one field, for rules that the types do not say.
    package func refusal(_ name: String, _ problem: String, hint: String? = nil) -> ServiceError {
        ServiceError(.invalid, "\(prefix)\(name) \(problem)", field: prefix + name, hint: hint)
    }

    private func wrong(_ name: String, _ tree: JSONTree, _ expected: String) -> ServiceError {
        refusal(name, "is \(tree.kind), and must be \(expected)")
    }
}
