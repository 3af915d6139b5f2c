import Sandbox
import Wire

/// Members of an object that was checked against its table as a whole: every member is known, of the right
/// kind and within its bounds before the first is looked at.
package struct APIReader: Sendable {
    private let object: APIObject
    private let members: [JSONTree.Member]

    /// - Throws: for the first problem in the order of the text, or what is missing.
    package init(_ bytes: [UInt8], as object: APIObject) throws(FieldProblem) {
        let tree: JSONTree
        do throws(JSONTreeError) {
            tree = try JSONTree(parsing: bytes)
        } catch {
            throw FieldProblem("", "the body is not JSON: \(shown(error.description))")
        }
        try self.init(tree, as: object, at: "")
    }

    init(_ tree: JSONTree, as object: APIObject, at path: String) throws(FieldProblem) {
        guard case .object(let members) = tree.value else {
            throw FieldProblem(path, "an object was expected, and this is \(tree.kind)")
        }
        for member in members {
            let place = path.isEmpty ? member.key : "\(path).\(member.key)"
            guard let field = object.field(member.key) else {
                let near = nearestMatch(to: member.key, in: object.fields.map(\.name))
                throw FieldProblem(
                    shown(place), "there is no such member of \(object.name)",
                    hint: near.map { "did you mean \($0)?" })
            }
            if case .null = member.value.value, field.mayBeNull { continue }
            try check(member.value, field.kind, at: place)
        }
        for field in object.fields where field.isRequired {
            guard members.contains(where: { $0.key == field.name }) else {
                throw FieldProblem(
                    path.isEmpty ? field.name : "\(path).\(field.name)",
                    "is missing; \(field.kind.expectation) was expected")
            }
        }
        self.object = object
        self.members = members
    }

    // MARK: What is there

    /// Nil for what is not there, and for null.
    package func text(_ name: String) -> String? {
        guard case .string(let text)? = value(name) else { return nil }
        return text
    }

    package func whole(_ name: String) -> UInt64? {
        guard case .number(let text)? = value(name) else { return nil }
        return UInt64(text)
    }

    package func signed(_ name: String) -> Int64? {
        guard case .number(let text)? = value(name) else { return nil }
        return Int64(text)
    }

    package func flag(_ name: String) -> Bool? {
        guard case .bool(let flag)? = value(name) else { return nil }
        return flag
    }

    package func bytes(_ name: String) -> [UInt8]? { text(name).flatMap { Base64.decode($0) } }

    package func texts(_ name: String) -> [String]? {
        guard case .array(let elements)? = value(name) else { return nil }
        return elements.compactMap {
            guard case .string(let text) = $0.value else { return nil }
            return text
        }
    }

    package func map(_ name: String) -> [(name: String, value: String)]? {
        guard case .object(let members)? = value(name) else { return nil }
        return members.compactMap {
            guard case .string(let text) = $0.value.value else { return nil }
            return ($0.key, text)
        }
    }

    package func object(_ name: String) -> APIReader? {
        guard let member = members.first(where: { $0.key == name }),
            case .object(let inner)? = object.field(name)?.kind
        else { return nil }
        return try? APIReader(member.value, as: inner, at: name)
    }

    package func objects(_ name: String) -> [APIReader]? {
        guard case .array(let elements)? = value(name),
            case .list(.object(let inner), _)? = object.field(name)?.kind
        else { return nil }
        return elements.compactMap { try? APIReader($0, as: inner, at: name) }
    }

    /// Whether it is there as null, where that may be.
    package func isNull(_ name: String) -> Bool {
        if case .null? = value(name) { return true }
        return false
    }

    private func value(_ name: String) -> JSONTree.Value? {
        precondition(object.field(name) != nil, "\(object.name) has no member \(name)")
        return members.first { $0.key == name }?.value.value
    }
}

private func check(_ tree: JSONTree, _ kind: APIField.Kind, at path: String) throws(FieldProblem) {
    switch (kind, tree.value) {
    case (.text(let most), .string(let text)) where text.utf8.count <= most && !text.utf8.contains(0): return
    case (.word(let words), .string(let text)) where words.contains(text): return
    case (.whole(let range), .number(let text)):
        if let number = UInt64(text), range.contains(number) { return }
    case (.signed, .number(let text)) where Int64(text) != nil: return
    case (.flag, .bool): return
    case (.bytes(let most), .string(let text)):
        if let bytes = Base64.decode(text), bytes.count <= most { return }
    case (.time, .string(let text)) where APITime(text) != nil: return
    case (.object(let object), .object):
        _ = try APIReader(tree, as: object, at: path)
        return
    case (.list(let inner, let most), .array(let elements)) where elements.count <= most:
        for (index, element) in elements.enumerated() { try check(element, inner, at: "\(path)[\(index)]") }
        return
    case (.map(let most, let valueBytes), .object(let members)) where members.count <= most:
        for member in members {
            try check(member.value, .text(most: valueBytes), at: "\(path).\(shown(member.key))")
        }
        return
    default: break
    }
    throw FieldProblem(path, "\(kind.expectation) was expected, and this is \(described(tree))")
}

/// A short value itself, so that nobody has to look for it; else its kind.
private func described(_ tree: JSONTree) -> String {
    switch tree.value {
    case .number(let text) where text.utf8.count <= 32: text
    case .string(let text) where text.utf8.count <= 64: quoted(text)
    case .string(let text): "a text of \(text.utf8.count) bytes"
    case .array(let elements): "a list of \(elements.count)"
    case .object(let members): "an object of \(members.count)"
    case .bool(let flag): flag ? "true" : "false"
    default: tree.kind
    }
}
