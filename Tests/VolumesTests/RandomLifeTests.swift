// Long random lives of volumes: what a driver has is what was asked of it, and at the end there is what was there before.
import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// A driver, and what there has to be.
private final class Life {
    struct Known: Equatable {
        var bytes: UInt64
        var text: String
    }

    let driver: any VolumeDriver
    let comment: Comment
    private var numbers: Seeded
    private(set) var known: [VolumeName: Known] = [:]
    private var asked = 0
    /// How often each operation was done.
    private(set) var counts: [String: Int] = [:]

    init(_ driver: any VolumeDriver) {
        let seed = UInt64.random(in: 0...UInt64.max)
        self.driver = driver
        comment = "seed \(seed)"
        numbers = Seeded(seed)
    }

    private func limit() -> UInt64 { UInt64.random(in: 1...8, using: &numbers) * megabyte }

    private func name() -> VolumeName {
        let tenant = ["alice", "bob"].randomElement(using: &numbers) ?? "alice"
        let number = Int.random(in: 0..<6, using: &numbers)
        return Bool.random(using: &numbers)
            ? .workspace(tenant: tenant, name: "w\(number)") : .session(tenant: tenant, id: "s\(number)")
    }

    private func snapshotName(of tenant: String) -> VolumeName {
        .snapshot(tenant: tenant, name: "p\(Int.random(in: 0..<6, using: &numbers))")
    }

    private func some(_ isWanted: (VolumeName) -> Bool) -> VolumeName? {
        // In an order that the seed repeats.
        known.keys.filter(isWanted).sorted { "\($0)" < "\($1)" }.randomElement(using: &numbers)
    }

    private static func isSnapshot(_ name: VolumeName) -> Bool {
        if case .snapshot = name { return true }
        return false
    }

    /// What is there is refused with the right word, what is not as well, and then nothing has changed.
    private func ask(_ what: String, _ expected: String?, _ body: () throws -> Void) throws -> Bool {
        var found: String?
        do {
            try body()
        } catch let error as VolumeError {
            found = error.code
        }
        try #require(found == expected, "\(asked) \(what): \(found ?? "done"), \(comment)")
        counts[expected == nil ? what : "refused", default: 0] += 1
        return found == nil
    }

    func step() throws {
        asked += 1
        switch Int.random(in: 0..<8, using: &numbers) {
        case 0, 1: try create()
        case 2: try write()
        case 3: try resize()
        case 4: try snapshot()
        case 5: try fork()
        case 6: try restore()
        default: try remove(name())
        }
        if asked % 16 == 0 { _ = try driver.settle() }
        if asked % 100 == 0 { try compare() }
    }

    private func create() throws {
        let (name, bytes) = (name(), limit())
        let request = VolumeRequest(limits: VolumeLimits(bytes: bytes), mode: 0o755)
        if try ask(
            "create", known[name] == nil ? nil : "volume-exists", { _ = try driver.create(name, request) })
        {
            known[name] = Known(bytes: bytes, text: "")
        }
    }

    private func write() throws {
        guard let name = some({ !Self.isSnapshot($0) }) else { return }
        let text = "\(asked) \(name)"
        let volume = try driver.open(name)
        try volume.directory.open("f", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644).writeAll(Array(text.utf8))
        known[name]?.text = text
        counts["write", default: 0] += 1
    }

    private func resize() throws {
        let (name, bytes) = (name(), limit())
        let expected = known[name] == nil ? "volume-absent" : nil
        if try ask("resize", expected, { try driver.resize(name, to: VolumeLimits(bytes: bytes)) }) {
            known[name]?.bytes = bytes
        }
    }

    private func snapshot() throws {
        guard let source = some({ !Self.isSnapshot($0) }) else { return }
        let copy = snapshotName(of: source.tenant)
        let expected = known[copy] == nil ? nil : "volume-exists"
        if try ask("snapshot", expected, { try driver.snapshot(source, as: copy) }) {
            known[copy] = known[source]
        }
    }

