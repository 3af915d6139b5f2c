import API
import Linux
import Sandbox
import Sessions
import Store
import WardenProtocol

// Workspaces that outlive sessions, between the table and the store, and between the table and the warden's names.

extension Daemon {
    /// Takes in every workspace and snapshot of the store. What has become of their volumes is asked of the
    /// warden next.
    func restoreWorkspaces() throws(StoreError) {
        for record in try store.workspaces() {
            do throws(ValueError) {
                let workspace = try NamedWorkspace(record)
                workspaces.put(workspace, at: workspace.key)
            } catch {
                log.line(.error, "the record of workspace \(record.name) is not understood: \(error)")
            }
        }
        for record in try store.snapshots() {
            do throws(ValueError) {
                let snapshot = try WorkspaceSnapshot(record)
                workspaces.put(snapshot, at: snapshot.key)
            } catch {
                log.line(.error, "the record of snapshot \(record.name) is not understood: \(error)")
            }
        }
        for volume in workspaces.volumes { settleDisk(of: volume) }
    }

    /// Has the next transaction say of a workspace or a snapshot what the table says.
    func record(_ volume: WorkspaceVolume, mayWait: Bool = false) {
        settleDisk(of: volume)
        let change: Change
        countDisks()
        switch volume {
        case .workspace(let key):
            change =
                workspaces[key].map { .workspace(WorkspaceRecord($0)) }
                ?? .workspaceGone(tenant: key.tenant.description, name: key.name.description)
        case .snapshot(let key):
            change =
                workspaces[key].map { .snapshot(SnapshotRecord($0)) }
                ?? .snapshotGone(
                    tenant: key.workspace.tenant.description, workspace: key.workspace.name.description,
                    name: key.name.description)
        }
        journal.add(change, then: (), mayWait: mayWait)
    }

    /// A session begins or ends to have its workspace, where it is one that outlives it.
    func noteUse(of spec: SessionSpec) {
        guard let name = spec.workspace.name else { return }
        let key = WorkspaceKey(name, of: spec.tenant)
        if workspaces.use(key, at: DaemonClock.wall) != nil { record(.workspace(key), mayWait: true) }
    }

    /// The volume that a session is to have; nil for a directory of the host and for the memory that its profile says.
    func volume(of spec: SessionSpec, _ sandbox: SandboxID) -> VolumeOrder? {
        switch spec.workspace {
        case .memory, .directory: return nil
        case .volume(let quota):
            return VolumeOrder(
                VolumeKey(tenant: spec.tenant.description, session: sandbox),
                limits: VolumeAmounts(bytes: quota.bytes, inodes: quota.inodes), allowSoft: quota.allowsSoft)
        case .named(let name, _):
            let key = WorkspaceKey(name, of: spec.tenant)
            return VolumeOrder(VolumeKey(key), allowSoft: workspaces[key]?.quota.allowsSoft ?? false)
        }
    }
}

// MARK: Records

extension NamedWorkspace {
    fileprivate init(_ record: WorkspaceRecord) throws(ValueError) {
        let key = WorkspaceKey(try Name(record.name), of: try Name(record.tenant))
        guard let state = WorkspaceState(rawValue: record.state) else {
            throw ValueError("\(quoted(record.state)) is no state")
        }
        let name: (String?) throws(ValueError) -> Name? = { (text) throws(ValueError) in
            guard let text else { return nil }
            return try Name(text)
        }
        self.init(
            key, state: state,
            quota: WorkspaceQuota(
                bytes: record.bytes, inodes: record.inodes, allowsSoft: record.allowsSoft),
            source: try name(record.source).map { (source) throws(ValueError) in
                WorkspaceSource(workspace: source, snapshot: try name(record.sourceSnapshot))
            },
            idempotencyKey: try record.requestKey.map { (key) throws(ValueError) in try IdempotencyKey(key) },
            created: record.created)
        if record.wantedBytes != nil || record.wantedInodes != nil {
            wanted = WorkspaceQuota(
                bytes: record.wantedBytes, inodes: record.wantedInodes, allowsSoft: record.allowsSoft)
        }
        restoring = try name(record.restoring)
        driver = record.driver
        // What was to fill it went with the daemon that recorded this.
        isImport = state == .importing
        if isImport { self.state = .removing }
        lastUsed = record.lastUsed
    }
}

