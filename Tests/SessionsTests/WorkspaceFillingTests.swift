import Sandbox
import Testing

@testable import Sessions

/// Workspaces that wait for an archive, and those of which a copy is on its way.
@Suite struct WorkspaceFillingTests {
    private let key: WorkspaceKey
    private let snapshot: SnapshotKey
    private let quota = WorkspaceQuota(bytes: 1 << 20, inodes: 100)

    init() throws {
        key = WorkspaceKey(try Name("data"), of: .defaultTenant)
        snapshot = SnapshotKey(try Name("before"), of: key)
    }

    private func finish(_ table: inout WorkspaceTable, _ outcome: WorkspaceOutcome = .done) {
        for work in table.work { #expect(!table.finish(work, outcome).isEmpty) }
    }

    @Test func `one that is made for an archive is ready when that is in it`() throws {
        var table = WorkspaceTable()
        _ = try table.create(key, quota, isImport: true, at: 1)
        #expect(table[key]?.state == .creating && !table.imported(key))
        finish(&table)
        #expect(table[key]?.state == .importing && table.work.isEmpty)
        #expect(throws: WorkspaceRefusal.notReady(key.name, .importing)) {
            try table.snapshot(snapshot, at: 2)
        }
        try table.needFiles(of: .workspace(key))
        // A removal that is refused makes nothing of it.
        _ = try table.remove(key, withSnapshots: true, users: [])
        _ = table.finish(.remove(key), .refused)
        #expect(table[key]?.state == .importing)
        #expect(table.imported(key) && table[key]?.state == .ready && !table.imported(key))
    }

    @Test func `it is being copied while a snapshot or a fork of it as it is now is on its way`() throws {
        var table = WorkspaceTable()
        _ = try table.create(key, quota, at: 1)
        finish(&table)
        _ = try table.snapshot(snapshot, at: 2)
        finish(&table)
        let copy = WorkspaceKey(try Name("copy"), of: key.tenant)
        #expect(!table.isBeingCopied(key))
        // From a snapshot, which nobody changes.
        let old = WorkspaceSource(workspace: key.name, snapshot: snapshot.name)
        _ = try table.create(copy, quota, from: old, at: 3)
        #expect(!table.isBeingCopied(key))
        finish(&table)
        _ = try table.snapshot(SnapshotKey(try Name("later"), of: key), at: 3)
        #expect(table.isBeingCopied(key) && !table.isBeingCopied(copy))
        finish(&table)
        #expect(!table.isBeingCopied(key))
        let second = WorkspaceKey(try Name("second"), of: key.tenant)
        _ = try table.create(second, quota, from: WorkspaceSource(workspace: key.name), at: 3)
        #expect(table.isBeingCopied(key))
        finish(&table, .refused)
        #expect(!table.isBeingCopied(key))
    }
}
