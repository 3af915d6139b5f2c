import Sandbox
import Wire

/// A workspace, or a snapshot of one, as commands name it: `WORKSPACE` or `WORKSPACE@SNAPSHOT`.
struct WorkspacePlace: Hashable, CustomStringConvertible {
    let workspace: String
    /// Nil for the workspace itself.
    let snapshot: String?

    init(_ word: String) {
        guard let at = word.utf8.firstIndex(of: UInt8(ascii: "@")) else {
            (workspace, snapshot) = (word, nil)
            return
        }
        workspace = String(word[..<at])
        snapshot = String(word[word.utf8.index(after: at)...])
    }

    /// Of a command that is about the whole of it.
    static func whole(_ word: String) throws(CommandError) -> String {
        let place = WorkspacePlace(word)
        guard place.snapshot == nil else {
            throw CommandError("\(quoted(word)) is a snapshot; expected a workspace")
        }
        return place.workspace
    }

    /// Of a command that is about a snapshot.
    static func snapshot(_ word: String) throws(CommandError) -> (workspace: String, name: String) {
        let place = WorkspacePlace(word)
        guard let name = place.snapshot, !name.isEmpty else {
            throw CommandError("\(quoted(word)) names no snapshot; expected WORKSPACE@SNAPSHOT")
        }
        return (place.workspace, name)
    }

    var description: String { workspace + (snapshot.map { "@\($0)" } ?? "") }
}

/// What `--workspace` of a session says.
enum SessionWorkspaceOption: Hashable {
    /// A name, and whether others may have it meanwhile.
    case named(String, isShared: Bool)
    /// A directory of the daemon's host: whatever has a slash in front, colons included.
    case directory(String)

    init(_ text: String) throws(CommandError) {
        if text.utf8.first == UInt8(ascii: "/") {
            // A shell that completes names puts one behind a directory's.
            self = .directory(
                text.utf8.count > 1 && text.utf8.last == UInt8(ascii: "/") ? String(text.dropLast()) : text)
            return
        }
        guard !text.utf8.contains(UInt8(ascii: "/")) else {
            throw CommandError(
                "--workspace: \(quoted(text)) is no workspace; expected a name, or a directory of the daemon's host "
                    + "by its absolute path")
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[1] != "shared" {
            throw CommandError("--workspace: \(quoted(text)) is no workspace; expected NAME or NAME:shared")
        }
        self = .named(String(parts[0]), isShared: parts.count == 2)
    }

    func write(to object: inout JSONObjectWriter) {
        switch self {
        case .named(let name, let isShared):
            object.add("workspace", name)
            if isShared { object.add("workspace_shared", true) }
        case .directory(let path): object.add("directory", path)
        }
    }
}
