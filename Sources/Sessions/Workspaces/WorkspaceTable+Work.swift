// What follows from the states: what the warden is asked for, what comes of its answers, and what is made of all
// that it has.

/// Something that the warden is to do about a workspace or a snapshot. Each can be done twice.
package enum WorkspaceWork: Hashable, Sendable {
    case create(WorkspaceKey, WorkspaceQuota)
    case fork(WorkspaceSource, as: WorkspaceKey, WorkspaceQuota)
    /// To this size: what is nil stays as it is.
    case resize(WorkspaceKey, WorkspaceQuota)
    case restore(WorkspaceKey, from: Name)
    case remove(WorkspaceKey)
    case snapshot(SnapshotKey)
    case removeSnapshot(SnapshotKey)

    /// Whose intent it belongs to: that of a workspace that is removed has its snapshots removed as well.
    package var volume: WorkspaceVolume {
        switch self {
        case .create(let key, _), .fork(_, let key, _), .resize(let key, _), .restore(let key, _),
            .remove(let key):
            .workspace(key)
        case .snapshot(let key), .removeSnapshot(let key): .snapshot(key)
        }
    }
}

/// How something of that went.
package enum WorkspaceOutcome: Hashable, Sendable {
    case done
    /// The volume that it is about is not there, which for a removal is as good as done.
    case absent
    /// Nothing was changed.
    case refused
}

extension WorkspaceTable {
    /// What is to be done about a workspace next; nil for nothing.
    package func work(on key: WorkspaceKey) -> WorkspaceWork? {
        guard let workspace = workspaces[key] else { return nil }
        switch workspace.state {
        case .ready, .importing, .lost, .unrecorded: return nil
        case .creating:
            guard let source = workspace.source else { return .create(key, workspace.quota) }
            return .fork(source, as: key, workspace.quota)
        case .resizing: return .resize(key, workspace.wanted ?? workspace.quota)
        case .restoring: return workspace.restoring.map { .restore(key, from: $0) }
        case .removing: return snapshots(of: key).first.map { .removeSnapshot($0.key) } ?? .remove(key)
        }
    }

    package func work(on key: SnapshotKey) -> WorkspaceWork? {
        // They are removed one by one with it.
        if workspaces[key.workspace]?.state == .removing { return nil }
        switch snapshots[key]?.state {
        case .creating: return .snapshot(key)
        case .removing: return .removeSnapshot(key)
        case .ready, .lost, .unrecorded, nil: return nil
        }
    }

    /// Everything that an earlier daemon began, in an order in which nothing is removed that something else is to be
    /// made from.
    package var work: [WorkspaceWork] {
        let all = workspaces.keys.sorted().compactMap { work(on: $0) }
        let ofSnapshots = snapshots.keys.sorted().compactMap { work(on: $0) }
        let (first, last) = (
            (all + ofSnapshots).filter { !$0.removes }, (all + ofSnapshots).filter(\.removes)
        )
        return first + last
    }

    /// What is different after the warden's answer: to be recorded.
    /// - Returns: the volumes whose records changed, or went.
    package mutating func finish(_ work: WorkspaceWork, _ outcome: WorkspaceOutcome) -> [WorkspaceVolume] {
        switch work {
        case .create(let key, _), .fork(_, let key, _):
            guard workspaces[key]?.state == .creating else { return [] }
            if outcome == .done { workspaces[key]?.settle() } else { workspaces[key] = nil }
        case .resize(let key, let quota):
            // Asked for twice, an older answer may come when another size is wanted already.
            guard let workspace = workspaces[key], workspace.state == .resizing,
                workspace.wanted ?? quota == quota
            else { return [] }
            if outcome == .done { workspaces[key]?.quota = quota }
            workspaces[key]?.wanted = nil
            workspaces[key]?.state = outcome == .absent ? .lost : .ready
        case .restore(let key, _):
            guard workspaces[key]?.state == .restoring else { return [] }
            workspaces[key]?.restoring = nil
            workspaces[key]?.state = .ready
        case .remove(let key):
            guard workspaces[key]?.state == .removing else { return [] }
            if outcome == .refused { workspaces[key]?.settle() } else { workspaces[key] = nil }
        case .snapshot(let key):
            guard snapshots[key]?.state == .creating else { return [] }
            if outcome == .done { snapshots[key]?.state = .ready } else { snapshots[key] = nil }
        case .removeSnapshot(let key): return removed(key, outcome)
        }
        return [work.volume]
    }

