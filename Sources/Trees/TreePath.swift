/// A path inside a tree: names from the tree's root down, none of which leads elsewhere.
package struct TreePath: Hashable, Sendable {
    /// Empty for the root itself.
    package let names: [String]

    /// Reads a path as archives write it: `./` in front, `/` at the end and doubled slashes mean
    /// nothing.
    /// - Parameter bytes: as it came, not yet known to be UTF-8.
    package init(_ bytes: [UInt8], depth: Int) throws(TreeError) {
        let shown = String(decoding: bytes.prefix(4096), as: UTF8.self)
        func refusal(_ why: String) -> TreeError { .refused(entry: shown, why) }
        // PATH_MAX of limits.h, which counts a terminating zero.
        guard bytes.count <= 4095 else {
            throw refusal("the path has \(bytes.count) bytes; expected at most 4095")
        }
        guard bytes.first != UInt8(ascii: "/") else {
            throw refusal("the path is absolute; expected one below the tree")
        }
        guard !bytes.contains(0) else { throw refusal("the path holds a NUL byte") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw refusal("the path is not UTF-8")
        }
        var names: [String] = []
        for part in text.utf8.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            guard !part.elementsEqual("..".utf8) else {
                throw refusal("the path has .. in it; expected one below the tree")
            }
            guard part.count <= 255 else {
                throw refusal("the path has a name of \(part.count) bytes; expected at most 255")
            }
            names.append(String(part) ?? "")
        }
        guard names.count <= depth else {
            throw refusal("the path is \(names.count) names deep; expected at most \(depth)")
        }
        self.names = names
    }

    package init(names: [String]) { self.names = names }

    package var isRoot: Bool { names.isEmpty }
    package var name: String { names.last ?? "" }
    package var parent: TreePath { TreePath(names: Array(names.dropLast())) }

    package func appending(_ name: String) -> TreePath { TreePath(names: names + [name]) }
}

extension TreePath: CustomStringConvertible {
    package var description: String { names.isEmpty ? "." : names.joined(separator: "/") }
}