    private func fork() throws {
        let copy = name()
        guard let source = some({ $0.tenant == copy.tenant && $0 != copy }) else { return }
        let expected = known[copy] == nil ? nil : "volume-exists"
        if try ask("fork", expected, { _ = try driver.fork(source, as: copy, VolumeRequest()) }) {
            known[copy] = known[source]
        }
    }

    private func restore() throws {
        guard let snapshot = some(Self.isSnapshot),
            let name = some({ !Self.isSnapshot($0) && $0.tenant == snapshot.tenant })
        else { return }
        if try ask("restore", nil, { try driver.restore(name, from: snapshot) }) {
            let kept = known[snapshot]?.text ?? ""
            known[name]?.text = kept
        }
    }

    private func remove(_ name: VolumeName) throws {
        let name = Bool.random(using: &numbers) ? name : some(Self.isSnapshot) ?? name
        if try ask("remove", known[name] == nil ? "volume-absent" : nil, { try driver.remove(name) }) {
            known[name] = nil
        }
    }

    private func text(of name: VolumeName) throws -> String {
        let volume = try driver.open(name)
        // A volume that nobody has written to yet.
        if unsafe faccessat(volume.directory.number, "f", F_OK, 0) != 0 { return "" }
        let bytes = try volume.directory.open("f", O_RDONLY).readAll(limit: 4096)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// All of them, with their limits and what is in them.
    func compare() throws {
        #expect(Set(try driver.list()) == Set(known.keys), comment)
        for (name, expected) in known {
            #expect(try text(of: name) == expected.text, "\(asked) \(name), \(comment)")
            if Self.isSnapshot(name) { continue }
            let bytes = try driver.limits(of: name).bytes
            #expect(bytes == expected.bytes, "\(asked) \(name): \(bytes ?? 0), \(expected.bytes), \(comment)")
        }
    }

    func end() throws {
        try compare()
        for name in known.keys { try driver.remove(name) }
        known = [:]
        #expect(try eventually { try driver.settle() == 0 }, comment)
        for tenant in ["alice", "bob"] { #expect(try driver.forget(tenant: tenant), comment) }
        #expect(try eventually { try driver.settle() == 0 }, comment)
        #expect(try driver.list().isEmpty && driver.tend().isEmpty, comment)
    }
}

@Suite(.serialized) struct RandomLifeTests {
    /// Operations that each life had, of each kind: one that never happened shows nothing.
    private func checkKinds(_ life: Life) {
        for kind in ["create", "write", "resize", "snapshot", "fork", "restore", "remove", "refused"] {
            #expect(life.counts[kind, default: 0] > 0, "no \(kind): \(life.counts), \(life.comment)")
        }
    }

    @Test(.enabled(if: Machine.hasImages, Machine.why), arguments: Machine.modes)
    func `a thousand random operations leave of a btrfs what there was before`(mode: QuotaMode) throws {
        let fixture = try Fixture(mode)
        let before = try fixture.dataUsed()
        let life = Life(fixture.driver)
        for _ in 0..<1000 { try life.step() }
        try life.end()
        checkKinds(life)
        #expect(try eventually { try fixture.qgroups().isEmpty }, life.comment)
        #expect(try eventually { try fixture.dataUsed() <= before }, life.comment)
    }

    @Test(.enabled(if: !Projects.kinds.isEmpty, Projects.why), arguments: Projects.kinds)
    func `random operations leave of projects what there was before`(kind: ProjectKind) throws {
        let fixture = try ProjectFixture(kind)
        let life = Life(fixture.driver)
        for _ in 0..<Effort.rounds(200, full: 1000) { try life.step() }
        try life.end()
        checkKinds(life)
        #expect(File.names(in: "\(fixture.path)/removed").isEmpty, life.comment)
    }
}