    private mutating func removed(_ key: SnapshotKey, _ outcome: WorkspaceOutcome) -> [WorkspaceVolume] {
        let isWhole = workspaces[key.workspace]?.state == .removing
        guard snapshots[key] != nil, isWhole || snapshots[key]?.state == .removing else { return [] }
        if outcome != .refused {
            snapshots[key] = nil
            return [.snapshot(key)]
        }
        snapshots[key]?.state = .ready
        guard isWhole else { return [.snapshot(key)] }
        // What cannot go keeps the rest from going.
        workspaces[key.workspace]?.settle()
        return [.snapshot(key), .workspace(key.workspace)]
    }

    // MARK: Comparing

    /// What a comparison of the records with the warden's volumes found.
    package struct Comparison: Hashable, Sendable {
        /// Records that are different now.
        package var changed: [WorkspaceVolume] = []
        /// Volumes that no record knows: left alone, and told.
        package var unrecorded: [WorkspaceVolume] = []
        /// Records whose volumes are not there.
        package var lost: [WorkspaceVolume] = []
    }

    /// Makes the states what the volumes say. What was begun stays begun: ``work`` has it.
    /// - Parameter wall: now, in milliseconds since 1970.
    package mutating func compare(with found: Set<WorkspaceVolume>, at wall: Int64) -> Comparison {
        var result = Comparison()
        for (key, workspace) in workspaces {
            let next = Self.state(workspace.state, isThere: found.contains(.workspace(key)))
            note(.workspace(key), workspace.state, next, lost: .lost, &result)
            if workspace.state == .unrecorded, next == nil { workspaces[key] = nil }
            if let next { workspaces[key]?.state = next }
            if next == .ready { workspaces[key]?.settle() }
            if next == .lost {
                workspaces[key]?.restoring = nil
                workspaces[key]?.wanted = nil
            }
        }
        for (key, snapshot) in snapshots {
            let next = Self.state(snapshot.state, isThere: found.contains(.snapshot(key)))
            note(.snapshot(key), snapshot.state, next, lost: .lost, &result)
            if snapshot.state == .unrecorded, next == nil { snapshots[key] = nil }
            if let next { snapshots[key]?.state = next }
        }
        for volume in found where !isKnown(volume) {
            result.unrecorded.append(volume)
            switch volume {
            case .workspace(let key):
                workspaces[key] = NamedWorkspace(
                    key, state: .unrecorded, quota: WorkspaceQuota(), created: wall)
            case .snapshot(let key):
                snapshots[key] = WorkspaceSnapshot(key, state: .unrecorded, created: wall)
            }
        }
        return result
    }

    private func isKnown(_ volume: WorkspaceVolume) -> Bool {
        switch volume {
        case .workspace(let key): workspaces[key] != nil
        case .snapshot(let key): snapshots[key] != nil
        }
    }

    private func note<State: Equatable>(
        _ volume: WorkspaceVolume, _ state: State, _ next: State?, lost: State, _ result: inout Comparison
    ) {
        guard let next, next != state else { return }
        result.changed.append(volume)
        if next == lost { result.lost.append(volume) }
    }

    /// Nil for one of which nothing is left to tell.
    private static func state(_ state: WorkspaceState, isThere: Bool) -> WorkspaceState? {
        switch state {
        case .creating: isThere ? .ready : .creating
        case .ready, .lost: isThere ? .ready : .lost
        case .resizing, .restoring, .importing: isThere ? state : .lost
        case .removing: .removing
        case .unrecorded: isThere ? .unrecorded : nil
        }
    }

    private static func state(_ state: SnapshotState, isThere: Bool) -> SnapshotState? {
        switch state {
        case .creating: isThere ? .ready : .creating
        case .ready, .lost: isThere ? .ready : .lost
        case .removing: .removing
        case .unrecorded: isThere ? .unrecorded : nil
        }
    }
}

extension NamedWorkspace {
    /// Nothing is on its way any more.
    fileprivate mutating func settle() { state = isImport ? .importing : .ready }
}

extension WorkspaceWork {
    fileprivate var removes: Bool {
        switch self {
        case .remove, .removeSnapshot: true
        case .create, .fork, .resize, .restore, .snapshot: false
        }
    }
}
