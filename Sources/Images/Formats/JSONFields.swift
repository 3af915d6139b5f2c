import Sandbox
import Trees
import Wire

/// An object of a JSON file that strangers wrote, whose fields are asked for by name. Errors name the
/// file, the place and the field, and what was expected.
struct JSONFields {
    private let members: [JSONTree.Member]
    private let place: JSONPlace
    let file: String

    init(parsing bytes: [UInt8], file: String) throws(ImageError) {
        try self.init(try JSONFields.tree(parsing: bytes, file: file), file: file)
    }

    init(_ tree: JSONTree, file: String) throws(ImageError) {
        guard case .object(let members) = tree.value else {
            throw ImageError("\(file):\(tree.place): is \(tree.kind); expected an object")
        }
        self.members = members
        self.file = file
        place = tree.place
    }

    static func tree(parsing bytes: [UInt8], file: String) throws(ImageError) -> JSONTree {
        do throws(JSONTreeError) {
            return try JSONTree(parsing: bytes)
        } catch {
            throw ImageError("\(file):\(error.place): \(printable(error.problem))")
        }
    }

    /// Nil where the field is missing or null.
    subscript(name: String) -> JSONTree? {
        guard let value = members.first(where: { $0.key == name })?.value, value.value != .null else {
            return nil
        }
        return value
    }

    func required(_ name: String) throws(ImageError) -> JSONTree {
        guard let value = self[name] else { throw ImageError("\(file):\(place): \"\(name)\" is missing") }
        return value
    }

    func error(_ name: String, _ problem: String) -> ImageError {
        ImageError("\(file):\(self[name]?.place ?? place) \(name): \(problem)")
    }

    func optionalText(_ name: String) throws(ImageError) -> String? {
        guard let tree = self[name] else { return nil }
        guard case .string(let text) = tree.value else {
            throw error(name, "is \(tree.kind); expected a string")
        }
        return text
    }

    func text(_ name: String) throws(ImageError) -> String {
        _ = try required(name)
        return try optionalText(name) ?? ""
    }

    func number(_ name: String) throws(ImageError) -> UInt64 {
        let tree = try required(name)
        guard case .number(let text) = tree.value, let number = UInt64(text) else {
            throw error(name, "is no whole number from 0 on")
        }
        return number
    }

    /// An empty list where the field is missing or null.
    func list(_ name: String, atMost count: Int = 4096) throws(ImageError) -> [JSONTree] {
        guard let tree = self[name] else { return [] }
        guard case .array(let items) = tree.value else {
            throw error(name, "is \(tree.kind); expected a list")
        }
        guard items.count <= count else {
            throw error(name, "has \(items.count) items; expected at most \(count)")
        }
        return items
    }

    func texts(_ name: String) throws(ImageError) -> [String] {
        var texts: [String] = []
        for item in try list(name) {
            guard case .string(let text) = item.value else {
                throw ImageError("\(file):\(item.place) \(name): is \(item.kind); expected a string")
            }
            texts.append(text)
        }
        return texts
    }

    func object(_ name: String) throws(ImageError) -> JSONFields? {
        guard let tree = self[name] else { return nil }
        return try JSONFields(tree, file: file)
    }

    /// Names with numbers; empty where the field is missing.
    func counts(_ name: String) throws(ImageError) -> [String: UInt64] {
        guard let fields = try object(name) else { return [:] }
        var counts: [String: UInt64] = [:]
        for member in fields.members { counts[member.key] = try fields.number(member.key) }
        return counts
    }
}

/// Whether `text` is a SHA-256 in the one form that names have: 64 digits, lower case.
func isHexDigest(_ text: Substring) -> Bool {
    text.utf8.count == 64
        && text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
}
