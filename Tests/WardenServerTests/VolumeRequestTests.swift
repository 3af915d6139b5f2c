// What is asked of volumes without a session, and what is refused.

import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@Suite(.serialized, .enabled(if: canMakeImages, "volumes need root, btrfs, loop devices and mkfs.btrfs"))
struct VolumeRequestTests {
    @Test func `nothing is made before the first volume, and it is said what would be`() throws {
        let bench = try VolumeBench()
        let state = try bench.driver()
        #expect(!state.isOpen && state.kind == .btrfs && state.bytes == .enforced)
        #expect(state.inodes == .countedAsBytes && state.hasSnapshots && !state.why.isEmpty)
        #expect(try bench.list() == [])
        #expect(try bench.client.ask(.volumeForget(tenant: "alice")) == .done)
        #expect(try bench.used(by: "alice") == 0)
        let (some, kept) = (VolumeBench.workspace("some"), VolumeBench.snapshot("kept"))
        for request in [
            WardenRequest.volumeInspect(some), .volumeRemove(some), .volumeOpen(some),
            .volumeResize(some, VolumeAmounts(bytes: mebibyte)), .volumeSnapshot(some, as: kept),
            .volumeRestore(some, from: kept),
            .volumeFork(some, as: VolumeOrder(VolumeBench.workspace("other"))),
            .create(SessionOrder(id: freshID(), profile: "default", workspace: VolumeOrder(some))),
        ] {
            #expect(try bench.code(request) == .volumeAbsent, "\(request)")
        }
        #expect(unsafe access(bench.warden.directory("state/volumes"), F_OK) != 0)
        try bench.make("first")
        #expect(unsafe access(bench.image, F_OK) == 0)
        let open = try bench.driver()
        #expect(open.isOpen && open.place.contains("volumes.btrfs") && open.troubles.isEmpty, "\(open)")
        try bench.end()
    }

    @Test func `a snapshot is kept, put back and forked`() throws {
        let bench = try VolumeBench()
        let (notes, before) = (VolumeBench.workspace("notes"), VolumeBench.snapshot("before"))
        try bench.make("notes", bytes: 8 * mebibyte)
        try bench.top(.volumeOpen(notes)).value.write("one", to: "f")
        #expect(try bench.state(.volumeSnapshot(notes, as: before)).key == before)
        try bench.top(.volumeOpen(notes)).value.write("two", to: "f")
        do {
            let kept = try bench.top(.volumeOpen(before))
            #expect(try kept.value.text(of: "f") == "one")
            let refused = #expect(throws: SystemError.self) { try kept.value.write("x", to: "g") }
            #expect(refused?.errno == .readOnlyFileSystem)
        }
        let copy = try bench.state(.volumeFork(notes, as: VolumeOrder(VolumeBench.workspace("copy"))))
        #expect(copy.limits.bytes == 8 * mebibyte, "the other's limit")
        #expect(try bench.top(.volumeOpen(VolumeBench.workspace("copy"))).value.text(of: "f") == "two")
        let small = VolumeOrder(VolumeBench.workspace("small"), limits: VolumeAmounts(bytes: 4 * mebibyte))
        #expect(try bench.state(.volumeFork(before, as: small)).limits.bytes == 4 * mebibyte)
        let id = freshID()
        try bench.client.session(id, workspace: VolumeOrder(notes))
        #expect(try bench.code(.volumeRestore(notes, from: before)) == .volumeInUse)
        try bench.client.finish(id)
        #expect(try bench.state(.volumeRestore(notes, from: before)).limits.bytes == 8 * mebibyte)
        #expect(try bench.top(.volumeOpen(notes)).value.text(of: "f") == "one")
        #expect(try bench.list() == [before, VolumeBench.workspace("copy"), notes, small.key])
        #expect(try bench.client.ask(.volumeRemove(before)) == .done)
        #expect(try bench.code(.volumeRestore(notes, from: before)) == .volumeAbsent)
        try bench.end()
    }

