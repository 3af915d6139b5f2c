import API
import Service
import Sessions
import WardenProtocol

// Who changes files of workspaces from outside. Where a snapshot or a fork is a copy, which takes its time, nobody
// may meanwhile, or it would be of no one moment: no session has the workspace then, which the warden sees to, and
// here no client begins to write until it is made, and none is made until those who write have ended.

/// Operations under way that change files, for each workspace. On the loop's thread.
final class FileWriters {
    private var counts: [WorkspaceKey: Int] = [:]

    func count(of key: WorkspaceKey) -> Int { counts[key] ?? 0 }

    func begin(_ key: WorkspaceKey) -> FileWriting {
        counts[key, default: 0] += 1
        return FileWriting(key, self)
    }

    fileprivate func ended(_ key: WorkspaceKey) {
        let left = count(of: key) - 1
        counts[key] = left > 0 ? left : nil
    }
}

/// One operation that changes files of a workspace; it is over when nobody holds this any more.
final class FileWriting {
    private let key: WorkspaceKey
    private let writers: FileWriters

    fileprivate init(_ key: WorkspaceKey, _ writers: FileWriters) {
        self.key = key
        self.writers = writers
    }

    deinit { writers.ended(key) }
}

extension Daemon {
    /// Begins to change somebody's files.
    /// - Returns: what has to be held until that is over; nil where nobody copies these files.
    /// - Throws: `conflict` while they are copied.
    func beginWriting(_ owner: FileOwner) throws(ServiceError) -> FileWriting? {
        guard copiesTakeTime, let key = workspaceKey(of: owner) else { return nil }
        if workspaces.isBeingCopied(key) { throw ServiceError(WorkspaceRefusal.beingCopied(key.name)) }
        return writers.begin(key)
    }

    /// Refuses a copy of a workspace whose files are being changed.
    func needNoWriters(of key: WorkspaceKey) throws(ServiceError) {
        let count = writers.count(of: key)
        guard copiesTakeTime, count > 0 else { return }
        throw ServiceError(WorkspaceRefusal.beingWritten(key.name, count))
    }

    /// Whether snapshots and forks are copies; taken to be so where nobody has told.
    private var copiesTakeTime: Bool {
        switch volumeDriver?.kind {
        case .btrfs, .tmpfs: false
        case .project, .directory, nil: true
        }
    }

    /// The workspace that has the files, whose session or not.
    private func workspaceKey(of owner: FileOwner) -> WorkspaceKey? {
        switch owner {
        case .volume(.workspace(let key)): return key
        case .volume(.snapshot): return nil
        case .session(let id):
            guard let spec = table[id]?.spec, let name = spec.workspace.name else { return nil }
            return WorkspaceKey(name, of: spec.tenant)
        }
    }
}
