import Service
import Sessions

// Workspaces that are made to be filled from an archive. That they wait for it is on record from before there is a
// volume, so whatever dies in the middle, the next daemon removes what there is of them.

extension Daemon {
    func isImporting(_ owner: FileOwner) -> Bool { importing(owner) != nil }

    private func importing(_ owner: FileOwner) -> WorkspaceKey? {
        guard case .volume(.workspace(let key)) = owner, workspaces[key]?.state == .importing else {
            return nil
        }
        return key
    }

    /// An archive was unpacked, or was not: with it the workspace is ready, without it nothing stays.
    /// - Parameter isIn: whether all of it is there.
    func importEnded(_ owner: FileOwner, isIn: Bool) {
        guard let key = importing(owner) else { return }
        if isIn {
            if workspaces.imported(key) { record(.workspace(key)) }
            return
        }
        let before = workspaces[key]
        do throws(WorkspaceRefusal) {
            _ = try workspaces.remove(key, withSnapshots: true, users: [])
        } catch {
            return log.line(.error, "what is left of an import cannot be removed: \(error)")
        }
        _ = pursue(.workspace(key), undo: { $0.put(before, at: key) }) { _ in .nothing }
    }
}
