import Sandbox

/// Why nothing is done to a workspace. The text is a sentence without its full stop.
package enum WorkspaceRefusal: Error, Hashable, Sendable {
    case unknown(String)
    case exists(Name)
    /// There is a volume of this name that nobody has a record of.
    case existsUnrecorded(Name)
    /// The same key made it with another `field`.
    case keyReused(IdempotencyKey, Name, field: String)
    /// - Parameters:
    ///   - by: a session that has it.
    ///   - others: how many more do.
    case inUse(Name, by: SessionID, others: Int)
    case notReady(Name, WorkspaceState)
    /// A copy of it is being made, in which all has to be of one moment.
    case beingCopied(Name)
    /// So many operations change its files, of which a copy would have some and not others.
    case beingWritten(Name, Int)
    case hasSnapshots(Name, [Name])
    case unknownSnapshot(String, of: Name)
    case snapshotExists(Name, of: Name)
    case snapshotNotReady(Name, SnapshotState)
    /// Nothing to adopt: it is on record, or not there.
    case notUnrecorded(Name)
    case tooMany(limit: Int)
    case tooManySnapshots(Name, limit: Int)
}

extension WorkspaceRefusal {
    /// For programs: one word for each case, which stays.
    package var code: String {
        switch self {
        case .unknown: "workspace-absent"
        case .exists: "workspace-exists"
        case .existsUnrecorded: "workspace-unrecorded"
        case .keyReused: "key-reused"
        case .inUse, .beingWritten: "workspace-in-use"
        case .notReady, .beingCopied: "workspace-not-ready"
        case .hasSnapshots: "workspace-has-snapshots"
        case .unknownSnapshot: "snapshot-absent"
        case .snapshotExists: "snapshot-exists"
        case .snapshotNotReady: "snapshot-not-ready"
        case .notUnrecorded: "workspace-recorded"
        case .tooMany: "workspaces-limit"
        case .tooManySnapshots: "snapshots-limit"
        }
    }
}

extension WorkspaceRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknown(let text): "there is no workspace \(quoted(text))"
        case .exists(let name): "there is a workspace \(name)"
        case .existsUnrecorded(let name): "there is a volume of the workspace \(name) that no record knows"
        case .keyReused(let key, let name, let field):
            "the idempotency key \(quoted(key.description)) made the workspace \(name) with another \(field)"
        case .inUse(let name, let id, let others):
            "the workspace \(name) is used by session \(id)"
                + (others == 0 ? "" : " and \(others) more")
        case .notReady(let name, let state): "the workspace \(name) \(state.sentence)"
        case .beingCopied(let name): "the workspace \(name) is being copied, and nothing is written meanwhile"
        case .beingWritten(let name, let count):
            "\(count == 1 ? "a client changes" : "\(count) clients change") files of the workspace \(name)"
        case .hasSnapshots(let name, let snapshots):
            "the workspace \(name) has \(snapshots.count == 1 ? "the snapshot" : "the snapshots") "
                + snapshots.prefix(8).map(\.description).joined(separator: ", ")
                + (snapshots.count > 8 ? " and \(snapshots.count - 8) more" : "")
        case .unknownSnapshot(let text, let name):
            "the workspace \(name) has no snapshot \(quoted(text))"
        case .snapshotExists(let snapshot, let name): "the workspace \(name) has a snapshot \(snapshot)"
        case .snapshotNotReady(let name, let state): "the snapshot \(name) \(state.sentence)"
        case .notUnrecorded(let name): "there is no volume of a workspace \(name) without a record"
        case .tooMany(let limit): "no room: \(limit) workspaces are the most, and as many are there"
        case .tooManySnapshots(let name, let limit):
            "no room: the workspace \(name) has \(limit) snapshots, which are the most"
        }
    }
}

extension WorkspaceState {
    fileprivate var sentence: String {
        switch self {
        case .creating: "is being made"
        case .ready: "is ready"
        case .resizing: "is being resized"
        case .restoring: "is being restored"
        case .importing: "is being filled from an archive"
        case .removing: "is being removed"
        case .lost: "is lost: there is no volume of it"
        case .unrecorded: "has no record: it has to be adopted first"
        }
    }
}

extension SnapshotState {
    fileprivate var sentence: String {
        switch self {
        case .creating: "is being made"
        case .ready: "is ready"
        case .removing: "is being removed"
        case .lost: "is lost: there is no volume of it"
        case .unrecorded: "has no record"
        }
    }
}
