import API
import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Store

/// Disks that are full, cannot be written to, or fail. Each test is a process with mounts of its own.
@Suite(.enabled(if: Host.isRoot, "only root can mount")) struct DiskTests {
    @Test func `on a full disk a change is refused whole, what was there stays, and room heals it`()
        async throws
    {
        let fixture = try Fixture()
        await #expect(processExitsWith: .success) { [path = fixture.path as String] in
            try Disk.mount(at: path, kilobytes: 1024)
            let ballast = "\(path)/ballast"
            try File.write([UInt8](repeating: 0, count: 200_000), to: ballast)
            let store = try StateStore.open(in: path, at: 0).store
            let text = String(repeating: "x", count: 5000)
            var written = 0
            let full = StoreError.full(path: "\(path)/corral.db")
            #expect(throws: full) {
                for number in 1... {
                    let session = Fixture.session(number, labels: ["a": "b"], spec: "{\"text\":\"\(text)\"}")
                    try #require(try store.commit(.create(session, why: "")) == .done)
                    written = number
                }
            }
            #expect(full.description == "there is no room left to write \(path)/corral.db")
            #expect(written > 10)
            for attempt in 0..<20 {
                let changes = (1...30).map { number in
                    Change.create(
                        Fixture.session(5000 + 100 * attempt + number, spec: "{\"text\":\"\(text)\"}"),
                        why: "")
                }
                #expect(throws: full) { try store.commit(changes) }
            }
            try Disk.expect(written, in: store)
            #expect(unsafe unlink(ballast) == 0)
            try store.add(Fixture.session(written + 1))
            try Disk.expect(written + 1, in: store)
        }
    }

    @Test func `on a full disk no audit record goes that could not be archived, and all do when it has room`()
        async throws
    {
        let fixture = try Fixture()
        await #expect(processExitsWith: .success) { [path = fixture.path as String] in
            try Disk.mount(at: path, kilobytes: 8192)
            let store = try StateStore.open(in: path, at: 0).store
            for number in 1...300 {
                let entry = AuditEntry(wall: Int64(number), what: "session.create", outcome: "done")
                try #require(try store.commit(.audit(entry)) == .done)
            }
            Disk.fill("\(path)/ballast")
            let retention = Retention(results: 0, records: 0, audit: 1000, archivesAudit: true)
            for _ in 0..<3 {
                // Where not even the rest can be recorded, nothing is done at all.
                let pruned = try? store.prune(retention, limit: 1000)
                if let pruned { #expect(pruned.audit == 0 && pruned.archiveProblem != nil) }
                #expect(try store.audit(limit: 1000).count == 300)
                #expect(try store.archives().isEmpty)
            }
            #expect(unsafe unlink("\(path)/ballast") == 0)
            #expect(try store.prune(retention, limit: 1000) == Pruned(audit: 300))
            let archived = try File.read("\(path)/audit/000001.jsonl").split(separator: UInt8(ascii: "\n"))
            #expect(archived.count == 300)
            let mark = try #require(try store.archives().first).end
            #expect(try store.verifyAudit(after: mark) == .intact(mark))
        }
    }

    @Test func `a full disk at the start is said, and the records are there when it has room`() async throws {
        let fixture = try Fixture()
        await #expect(processExitsWith: .success) { [path = fixture.path as String] in
            try Disk.mount(at: path, kilobytes: 1024)
            do {
                let store = try StateStore.open(in: path, at: 0).store
                for number in 1...20 { try store.add(Fixture.session(number)) }
            }
            Disk.fill("\(path)/ballast")
            // Nothing of a new store either.
            try #require(unsafe mkdir("\(path)/other", 0o700) == 0)
            #expect(throws: StoreError.full(path: "\(path)/corral.db")) {
                try StateStore.open(in: path, at: 0)
            }
            let other = #expect(throws: StoreError.self) { try StateStore.open(in: "\(path)/other", at: 0) }
            guard case .full = other else {
                Issue.record("\(String(describing: other))")
                return
            }
            #expect(File.names(in: "\(path)/other") == [])
            #expect(unsafe unlink("\(path)/ballast") == 0)
            let opened = try StateStore.open(in: path, at: 0)
            #expect(opened.setAside == nil)
            try Disk.expect(20, in: opened.store)
        }
    }

    @Test func `what cannot be written to is refused and stays as it is`() async throws {
        let fixture = try Fixture()
        try fixture.store().add(Fixture.session(1))
        await #expect(processExitsWith: .success) { [path = fixture.path as String] in
            let before = try File.read("\(path)/corral.db")
            try Disk.makeReadOnly(path)
            #expect(throws: StoreError.readOnly(path: path)) { try StateStore.open(in: path, at: 0) }
            #expect(File.names(in: path) == ["audit-head", "corral.db"])
            #expect(try File.read("\(path)/corral.db") == before)
        }
        try Disk.expect(1, in: try fixture.store())
    }

    @Test func `a write that fails otherwise is an error with its number, and nothing of it is done`()
        async throws
    {
        let fixture = try Fixture()
        await #expect(processExitsWith: .success) { [path = fixture.path as String] in
            let store = try StateStore.open(in: path, at: 0).store
            try store.add(Fixture.session(1))
            // No file may grow beyond this: the log gets EFBIG, as a device might give EIO.
            signal(SIGXFSZ, SIG_IGN)
            try Disk.limitFiles(to: 200_000)
            let text = String(repeating: "x", count: 300_000)
            let error = #expect(throws: StoreError.self) {
                try store.commit(.create(Fixture.session(2, spec: "{\"text\":\"\(text)\"}"), why: ""))
            }
            guard case .inputOutput(let file, let fault) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(file == "\(path)/corral.db" && fault.errno == .fileTooLarge)
            try Disk.expect(1, in: store)
            try Disk.limitFiles(to: rlim_t.max)
            try store.add(Fixture.session(2))
            try Disk.expect(2, in: store)
        }
        try Disk.expect(2, in: try fixture.store())
    }
}

