import Tables

/// What a session's files are kept on, as the daemon tells of it.
struct SessionWorkspaceAnswer {
    /// `memory`, `volume`, `named`, `directory`.
    let kind: String
    /// Of a named one, or the path of a directory of the host.
    let name: String?
    let isShared: Bool
    let bytes: UInt64?
    let bytesEnforced: String
    let inodesEnforced: String

    /// - Parameter limits: those of the session that are in force.
    init(_ members: AnswerMembers, _ limits: AnswerMembers?) {
        kind = members.text("kind") ?? ""
        name = members.text("name") ?? members.text("path")
        isShared = members.flag("shared")
        bytes = limits?.whole("workspace_bytes")
        bytesEnforced = members.text("bytes_enforced") ?? ""
        inodesEnforced = members.text("inodes_enforced") ?? ""
    }

    /// `memory, 32 MiB`, `data (shared), 1 GiB`, `data, not enforced`.
    var text: String {
        let what = (name ?? kind) + (isShared ? " (shared)" : "")
        if bytesEnforced.hasPrefix("not enforced") || inodesEnforced.hasPrefix("not enforced") {
            return "\(what), not enforced"
        }
        return what + (bytes.map { ", \(SizeText.of($0))" } ?? "")
    }
}
