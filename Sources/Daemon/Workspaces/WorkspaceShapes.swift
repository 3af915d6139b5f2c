import API
import Sandbox
import Service
import Sessions
import WardenProtocol
import Wire

// The answers about workspaces, as the tables of the API describe them.

extension Daemon {
    /// - Parameters:
    ///   - users: the sessions that have it.
    ///   - used: what it holds, where somebody was asked.
    func write(
        _ workspace: NamedWorkspace, users: [WorkspaceUser], snapshots: Int, used: VolumeAmounts? = nil,
        to object: inout JSONObjectWriter
    ) {
        object.add("name", workspace.key.name.description)
        object.add("tenant", workspace.key.tenant.description)
        object.add("state", workspace.state.rawValue)
        write(progressOf: .workspace(workspace.key), to: &object)
        if let bytes = workspace.quota.bytes { object.add("bytes", bytes) }
        if let inodes = workspace.quota.inodes { object.add("inodes", inodes) }
        if workspace.quota.allowsSoft { object.add("soft", true) }
        writeEnforcement(of: workspace.quota, to: &object)
        if let bytes = used?.bytes { object.add("used_bytes", bytes) }
        if let inodes = used?.inodes { object.add("used_inodes", inodes) }
        if let driver = workspace.driver { object.add("driver", driver) }
        if let source = workspace.source {
            object.add(
                "forked_from", source.workspace.description + (source.snapshot.map { "@\($0)" } ?? ""))
        }
        object.add("created", APITime(milliseconds: workspace.created).description)
        if let used = workspace.lastUsed {
            object.add("last_used", APITime(milliseconds: used).description)
        }
        object.array("sessions") { list in users.forEach { list.add($0.session.description) } }
        if let first = users.first { object.add("shared", first.isShared) }
        object.add("snapshots", snapshots)
    }

    /// What becomes of each limit: never that one holds which nobody keeps.
    private func writeEnforcement(of quota: WorkspaceQuota, to object: inout JSONObjectWriter) {
        object.add("bytes_enforced", enforcement(quota.bytes, volumeDriver?.bytes))
        object.add("inodes_enforced", enforcement(quota.inodes, volumeDriver?.inodes))
    }

    private func enforcement(_ limit: UInt64?, _ driver: VolumeDriverState.Enforcement?) -> String {
        limit == nil ? "none" : driver?.text ?? "unknown"
    }

    /// What a session's files are kept on.
    /// - Parameter limits: those in force, as far as the warden has told.
    func write(workspaceOf spec: SessionSpec, _ limits: SandboxLimits?, to object: inout JSONObjectWriter) {
        switch spec.workspace {
        case .memory:
            object.add("kind", "memory")
            // The size of a tmpfs is the kernel's to keep.
            object.add("bytes_enforced", "enforced")
            object.add("inodes_enforced", "enforced")
        case .volume(let quota):
            object.add("kind", "volume")
            writeEnforcement(of: quota, to: &object)
        case .directory(let path, _):
            object.add("kind", "directory")
            object.add("path", path)
            // Below a volume it has a limit of its own.
            if limits?.workspace.bytes != nil {
                object.add("bytes_enforced", "enforced")
                object.add("inodes_enforced", "counted as bytes")
                return
            }
            for limit in ["bytes_enforced", "inodes_enforced"] {
                object.add(limit, "not enforced (a directory of the host has no limit)")
            }
        case .named(let name, let isShared):
            object.add("kind", "named")
            object.add("name", name.description)
            object.add("shared", isShared)
            let workspace = workspaces[WorkspaceKey(name, of: spec.tenant)]
            writeEnforcement(of: workspace?.quota ?? WorkspaceQuota(), to: &object)
        }
    }

    /// The answer with one workspace.
    func shape(_ key: WorkspaceKey, used: VolumeAmounts? = nil, status: Int = 200) -> Response {
        guard let workspace = workspaces[key] else {
            return .error(ServiceError(WorkspaceRefusal.unknown(key.name.description)))
        }
        let count = workspaces.snapshots(of: key).count
        let users = table.users(of: key)
        return .json(
            .object { write(workspace, users: users, snapshots: count, used: used, to: &$0) },
            status: status)
    }

    func shape(_ key: SnapshotKey, status: Int = 200) -> Response {
        guard let snapshot = workspaces[key] else {
            return .error(
                ServiceError(.unknownSnapshot(key.name.description, of: key.workspace.name)))
        }
        return .json(
            .object {
                snapshot.write(to: &$0)
                write(progressOf: .snapshot(key), to: &$0)
            }, status: status)
    }

    func write(progressOf volume: WorkspaceVolume, to object: inout JSONObjectWriter) {
        guard let progress = copies[volume] else { return }
        object.object("progress") { object in
            object.add("entries", progress.entries)
            object.add("bytes", progress.done)
            if let total = progress.total { object.add("total_bytes", total) }
        }
    }

    // MARK: The driver

    func writeVolumes(to object: inout JSONObjectWriter) {
        guard let driver = volumeDriver else {
            object.add("reason", volumeProblem ?? "the warden has not told yet")
            return
        }
        object.add("driver", driver.kind.rawValue)
        object.add("place", driver.place)
        object.add("reason", driver.why)
        object.add("open", driver.isOpen)
        object.add("bytes", driver.bytes.text)
        object.add("inodes", driver.inodes.text)
        object.add("tenant_total", driver.total.text)
        object.add("snapshots", driver.hasSnapshots)
        object.array("problems") { list in driver.troubles.prefix(16).forEach { list.add($0) } }
    }
}

extension WorkspaceSnapshot {
    func write(to object: inout JSONObjectWriter) {
        object.add("name", key.name.description)
        object.add("workspace", key.workspace.name.description)
        object.add("state", state.rawValue)
        object.add("created", APITime(milliseconds: created).description)
    }
}

extension VolumeDriverState.Enforcement {
    /// As listings show it.
    var text: String {
        switch self {
        case .enforced: "enforced"
        case .countedAsBytes: "counted as bytes"
        case .notEnforced(let why): "not enforced" + (why.isEmpty ? "" : " (\(why))")
        }
    }
}