/// What is done to disks, in a process of its own.
private enum Disk {
    /// Puts a small file system on a directory, for this process alone.
    static func mount(at path: String, kilobytes: Int) throws(SystemError) {
        try leaveMounts()
        _ = try call("mount", on: path) {
            unsafe Glibc.mount("tmpfs", path, "tmpfs", 0, "size=\(kilobytes)k,mode=0700")
        }
    }

    /// Makes a directory read-only, for this process alone.
    static func makeReadOnly(_ path: String) throws(SystemError) {
        try leaveMounts()
        let bind = UInt(MS_BIND)
        _ = try call("mount", on: path) { unsafe Glibc.mount(path, path, nil, bind, nil) }
        let flags = bind | UInt(MS_REMOUNT) | UInt(MS_RDONLY)
        _ = try call("mount", on: path) { unsafe Glibc.mount(nil, path, nil, flags, nil) }
    }

    private static func leaveMounts() throws(SystemError) {
        _ = try call("unshare") { clinux_unshare(UInt64(CLINUX_NEWNS)) }
        let flags = UInt(MS_REC) | UInt(MS_PRIVATE)
        _ = try call("mount", on: "/") { unsafe Glibc.mount(nil, "/", nil, flags, nil) }
    }

    /// Writes until there is no room at all.
    static func fill(_ path: String) {
        guard let file = try? FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o600) else { return }
        for size in [65536, 512, 1] {
            while (try? file.writeAll([UInt8](repeating: 0, count: size))) != nil {}
        }
    }

    static func limitFiles(to bytes: rlim_t) throws(SystemError) {
        var limit = rlimit(rlim_cur: bytes, rlim_max: rlim_t.max)
        _ = try call("setrlimit") { unsafe setrlimit(CInt(RLIMIT_FSIZE.rawValue), &limit) }
    }

    /// Sessions 1 to `count` and their histories are there, and nothing else.
    static func expect(_ count: Int, in store: StateStore) throws {
        #expect(try store.list(limit: 10_000).sessions.map(\.id) == (1...count).map(Fixture.id))
        #expect(try store.history(limit: 10_000).map(\.entry.session) == (1...count).map(Fixture.id))
    }
}