    @Test func `a session's volume can be kept while it runs`() throws {
        let (bench, id) = (try VolumeBench(), freshID())
        try bench.client.session(id, workspace: VolumeBench.own(id, bytes: 8 * mebibyte))
        #expect(try bench.run(id, "echo now >f; sync -f f").text == "")
        let own = VolumeKey(tenant: "alice", session: id)
        let kept = VolumeOrder(VolumeBench.workspace("kept"))
        #expect(try bench.state(.volumeFork(own, as: kept)).limits.bytes == 8 * mebibyte)
        try bench.client.finish(id)
        #expect(try bench.list() == [kept.key])
        #expect(try bench.top(.volumeOpen(kept.key)).value.text(of: "f") == "now\n")
        try bench.end()
    }

    @Test func `a tenant's total holds for all of its volumes together`() throws {
        let bench = try VolumeBench()
        try bench.make("one", bytes: 32 * mebibyte)
        try bench.make("two", bytes: 32 * mebibyte)
        let limit = WardenRequest.volumeTotal(tenant: "alice", .limit(16 * mebibyte))
        guard case .volumeTotal(let total) = try bench.client.ask(limit) else { return }
        #expect(total.limit == 16 * mebibyte && total.used != nil)
        let much = String(repeating: "x", count: 10 << 20)
        try bench.top(.volumeOpen(VolumeBench.workspace("one"))).value.write(much, to: "f")
        let refused = #expect(throws: SystemError.self) {
            try bench.top(.volumeOpen(VolumeBench.workspace("two"))).value.write(much, to: "f")
        }
        #expect(refused?.errno == .quotaExceeded)
        #expect(try bench.code(.volumeForget(tenant: "alice")) == .state)
        for name in ["one", "two"] {
            #expect(try bench.client.ask(.volumeRemove(VolumeBench.workspace(name))) == .done)
        }
        #expect(try eventually { try bench.client.ask(.volumeForget(tenant: "alice")) == .done })
        try bench.end()
    }

    @Test func `what cannot be is refused with its code, and nothing is changed`() throws {
        let bench = try VolumeBench(["--ceiling", "volumes=2"])
        let notes = VolumeBench.workspace("notes")
        #expect(try bench.code(.volumeInspect(notes)) == .volumeAbsent)
        #expect(try bench.code(.volumeOpen(notes)) == .volumeAbsent)
        #expect(try bench.code(.volumeRemove(notes)) == .volumeAbsent)
        let id = freshID()
        let absent = SessionOrder(id: id, profile: "default", workspace: VolumeOrder(notes))
        #expect(try bench.code(.create(absent)) == .volumeAbsent)
        try bench.make("notes")
        #expect(try bench.code(.volumeCreate(VolumeOrder(notes))) == .volumeExists)
        for name in ["", "../x", "a/b", ".hidden", "-o", "a b", String(repeating: "a", count: 201)] {
            #expect(try bench.code(.volumeCreate(VolumeOrder(VolumeBench.workspace(name)))) == .volumeName)
            #expect(try bench.code(.volumeOpen(VolumeBench.workspace("notes", of: name))) == .volumeName)
            #expect(try bench.code(.volumeSnapshot(notes, as: VolumeBench.snapshot(name))) == .volumeName)
            #expect(try bench.code(.volumeTotal(tenant: name, .limit(1 << 20))) == .volumeName)
        }
        let huge = VolumeAmounts(bytes: 65 * mebibyte)
        let refused = try bench.client.refusal(
            of: .volumeCreate(VolumeOrder(VolumeBench.workspace("huge"), limits: huge)))
        #expect(refused.code == .ceiling && refused.limit == "volume", "\(refused)")
        #expect(refused.asked == "\(65 * mebibyte)" && refused.allowed == "\(64 * mebibyte)")
        let own = VolumeKey(tenant: "alice", session: id)
        for request in [
            WardenRequest.volumeCreate(VolumeOrder(own)), .volumeRemove(own), .volumeOpen(own),
            .volumeResize(VolumeBench.snapshot("x"), huge), .volumeRestore(own, from: notes),
            .volumeFork(notes, as: VolumeOrder(own)),
        ] {
            #expect([.order, .ceiling].contains(try bench.code(request)), "\(request)")
        }
        #expect(
            try bench.code(.volumeSnapshot(notes, as: VolumeBench.snapshot("s", of: "bob")))
                == .volumeUnsupported)
        try bench.make("two")
        #expect(try bench.code(.volumeCreate(VolumeOrder(VolumeBench.workspace("three")))) == .ceiling)
        #expect(try bench.code(.volumeSnapshot(notes, as: VolumeBench.snapshot("s"))) == .ceiling)
        #expect(try bench.client.ask(.volumeRemove(VolumeBench.workspace("two"))) == .done)
        try bench.make("three")
        #expect(try bench.list() == [notes, VolumeBench.workspace("three")])
        try bench.end()
    }

    @Test func `a list of more than a page is told page by page`() throws {
        let bench = try VolumeBench()
        let names = (0..<70).map { VolumeBench.workspace("w\($0)") }
        for key in names { try bench.make(key.name, bytes: mebibyte) }
        #expect(try bench.list() == names.sorted { $0.description < $1.description })
        try bench.end()
    }

    @Test func `an image of which nothing is left has no volumes for anybody`() throws {
        let bench = try VolumeBench()
        try bench.make("notes")
        try bench.end()
        try File.write([0x61], to: bench.image)
        let next = try VolumeBench(in: bench.warden.directory)
        #expect(try next.code(.volumeInspect(VolumeBench.workspace("notes"))).rawValue.hasPrefix("volume-"))
        // Sessions without a volume go on.
        let id = freshID()
        try next.client.session(id)
        try next.client.finish(id)
        #expect(try next.warden.end().status == 0)
    }

    /// In a mount namespace in which nothing can make an image.
    private let withoutMaker = [
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        "mount --bind /dev/null /usr/sbin/mkfs.btrfs && exec \"$@\"", "sh",
    ]

    @Test func `where nothing can enforce a limit there are no volumes`() throws {
        let (bench, id) = (try VolumeBench(prefix: withoutMaker), freshID())
        let refused = try bench.client.refusal(of: .volumeDriver)
        #expect(refused.code == .volumeNoDriver && refused.sentence.contains("mkfs.btrfs"), "\(refused)")
        for allowSoft in [false, true] {
            var order = VolumeBench.own(id)
            order.allowSoft = allowSoft
            let session = SessionOrder(id: id, profile: "default", workspace: order)
            #expect(try bench.code(.create(session)) == .volumeNoDriver)
        }
        try bench.client.session(id)
        try bench.client.finish(id)
        try bench.end()
    }

    @Test func `by the operator's word there are volumes without limits for who takes them`() throws {
        let bench = try VolumeBench(["--ceiling", "soft-volumes=true"], prefix: withoutMaker)
        let id = freshID()
        let state = try bench.driver()
        #expect(state.kind == .directory && !state.isOpen && state.hasSnapshots)
        var order = VolumeBench.own(id, bytes: mebibyte)
        let hard = SessionOrder(id: id, profile: "default", workspace: order)
        #expect(try bench.code(.create(hard)) == .volumeNotEnforced)
        #expect(try bench.code(.volumeCreate(VolumeOrder(VolumeBench.workspace("w")))) == .volumeNotEnforced)
        order.allowSoft = true
        try bench.client.session(id, workspace: order)
        #expect(try bench.run(id, "dd if=/dev/zero of=f bs=1M count=4").status == .exited(0))
        let made = try bench.state(.volumeInspect(order.key))
        #expect(made.limits == VolumeAmounts() && made.used == VolumeAmounts() && made.driver == .directory)
        let limits = try bench.client.list().first?.session.limits
        #expect(limits?.workspace == VolumeAmounts(), "what nothing enforces is never shown as a limit")
        // A copy of what somebody writes to would be of no one point in time.
        #expect(try bench.code(.volumeSnapshot(order.key, as: VolumeBench.snapshot("s"))) == .volumeInUse)
        #expect(try bench.top(.workspace(id)).value.open("f", O_RDONLY, resolve: .beneath).number >= 0)
        try bench.client.finish(id)
        #expect(try bench.list() == [])
        try bench.end()
    }

    @Test func `directories are copied, with progress, and held for nobody else`() throws {
        let bench = try VolumeBench(["--ceiling", "soft-volumes=true"], prefix: withoutMaker)
        let (notes, kept, fork) = (
            VolumeBench.workspace("notes"), VolumeBench.snapshot("kept"), VolumeBench.workspace("fork")
        )
        func order(_ key: VolumeKey) -> VolumeOrder { VolumeOrder(key, allowSoft: true) }
        _ = try bench.state(.volumeCreate(order(notes)))
        let id = freshID()
        try bench.client.session(id, workspace: order(notes))
        let fill =
            "mkdir d; ln -s /etc/passwd d/link; dd if=/dev/urandom of=d/big bs=1M count=48; echo one >f"
        #expect(try bench.run(id, fill).status == .exited(0))
        try bench.client.finish(id)
        _ = try bench.state(.volumeSnapshot(notes, as: kept))
        #expect(
            bench.client.events.contains {
                if case .volumeProgress(kept, let progress) = $0 { progress.entries > 0 } else { false }
            }, "no word of how far it is")
        try bench.top(.volumeOpen(notes)).value.write("two", to: "f")
        let refused = #expect(throws: SystemError.self) {
            try bench.top(.volumeOpen(kept)).value.write("three", to: "f")
        }
        #expect(refused?.errno == .readOnlyFileSystem)
        _ = try bench.state(.volumeFork(kept, as: order(fork)))
        #expect(try bench.top(.volumeOpen(fork)).value.text(of: "f") == "one\n")
        #expect(try bench.code(.volumeFork(kept, as: order(fork))) == .volumeExists)
        _ = try bench.state(.volumeRestore(notes, from: kept))
        let next = freshID()
        try bench.client.session(next, workspace: order(notes))
        // Its own again: owners are kept.
        let shown = try bench.run(next, "cat f; readlink d/link; stat -c '%s %u' d/big; echo x >>f")
        #expect(shown.text == "one\n/etc/passwd\n\(48 << 20) 1000\n")
        try bench.client.finish(next)
        #expect(try bench.list() == [kept, fork, notes])
        for key in [kept, fork, notes] { #expect(try bench.client.ask(.volumeRemove(key)) == .done) }
        #expect(try eventually { try bench.client.ask(.volumeForget(tenant: "alice")) == .done })
        try bench.end()
    }

    @Test func `an ordinary user's warden has no volumes, and says why`() throws {
        let user = Host.ordinaryUser
        let warden = try TestWarden(allowing: user, user: user)
        let (client, id) = (try Client(warden.socket), freshID())
        #expect(try client.refusal(of: .volumeDriver).code == .volumeNoDriver)
        let order = SessionOrder(id: id, profile: "default", workspace: VolumeBench.own(id))
        let refused = try client.refusal(of: .create(order))
        #expect(refused.code == .volumeNoDriver && refused.sentence.contains("root"), "\(refused)")
        try client.session(id)
        try client.finish(id)
    }

    @Test func `a state directory on a btrfs with quotas is used as it is`() throws {
        let directory = try TemporaryDirectory()
        let state = directory("state")
        let prepare = """
            mkdir "$1/state" && truncate -s 256M "$1/disk" && mkfs.btrfs -q "$1/disk" &&
            mount -o loop "$1/disk" "$1/state" && btrfs quota enable "$1/state"
            """
        let prepared = try Program.run(["sh", "-c", prepare, "sh", directory.path])
        defer { _ = try? Program.run(["umount", "--lazy", state]) }
        try #require(prepared.status == 0, "\(prepared.errors)")
        let id = freshID()
        do {
            let bench = try VolumeBench(in: directory)
            let driver = try bench.driver()
            #expect(driver.kind == .btrfs && driver.place.contains("the btrfs at \(state)"), "\(driver)")
            try bench.client.session(id, workspace: VolumeBench.own(id, bytes: 8 * mebibyte))
            let full = try bench.run(id, "dd if=/dev/zero of=full bs=1M count=40 conv=fsync")
            #expect(full.text.contains("Disk quota exceeded"), "\(full)")
            #expect(try bench.top(.workspace(id)).value.open("full", O_RDONLY, resolve: .beneath).number >= 0)
            try bench.client.finish(id)
            #expect(try bench.list() == [])
            #expect(unsafe access(bench.image, F_OK) != 0, "an image was made")
            #expect(try bench.warden.end().status == 0)
        }
        #expect(try eventually { try Program.run(["umount", state]).status == 0 }, "somebody holds it")
        #expect(eventually { VolumeBench.loops(of: directory("disk")).isEmpty })
    }
}