extension WorkspaceRecord {
    fileprivate init(_ workspace: NamedWorkspace) {
        self.init(
            tenant: workspace.key.tenant.description, name: workspace.key.name.description,
            state: (workspace.isImport ? .importing : workspace.state).rawValue,
            allowsSoft: workspace.quota.allowsSoft,
            created: workspace.created)
        (bytes, inodes) = (workspace.quota.bytes, workspace.quota.inodes)
        (wantedBytes, wantedInodes) = (workspace.wanted?.bytes, workspace.wanted?.inodes)
        source = workspace.source?.workspace.description
        sourceSnapshot = workspace.source?.snapshot?.description
        restoring = workspace.restoring?.description
        driver = workspace.driver
        requestKey = workspace.idempotencyKey?.description
        lastUsed = workspace.lastUsed
    }
}

extension WorkspaceSnapshot {
    fileprivate init(_ record: SnapshotRecord) throws(ValueError) {
        guard let state = SnapshotState(rawValue: record.state) else {
            throw ValueError("\(quoted(record.state)) is no state")
        }
        let workspace = WorkspaceKey(try Name(record.workspace), of: try Name(record.tenant))
        self.init(
            SnapshotKey(try Name(record.name), of: workspace), state: state, bytes: record.bytes,
            created: record.created)
    }
}

extension SnapshotRecord {
    fileprivate init(_ snapshot: WorkspaceSnapshot) {
        let workspace = snapshot.key.workspace
        self.init(
            tenant: workspace.tenant.description, workspace: workspace.name.description,
            name: snapshot.key.name.description, state: snapshot.state.rawValue, bytes: snapshot.bytes,
            created: snapshot.created)
    }
}

// MARK: The warden's names

extension VolumeKey {
    init(_ key: WorkspaceKey) {
        self.init(.workspace, tenant: key.tenant.description, name: key.name.description)
    }

    /// Names have no capital letters, so that this is one snapshot's alone.
    init(_ key: SnapshotKey) {
        let workspace = key.workspace
        self.init(
            .snapshot, tenant: workspace.tenant.description, name: "\(workspace.name)AT\(key.name)")
    }

    init(_ source: WorkspaceSource, of tenant: Name) {
        let key = WorkspaceKey(source.workspace, of: tenant)
        self = source.snapshot.map { VolumeKey(SnapshotKey($0, of: key)) } ?? VolumeKey(key)
    }

    /// Nil for a session's, and for one with a name that no workspace has.
    var workspace: WorkspaceVolume? {
        guard let tenant = try? Name(tenant) else { return nil }
        switch kind {
        case .session: return nil
        case .workspace: return (try? Name(name)).map { .workspace(WorkspaceKey($0, of: tenant)) }
        case .snapshot:
            guard let place = name.firstRange(of: "AT"),
                let workspace = try? Name(String(name[..<place.lowerBound])),
                let snapshot = try? Name(String(name[place.upperBound...]))
            else { return nil }
            return .snapshot(SnapshotKey(snapshot, of: WorkspaceKey(workspace, of: tenant)))
        }
    }
}

extension SessionWorkspace {
    /// The limit that is asked for of a directory of the host.
    var directoryQuota: DirectoryQuota? {
        guard case .directory(_, let quota?) = self else { return nil }
        return DirectoryQuota(
            limits: VolumeAmounts(bytes: quota.bytes, inodes: quota.inodes), allowSoft: quota.allowsSoft)
    }
}
