import Testing

@testable import Store

/// Workspaces and their snapshots on record.
@Suite struct WorkspaceTests {
    private let fixture: Fixture
    private let store: StateStore

    init() throws {
        fixture = try Fixture()
        store = try fixture.store()
    }

    private func workspace(_ name: String, _ state: String = "ready") -> WorkspaceRecord {
        WorkspaceRecord(tenant: "default", name: name, state: state, created: 5)
    }

    private func full() -> WorkspaceRecord {
        var record = workspace("full", "resizing")
        (record.bytes, record.inodes, record.wantedBytes, record.wantedInodes) = (1, 2, 3, 4)
        (record.source, record.sourceSnapshot, record.restoring) = ("a", "b", "c")
        (record.driver, record.requestKey, record.lastUsed) = ("btrfs", "key", 9)
        record.allowsSoft = true
        return record
    }

    @Test func `what was recorded is there for the next daemon, the last of each`() throws {
        var first = workspace("a", "creating")
        #expect(try store.commit([.workspace(first), .workspace(full())]) == [.done, .done])
        first.state = "ready"
        (first.bytes, first.inodes) = (64 << 10, nil)
        #expect(try store.commit(.workspace(first)) == .done)
        #expect(try store.workspaces() == [first, full()])
        var changed = full()
        (changed.wantedBytes, changed.wantedInodes, changed.restoring) = (nil, nil, nil)
        changed.state = "ready"
        #expect(try store.commit(.workspace(changed)) == .done)
        #expect(try store.workspaces() == [first, changed])
        #expect(try store.commit(.workspaceGone(tenant: "default", name: "a")) == .done)
        #expect(try store.commit(.workspaceGone(tenant: "default", name: "a")) == .missing(id: "a"))
        #expect(try store.workspaces() == [changed])
    }

    @Test func `snapshots are their workspace's, and stay when it is lost`() throws {
        var one = SnapshotRecord(tenant: "default", workspace: "w", name: "s", state: "creating", created: 1)
        let other = SnapshotRecord(tenant: "default", workspace: "v", name: "s", state: "ready", created: 2)
        #expect(try store.commit([.snapshot(one), .snapshot(other)]) == [.done, .done])
        #expect(try store.snapshots().map(\.bytes) == [nil, nil])
        (one.state, one.bytes) = ("ready", 1 << 40)
        #expect(try store.commit(.snapshot(one)) == .done)
        #expect(try store.snapshots() == [other, one])
        let gone = Change.snapshotGone(tenant: "default", workspace: "w", name: "s")
        #expect(try store.commit([gone, gone]) == [.done, .missing(id: "s")])
        #expect(try store.snapshots() == [other])
    }

    @Test(arguments: ["", "A", "../x", "a/b", ".a", String(repeating: "a", count: 64)])
    func `a name that no workspace may have is refused, and harms nothing beside it`(name: String) throws {
        let outcomes = try store.commit([.workspace(workspace(name)), .workspace(workspace("good"))])
        #expect(outcomes[0].isRefused && outcomes[1] == .done)
        #expect(try store.workspaces().map(\.name) == ["good"])
    }

    @Test func `a tenant that is not there, and a key that made another one, are refused`() throws {
        let strange = WorkspaceRecord(tenant: "red", name: "a", state: "ready", created: 1)
        #expect(try store.commit(.workspace(strange)) == .noTenant("red"))
        let snapshot = SnapshotRecord(tenant: "red", workspace: "a", name: "s", state: "ready", created: 1)
        #expect(try store.commit(.snapshot(snapshot)) == .noTenant("red"))
        var (first, second) = (workspace("a"), workspace("b"))
        (first.requestKey, second.requestKey) = ("k", "k")
        let outcomes = try store.commit([.workspace(first), .workspace(second)])
        #expect(outcomes[0] == .done && outcomes[1].isRefused)
    }

    @Test func `they cannot wait for what comes next`() {
        #expect(!Change.workspace(workspace("a")).isStep)
        #expect(!Change.workspaceGone(tenant: "default", name: "a").isStep)
    }
}
