import API
import Configuration
import Sandbox
import Service
import Sessions
import WardenProtocol
import Wire

// What is asked of workspaces that outlive sessions.

extension Daemon {
    // MARK: Finding

    func workspace(_ request: Request) throws(ServiceError) -> WorkspaceKey {
        let tenant = try scope(request).tenant
        return try refusing { () throws(WorkspaceRefusal) in
            try workspaces.find(request.parameter("workspace"), of: tenant).key
        }
    }

    func refusing<Value>(
        _ body: () throws(WorkspaceRefusal) -> Value
    ) throws(ServiceError) -> Value {
        do throws(WorkspaceRefusal) {
            return try body()
        } catch {
            throw ServiceError(error)
        }
    }

    private func checked<Value>(_ body: () throws(FieldProblem) -> Value) throws(ServiceError) -> Value {
        do throws(FieldProblem) {
            return try body()
        } catch {
            throw ServiceError(error)
        }
    }

    /// Only while it is known what volumes there are is anything begun.
    func needVolumes() throws(ServiceError) {
        guard let link, link.isOpen else { throw ServiceError(.unavailable, "the warden is not there") }
        if hasComparedVolumes { return }
        // What was in the way may be gone; it is known to whoever asks next.
        if !isComparingVolumes { compareVolumes() }
        throw ServiceError(
            .unavailable,
            "it is not known what volumes there are" + (volumeProblem.map { ": \($0)" } ?? ""),
            hint: "try again; corral doctor says what may be in the way")
    }

    /// Refuses a session whose workspace it cannot have.
    func admitWorkspace(of spec: SessionSpec) throws(ServiceError) {
        if let path = spec.workspace.directory { try admit(directory: path, of: spec.tenant) }
        if case .directory(let path, let quota?) = spec.workspace, !quota.allowsSoft, !isBelowVolume(path) {
            throw ServiceError(
                .conflict, "nothing keeps a limit of the host's directory \(path)", field: "quota",
                hint:
                    "name a workspace, which has a limit (corral workspace create); leave the directory out, for a "
                    + "volume of the session's own; have the operator make it, or one above it, a volume (corral volume create); or "
                    + "say soft (--allow-soft-quota) if a wish will do",
                reason: Refusal.Code.volumeNotEnforced.rawValue)
        }
        guard case .named(let name, let isShared) = spec.workspace else { return }
        try needVolumes()
        let key = WorkspaceKey(name, of: spec.tenant)
        do throws(WorkspaceRefusal) {
            _ = try workspaces.admit(key, isShared: isShared, users: table.users(of: key))
        } catch {
            var refusal = ServiceError(error)
            refusal.field = "workspace"
            throw refusal
        }
    }

    /// Refuses a directory of the host that is not for a tenant in the words for one that is nobody's. Which directory
    /// its path leads to is the warden's to see.
    private func admit(directory path: String, of tenant: Name) throws(ServiceError) {
        let mounts = settings.hostMounts
        if mounts.allows(path, to: tenant.description) { return }
        let own = mounts.paths(of: tenant.description)
        let why =
            own.isEmpty
            ? "sessions may have no directory of the host; the operator allows some with the setting mounts"
            : "the directory \(shown(path)) is in none of those that sessions may have: "
                + own.joined(separator: ", ") + " (setting mounts)"
        throw ServiceError(Refusal(.ceiling, why, limit: "directory", asked: path))
    }

    // MARK: Making

