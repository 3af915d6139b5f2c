/// A path inside a workspace, as a client writes it: names from the workspace's directory down.
///
/// It is relative and has no `..`; `.` and doubled slashes mean nothing, and `.` alone is the workspace
/// itself. Any other byte may be in a name, newlines and quotation marks as well, as long as the whole is
/// UTF-8.
package struct WorkspacePath: Hashable, Sendable {
    /// Empty for the workspace's own directory.
    package let names: [String]
    /// It ended with a slash, so nothing but a directory is meant.
    package let isDirectory: Bool

    /// The most bytes of a path: PATH_MAX of limits.h, which counts a terminating zero.
    package static let longest = 4095
    /// The most bytes of one name: NAME_MAX of limits.h.
    package static let longestName = 255

    /// - Parameter bytes: as they came, not yet known to be UTF-8.
    /// - Throws: ``WorkspaceError`` with a code of ``WorkspaceError/Code/path(_:)``.
    package init(_ bytes: [UInt8]) throws(WorkspaceError) {
        func refusal(_ problem: WorkspaceError.PathProblem, _ sentence: String) -> WorkspaceError {
            WorkspaceError(
                .path(problem), String(decoding: bytes.prefix(Self.longest), as: UTF8.self), sentence)
        }
        guard !bytes.isEmpty else {
            throw refusal(.empty, "the path is empty; expected a relative one, or . for the workspace itself")
        }
        guard bytes.count <= Self.longest else {
            throw refusal(.tooLong, "the path has \(bytes.count) bytes; expected at most \(Self.longest)")
        }
        guard !bytes.contains(0) else { throw refusal(.nul, "the path holds a NUL byte") }
        guard bytes.first != UInt8(ascii: "/") else {
            throw refusal(.absolute, "the path is absolute; expected one relative to the workspace")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw refusal(.notUTF8, "the path is not UTF-8")
        }
        var names: [String] = []
        for part in text.utf8.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
            guard !part.elementsEqual("..".utf8) else {
                throw refusal(.parent, "the path has .. in it; expected names below the workspace alone")
            }
            guard part.count <= Self.longestName else {
                throw refusal(
                    .nameTooLong,
                    "the path has a name of \(part.count) bytes; expected at most \(Self.longestName)")
            }
            names.append(String(Substring(part)))
        }
        self.names = names
        isDirectory =
            names.isEmpty || bytes.last == UInt8(ascii: "/") || bytes.suffix(2) == Array("/.".utf8)[...]
    }

    /// - Throws: as ``init(_:)-([UInt8])`` does.
    package init(_ text: String) throws(WorkspaceError) { try self.init(Array(text.utf8)) }

    private init(names: [String], isDirectory: Bool) {
        self.names = names
        self.isDirectory = isDirectory
    }

    /// The workspace's own directory.
    package static let root = WorkspacePath(names: [], isDirectory: true)

    package var isRoot: Bool { names.isEmpty }
    /// The last name; empty for the workspace's own directory.
    package var name: String { names.last ?? "" }
    /// The directory that it is in; that of the workspace's own directory is itself.
    package var parent: WorkspacePath { WorkspacePath(names: Array(names.dropLast()), isDirectory: true) }

    /// The path of `name`, which came from a directory and not from a client.
    func appending(_ name: String) -> WorkspacePath {
        WorkspacePath(names: names + [name], isDirectory: false)
    }
}

extension WorkspacePath: CustomStringConvertible {
    /// In normal form, such as `a/b`, without a slash at the end; `.` for the workspace itself.
    package var description: String { names.isEmpty ? "." : names.joined(separator: "/") }
}
