import Sandbox

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

/// What `--workspace` of a session says: a name, and whether others may have it meanwhile.
struct SessionWorkspaceOption: Hashable {
    let name: String
    let isShared: Bool

    init(_ text: String) throws(CommandError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        isShared = parts.count == 2
        if isShared, parts[1] != "shared" {
            throw CommandError("--workspace: \(quoted(text)) is no workspace; expected NAME or NAME:shared")
        }
    }
}