    func createWorkspace(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.workspaceRequest)
        let key = WorkspaceKey(try neededName(reader), of: try owner(reader.text("tenant"), request))
        auditObject = key.name.description
        try needVolumes()
        if reader.flag("adopt") ?? false { return try adopt(key, reader) }
        guard reader.whole("bytes") != nil else {
            throw ServiceError(
                .invalid, "bytes: is missing; a workspace has a limit", field: "bytes",
                hint: "the most bytes that it may hold")
        }
        let idempotencyKey = try idempotencyKey(reader)
        return try made(
            refusing { () throws(WorkspaceRefusal) in
                try workspaces.create(
                    key, WorkspaceQuota(reader), isImport: reader.flag("importing") ?? false,
                    idempotencyKey: idempotencyKey, at: DaemonClock.wall)
            })
    }

    func forkWorkspace(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.forkRequest)
        let origin = try workspace(request)
        let snapshot = try checked { () throws(FieldProblem) in try named("snapshot", reader) }
        let key = WorkspaceKey(try neededName(reader), of: origin.tenant)
        try needVolumes()
        let idempotencyKey = try idempotencyKey(reader)
        if snapshot == nil, workspaces[key] == nil { try needNoWriters(of: origin) }
        return try made(
            refusing { () throws(WorkspaceRefusal) in
                try workspaces.create(
                    key, WorkspaceQuota(reader),
                    from: WorkspaceSource(workspace: origin.name, snapshot: snapshot),
                    idempotencyKey: idempotencyKey, at: DaemonClock.wall)
            })
    }

    private func made(_ creation: WorkspaceTable.Creation) throws(ServiceError) -> Reply {
        switch creation {
        case .new(let workspace):
            let key = workspace.key
            let undo: (inout WorkspaceTable) -> Void = { $0.put(nil as NamedWorkspace?, at: key) }
            try takeDisk(for: .workspace(key), undo: undo)
            return pursue(.workspace(key), undo: undo) { $0.shape(key, status: 201) }
        case .existing(let workspace):
            let key = workspace.key
            if workspace.state != .creating { return recorded(shape(key)) }
            let pending = Pending()
            wait(for: .workspace(key), pending) { $0.shape(key) }
            return .later(pending)
        }
    }

    /// Its limits are those that it has.
    private func adopt(_ key: WorkspaceKey, _ reader: APIReader) throws(ServiceError) -> Reply {
        for field in ["bytes", "inodes"] where reader.whole(field) != nil {
            throw ServiceError(
                .invalid, "\(field): a volume that is adopted has its limits already", field: field,
                hint: "leave it out, and resize it then")
        }
        guard workspaces[key]?.state == .unrecorded else { throw ServiceError(.notUnrecorded(key.name)) }
        let allowsSoft = reader.flag("soft") ?? false
        return try askingLater(.volumeInspect(VolumeKey(key))) { [weak self] answer, pending in
            guard let self, case .volume(let state) = answer else { return }
            let before = workspaces[key]
            let limits = state.limits
            let quota = WorkspaceQuota(bytes: limits.bytes, inodes: limits.inodes, allowsSoft: allowsSoft)
            do throws(WorkspaceRefusal) {
                _ = try workspaces.adopt(key, quota, at: DaemonClock.wall)
            } catch {
                return pending.fail(ServiceError(error))
            }
            let snapshots = workspaces.adoptSnapshots(of: key)
            do throws(ServiceError) {
                try takeDisk(forAdopted: key, snapshots, before: before)
            } catch {
                return pending.fail(error)
            }
            for snapshot in snapshots { record(.snapshot(snapshot)) }
            let reply = pursue(.workspace(key), undo: { $0.put(before, at: key) }) {
                $0.shape(key, status: 201)
            }
            if case .later(let last) = reply { last.whenAnswered { pending.complete($0) } }
        }
    }

    // MARK: Looking

    func listWorkspaces(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("listWorkspaces").query)
        let tenant = try listed(request)
        let after = try query.text("after").map { (text) throws(ServiceError) in try place(text, of: tenant) }
        let limit = Int(clamping: query.whole("limit") ?? 1000)
        let found = workspaces.all.filter { workspace in
            workspace.key.tenant == tenant ?? workspace.key.tenant && after.map { $0 < workspace.key } ?? true
        }
        let page = found.prefix(limit)
        return recorded(
            .json(
                .object { object in
                    object.array("workspaces") { list in
                        for workspace in page {
                            let users = table.users(of: workspace.key)
                            let count = workspaces.snapshots(of: workspace.key).count
                            list.object { write(workspace, users: users, snapshots: count, to: &$0) }
                        }
                    }
                    if found.count > page.count, let last = page.last {
                        let name = last.key.name.description
                        object.add("next", tenant == nil ? "\(last.key.tenant)/\(name)" : name)
                    }
                }))
    }

    /// Where a page of a list ended: the name of a workspace, behind its tenant's in a list of everybody's.
    private func place(_ text: String, of tenant: Name?) throws(ServiceError) -> WorkspaceKey {
        var words = text.split(separator: "/", omittingEmptySubsequences: false).map { try? Name(String($0)) }
        if let tenant { words.insert(tenant, at: 0) }
        guard words.count == 2, let owner = words[0], let name = words[1] else {
            throw ServiceError(
                .invalid, "after is no place in a list", field: "after", hint: "use next of a page")
        }
        return WorkspaceKey(name, of: owner)
    }

    /// With what it holds, where the warden can tell.
    func inspectWorkspace(_ request: Request) throws(ServiceError) -> Reply {
        let key = try workspace(request)
        guard let link, link.isOpen, let state = workspaces[key]?.state, ![.creating, .lost].contains(state)
        else { return recorded(shape(key)) }
        let pending = Pending()
        let lost = { [weak self] in if let self { pending.complete(shape(key)) } }
        link.send(.volumeInspect(VolumeKey(key)), orLost: lost) { [weak self] answer, _ in
            guard let self else { return }
            var used: VolumeAmounts?
            if case .volume(let state) = answer { used = state.used }
            pending.complete(shape(key, used: used))
        }
        return .later(pending)
    }

    func listSnapshots(_ request: Request) throws(ServiceError) -> Reply {
        let key = try workspace(request)
        return recorded(
            .json(
                .object { object in
                    object.array("snapshots") { list in
                        for snapshot in workspaces.snapshots(of: key) {
                            list.object {
                                snapshot.write(to: &$0)
                                write(progressOf: .snapshot(snapshot.key), to: &$0)
                            }
                        }
                    }
                }))
    }

    // MARK: Changing

    func removeWorkspace(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("removeWorkspace").query)
        let key = try workspace(request)
        try needVolumes()
        let before = workspaces[key]
        _ = try refusing { () throws(WorkspaceRefusal) in
            try workspaces.remove(
                key, withSnapshots: query.flag("snapshots"), users: table.users(of: key))
        }
        if before?.state == .removing {
            let pending = Pending()
            wait(for: .workspace(key), pending) { _ in .nothing }
            return .later(pending)
        }
        return pursue(.workspace(key), undo: { $0.put(before, at: key) }) { _ in .nothing }
    }

    func resizeWorkspace(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.resizeWorkspaceRequest)
        let (bytes, inodes) = (reader.whole("bytes"), reader.whole("inodes"))
        if bytes == nil, inodes == nil {
            throw ServiceError(.invalid, "bytes: is missing, and so is inodes", field: "bytes")
        }
        let key = try workspace(request)
        try needVolumes()
        let before = workspaces[key]
        _ = try refusing { () throws(WorkspaceRefusal) in
            try workspaces.resize(key, bytes: bytes, inodes: inodes)
        }
        try takeDisk(for: .workspace(key), undo: { $0.put(before, at: key) })
        return pursue(.workspace(key), undo: { $0.put(before, at: key) }) { $0.shape(key) }
    }

    func restoreWorkspace(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.restoreRequest)
        let key = try workspace(request)
        try needVolumes()
        let before = workspaces[key]
        _ = try refusing { () throws(WorkspaceRefusal) in
            let snapshot = try workspaces.findSnapshot(reader.text("snapshot") ?? "", of: key)
            return try workspaces.restore(key, from: snapshot.key.name, users: table.users(of: key))
        }
        return pursue(.workspace(key), undo: { $0.put(before, at: key) }) { $0.shape(key) }
    }

    // MARK: Snapshots

    func createSnapshot(_ request: Request) throws(ServiceError) -> Reply {
        let reader = try request.reader(.snapshotRequest)
        let key = SnapshotKey(try neededName(reader), of: try workspace(request))
        auditObject = "\(key.workspace.name)@\(key.name)"
        try needVolumes()
        try needNoWriters(of: key.workspace)
        _ = try refusing { () throws(WorkspaceRefusal) in
            try workspaces.snapshot(key, at: DaemonClock.wall)
        }
        let undo: (inout WorkspaceTable) -> Void = { $0.put(nil as WorkspaceSnapshot?, at: key) }
        try takeDisk(for: .snapshot(key), undo: undo)
        return pursue(.snapshot(key), undo: undo) { $0.shape(key, status: 201) }
    }

    func removeSnapshot(_ request: Request) throws(ServiceError) -> Reply {
        let owner = try workspace(request)
        let text = request.parameter("snapshot")
        try needVolumes()
        let before = try refusing { () throws(WorkspaceRefusal) in
            try workspaces.findSnapshot(text, of: owner)
        }
        let key = before.key
        _ = try refusing { () throws(WorkspaceRefusal) in try workspaces.removeSnapshot(key) }
        if before.state == .removing {
            let pending = Pending()
            wait(for: .snapshot(key), pending) { _ in .nothing }
            return .later(pending)
        }
        return pursue(.snapshot(key), undo: { $0.put(before, at: key) }) { _ in .nothing }
    }

    // MARK: Fields

    private func neededName(_ reader: APIReader) throws(ServiceError) -> Name {
        guard let name = try checked({ () throws(FieldProblem) in try named("name", reader) }) else {
            throw ServiceError(.invalid, "name: is missing", field: "name")
        }
        return name
    }

    private func idempotencyKey(_ reader: APIReader) throws(ServiceError) -> IdempotencyKey? {
        guard let text = reader.text("idempotency_key") else { return nil }
        return try checked { () throws(FieldProblem) in
            try labelled("idempotency_key") { () throws(ValueError) in try IdempotencyKey(text) }
        }
    }
}
