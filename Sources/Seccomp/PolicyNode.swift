import Sandbox
import Wire

/// A value in a policy file, with the way to it, so that every refusal says where.
struct PolicyNode {
    let file: String
    let path: String
    let tree: JSONTree

    /// - Throws: ``SeccompError/badPolicy(_:)`` when `bytes` are not JSON.
    static func root(of bytes: [UInt8], file: String) throws(SeccompError) -> PolicyNode {
        do {
            return PolicyNode(file: file, path: "", tree: try JSONTree(parsing: bytes))
        } catch {
            throw .badPolicy(
                PolicyProblem(file: file, place: error.place, path: "", problem: shown(error.problem)))
        }
    }

    func failure(_ problem: String) -> SeccompError {
        .badPolicy(PolicyProblem(file: file, place: tree.place, path: path, problem: problem))
    }

    private func path(to key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The members of an object that may have the keys `known` and no others. A member that is null
    /// counts as left out, as Docker's own files use it.
    func fields(_ known: [String]) throws(SeccompError) -> [String: PolicyNode] {
        guard case .object(let members) = tree.value else {
            throw failure("must be an object, but is \(tree.kind)")
        }
        var fields: [String: PolicyNode] = [:]
        for member in members {
            guard known.contains(member.key) else {
                throw .badPolicy(
                    PolicyProblem(
                        file: file, place: member.place, path: path(to: shown(member.key)),
                        problem: "is not a key here; the keys are \(known.joined(separator: ", "))"))
            }
            guard member.value.value != .null else { continue }
            fields[member.key] = PolicyNode(file: file, path: path(to: member.key), tree: member.value)
        }
        return fields
    }

    func elements() throws(SeccompError) -> [PolicyNode] {
        guard case .array(let elements) = tree.value else {
            throw failure("must be a list, but is \(tree.kind)")
        }
        return elements.enumerated().map { index, element in
            PolicyNode(file: file, path: "\(path)[\(index)]", tree: element)
        }
    }

    func string() throws(SeccompError) -> String {
        guard case .string(let text) = tree.value else {
            throw failure("must be a string, but is \(tree.kind)")
        }
        return text
    }

    /// One of `known`; `kind` says of what, for the message.
    func string(of known: [String], _ kind: String) throws(SeccompError) -> String {
        let text = try string()
        guard known.contains(text) else {
            let cure = suggestion(for: text, in: known).map { "; \($0)" } ?? ""
            throw failure("there is no \(kind) \"\(shown(text))\"\(cure)")
        }
        return text
    }

    func truth() throws(SeccompError) -> Bool {
        guard case .bool(let value) = tree.value else {
            throw failure("must be true or false, but is \(tree.kind)")
        }
        return value
    }

    func strings() throws(SeccompError) -> [String] {
        try elements().map { (element) throws(SeccompError) in try element.string() }
    }

    /// A whole number from 0 to `limit`.
    func number(upTo limit: UInt64) throws(SeccompError) -> UInt64 {
        guard case .number(let text) = tree.value else {
            throw failure("must be a number, but is \(tree.kind)")
        }
        guard let value = UInt64(text), value <= limit else {
            throw failure("must be a whole number from 0 to \(limit), but is \(text)")
        }
        return value
    }
}
