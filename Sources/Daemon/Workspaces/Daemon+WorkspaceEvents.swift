import Sessions
import WardenProtocol
import Wire

// What happens to workspaces, for those who follow the events.

extension Daemon {
    /// Told once what came of it is on record.
    func publish(_ work: WorkspaceWork, _ outcome: WorkspaceOutcome, _ refusal: Refusal?) {
        let isDone = outcome == .done || (outcome == .absent && work.type.hasSuffix("removed"))
        let type = isDone ? work.type : "workspace.failed"
        events.publish(
            type, session: nil, workspace: work.owner.name.description,
            tenant: work.owner.tenant.description
        ) { event in
            if let snapshot = work.snapshot { event.add("snapshot", snapshot) }
            if isDone {
                if let detail = work.detail { event.add("message", detail) }
            } else {
                event.add("state", work.type)
                event.add("message", refusal?.sentence ?? "there is no volume of it")
            }
        }
    }

    /// How far the copy is that becomes a workspace or a snapshot, or that a workspace is put back from.
    func volumeProgress(_ key: VolumeKey, _ progress: VolumeProgress) {
        guard let volume = key.workspace else { return }
        copies[volume] = progress
        let (owner, snapshot): (WorkspaceKey, Name?) =
            switch volume {
            case .workspace(let key): (key, nil)
            case .snapshot(let key): (key.workspace, key.name)
            }
        events.publish(
            "workspace.progress", session: nil, workspace: owner.name.description,
            tenant: owner.tenant.description
        ) { event in
            if let snapshot { event.add("snapshot", snapshot.description) }
            write(progressOf: volume, to: &event)
        }
    }
}

extension WorkspaceWork {
    /// What it is called when it is done.
    fileprivate var type: String {
        switch self {
        case .create, .fork: "workspace.created"
        case .resize: "workspace.resized"
        case .restore: "workspace.restored"
        case .remove: "workspace.removed"
        case .snapshot: "workspace.snapshotted"
        case .removeSnapshot: "workspace.snapshot-removed"
        }
    }

    fileprivate var owner: WorkspaceKey {
        switch volume {
        case .workspace(let key): key
        case .snapshot(let key): key.workspace
        }
    }

    fileprivate var snapshot: String? {
        switch self {
        case .restore(_, let snapshot): snapshot.description
        case .snapshot(let key), .removeSnapshot(let key): key.name.description
        default: nil
        }
    }

    fileprivate var detail: String? {
        switch self {
        case .fork(let source, _, _):
            "forked from \(source.workspace)" + (source.snapshot.map { "@\($0)" } ?? "")
        case .resize(_, let quota):
            [quota.bytes.map { "\($0) bytes" }, quota.inodes.map { "\($0) files" }].compactMap { $0 }
                .joined(separator: ", ")
        default: nil
        }
    }
}
