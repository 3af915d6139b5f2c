// Sessions whose workspace is a volume: their limits, their files, and what becomes of the volume.

import CLinux
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@Suite(.serialized, .enabled(if: canMakeImages, "volumes need root, btrfs, loop devices and mkfs.btrfs"))
struct VolumeSessionTests {
    private let fill = "dd if=/dev/zero of=full bs=1M count=40 conv=fsync"

    @Test func `a session stops at its volume's limit, and its neighbour goes on`() throws {
        let bench = try VolumeBench()
        let (client, id, other) = (bench.client, freshID(), freshID())
        // So that the tenant's own groups are there.
        _ = try client.ask(.volumeTotal(tenant: "alice", .limit(nil)))
        let groups = bench.quotaGroups()
        #expect(!groups.isEmpty)
        try client.session(id, workspace: VolumeBench.own(id, bytes: 8 * mebibyte))
        try client.session(other, workspace: VolumeBench.own(other, bytes: 16 * mebibyte))
        let full = try bench.run(id, fill)
        #expect(full.text.contains("Disk quota exceeded") && full.status == .exited(1), "\(full)")
        #expect(
            try bench.run(id, "fallocate -l 40M big; dd if=/dev/zero of=x bs=1M count=1").status != .exited(0)
        )
        let neighbour = try bench.run(
            other, "dd if=/dev/zero of=f bs=1M count=8 conv=fsync && stat -c %u:%g f")
        #expect(neighbour.status == .exited(0) && neighbour.text.hasSuffix("1000:1000\n"), "\(neighbour)")
        // What is in force and what is used, wherever it is told.
        let limits = VolumeAmounts(bytes: 8 * mebibyte)
        #expect(try client.list().first { $0.session.id == id }?.session.limits.workspace == limits)
        guard case .statistics(let statistics) = try client.ask(.statistics(id)) else { return }
        let used = try #require(statistics.workspace.bytes)
        #expect(used > 7 * mebibyte && used <= 8 * mebibyte, "\(used)")
        try client.wait("the event of a full volume") {
            client.events.contains {
                if case .volumeFilling(id, 95, _, limits) = $0 { true } else { false }
            }
        }
        #expect(
            !client.events.contains { if case .volumeFilling(other, _, _, _) = $0 { true } else { false } })
        #expect(try bench.run(id, "rm -f full big x && echo gone").text == "gone\n")
        try client.finish(id)
        #expect(client.end(of: id)?.statistics.workspace.bytes != nil)
        try client.finish(other)
        #expect(try bench.list() == [])
        #expect(try eventually { try bench.used(by: "alice") < mebibyte }, "the room does not come back")
        #expect(eventually { bench.quotaGroups() == groups }, "\(bench.quotaGroups()), not \(groups)")
        #expect(try bench.driver().troubles == [])
        try bench.end()
    }

    @Test func `a volume without a limit of its own has the operator's`() throws {
        let (bench, id) = (try VolumeBench(), freshID())
        try bench.client.session(id, workspace: VolumeBench.own(id))
        let state = try bench.state(.volumeInspect(VolumeKey(tenant: "alice", session: id)))
        #expect(state.limits == VolumeAmounts(bytes: 64 * mebibyte) && state.users == 1)
        #expect(state.driver == .btrfs)
        try bench.client.finish(id)
        try bench.end()
    }

    @Test func `a volume of a session is gone when its launch fails`() throws {
        let bench = try VolumeBench(["--ceiling", "limits.memory=1024TiB"])
        let id = freshID()
        let order = SessionOrder(
            id: id, profile: "default", overrides: [.memory(1 << 50)], workspace: VolumeBench.own(id))
        #expect(try bench.client.refusal(of: .create(order)).sentence.contains("memory"))
        #expect(try bench.list() == [])
        #expect(try bench.code(.volumeInspect(VolumeKey(tenant: "alice", session: id))) == .volumeAbsent)
        try bench.end()
    }

    @Test func `a workspace is given from session to session with its files`() throws {
        let bench = try VolumeBench()
        try bench.make("notes", bytes: 8 * mebibyte)
        let order = VolumeOrder(VolumeBench.workspace("notes"))
        let (first, second) = (freshID(), freshID())
        try bench.client.session(first, workspace: order)
        #expect(try bench.run(first, "echo one >kept; mkdir d; chmod 700 d; chmod 600 kept").text == "")
        try bench.client.finish(first)
        #expect(try bench.list() == [order.key])
        try bench.client.session(second, workspace: order)
        #expect(
            try bench.run(second, "cat kept; echo two >>kept; stat -c '%u:%g %a' . d kept").text
                == "one\n1000:1000 755\n1000:1000 700\n1000:1000 600\n")
        try bench.client.finish(second)
        // And by corrald, without a session: files are corrald's own there.
        do {
            let top = try bench.top(.volumeOpen(order.key))
            #expect(try top.value.text(of: "kept") == "one\ntwo\n")
            try top.value.write("three\n", to: "from outside")
            var found = statvfs()
            #expect(unsafe fstatvfs(top.value.number, &found) == 0)
            let flags = UInt(ST_NOSUID) | 4 | 8
            #expect(found.f_flag & flags == flags, "nosuid, nodev and noexec")
        }
        let third = freshID()
        try bench.client.session(third, workspace: order)
        #expect(try bench.run(third, "cat 'from outside'; stat -c %u 'from outside'").text == "three\n1000\n")
        try bench.client.finish(third)
        try bench.end()
    }

    @Test func `two sessions can have one workspace at a time, and each sees the other's files`() throws {
        let bench = try VolumeBench()
        try bench.make("both")
        let order = VolumeOrder(VolumeBench.workspace("both"))
        let (first, second) = (freshID(), freshID())
        try bench.client.session(first, workspace: order)
        try bench.client.session(second, workspace: order)
        #expect(try bench.run(first, "echo hello >f").text == "")
        #expect(try bench.run(second, "cat f && echo there >>f").text == "hello\n")
        #expect(try bench.run(first, "cat f").text == "hello\nthere\n")
        #expect(try bench.state(.volumeInspect(order.key)).users == 2)
        let refused = try bench.client.refusal(of: .volumeRemove(order.key))
        #expect(refused.code == .volumeInUse && refused.sentence.contains("\(min(first, second))"))
        try bench.client.finish(first)
        #expect(try bench.code(.volumeRemove(order.key)) == .volumeInUse)
        try bench.client.finish(second)
        #expect(try bench.client.ask(.volumeRemove(order.key)) == .done)
        #expect(try bench.list() == [])
        try bench.end()
    }

    @Test func `the files of a session with a volume are corrald's as well`() throws {
        let (bench, id) = (try VolumeBench(), freshID())
        try bench.client.session(id, workspace: VolumeBench.own(id, bytes: 4 * mebibyte))
        #expect(try bench.run(id, "echo mine >inside; ln -s /etc/shadow link").text == "")
        do {
            let top = try bench.top(.workspace(id))
            var status = clinux_stat()
            let file = try top.value.open("inside", O_RDONLY, resolve: .beneath)
            #expect(unsafe clinux_fstat(file.number, &status) == 0)
            #expect(status.uid == geteuid() && status.gid == getegid())
            #expect(try top.value.text(of: "inside") == "mine\n")
            let much = String(repeating: "x", count: 5 << 20)
            let refused = #expect(throws: SystemError.self) { try top.value.write(much, to: "much") }
            #expect(refused?.errno == .quotaExceeded)
        }
        try bench.client.finish(id)
        try bench.end()
    }

    @Test func `a read-only profile reads its workspace and does not write it`() throws {
        let (bench, id) = (try VolumeBench(), freshID())
        try bench.make("notes")
        try bench.top(.volumeOpen(VolumeBench.workspace("notes"))).value.write("read me", to: "f")
        try bench.client.session(
            id, profile: "offline_readonly", workspace: VolumeOrder(VolumeBench.workspace("notes")))
        let result = try bench.run(id, "cat f; echo x >g")
        #expect(
            result.text.hasPrefix("read me") && result.text.contains("Read-only file system"), "\(result)")
        try bench.client.finish(id)
        try bench.end()
    }

    @Test func `limits change while a session writes, and not to less than it uses`() throws {
        let (bench, id) = (try VolumeBench(), freshID())
        let key = VolumeKey(tenant: "alice", session: id)
        try bench.client.session(id, workspace: VolumeBench.own(id, bytes: 8 * mebibyte))
        #expect(try bench.run(id, fill).status == .exited(1))
        let raised = try bench.state(.volumeResize(key, VolumeAmounts(bytes: 60 * mebibyte)))
        #expect(raised.limits.bytes == 60 * mebibyte)
        let limits = try bench.client.list().first { $0.session.id == id }?.session.limits
        #expect(limits?.workspace.bytes == 60 * mebibyte)
        #expect(try bench.run(id, fill).status == .exited(0))
        let refused = try bench.client.refusal(of: .volumeResize(key, VolumeAmounts(bytes: 8 * mebibyte)))
        #expect(refused.code == .volumeBelowUse && refused.limit == "bytes", "\(refused)")
        #expect(refused.asked == "\(8 * mebibyte)" && (UInt64(refused.allowed) ?? 0) >= 40 * mebibyte)
        #expect(try bench.state(.volumeInspect(key)).limits.bytes == 60 * mebibyte, "nothing was changed")
        #expect(
            try bench.state(.volumeResize(key, VolumeAmounts(bytes: 48 * mebibyte))).limits.bytes == 48
                * mebibyte)
        #expect(try bench.run(id, "dd if=/dev/zero of=more bs=1M count=20 conv=fsync").status == .exited(1))
        #expect(try bench.code(.volumeResize(key, VolumeAmounts(bytes: 65 * mebibyte))) == .ceiling)
        #expect(try bench.code(.volumeResize(key, VolumeAmounts(bytes: 0))) == .volumeLimit)
        try bench.client.finish(id)
        try bench.end()
    }

    @Test func `a killed warden's successor removes the volumes of sessions and keeps workspaces`() throws {
        let directory: TemporaryDirectory
        let id = freshID()
        do {
            let bench = try VolumeBench()
            directory = bench.warden.directory
            try bench.make("kept", bytes: 8 * mebibyte)
            try bench.client.session(id, workspace: VolumeBench.own(id, bytes: 8 * mebibyte))
            try bench.client.session(freshID(), workspace: VolumeOrder(VolumeBench.workspace("kept")))
            #expect(try bench.run(id, "dd if=/dev/zero of=f bs=1M count=4").status == .exited(0))
            #expect(try bench.list().count == 2)
            _ = try bench.warden.kill()
        }
        let bench = try VolumeBench(in: directory)
        #expect(VolumeBench.loops(of: bench.image).count <= 1, "the image has two loop devices")
        #expect(try bench.list() == [VolumeBench.workspace("kept")])
        #expect(try bench.driver().isOpen)
        let state = try bench.state(.volumeInspect(VolumeBench.workspace("kept")))
        #expect(state.limits.bytes == 8 * mebibyte && state.users == 0)
        // All of it is usable at once.
        let next = freshID()
        try bench.client.session(next, workspace: VolumeOrder(VolumeBench.workspace("kept")))
        #expect(try bench.run(next, "echo yes >f && cat f").text == "yes\n")
        #expect(VolumeBench.loops(of: bench.image).count == 1)
        try bench.client.finish(next)
        try bench.end()
    }

    @Test func `no process makes a subvolume, for which no limit would hold`() throws {
        // BTRFS_IOC_SUBVOL_CREATE with a name of its own.
        let attempt = """
            python3 -c '
            import fcntl, os
            fd = os.open(".", os.O_RDONLY)
            try:
                fcntl.ioctl(fd, 0x5000940E, bytearray(b"\\0" * 8 + b"inside" + b"\\0" * 4082))
                print("made")
            except OSError as error:
                print(error.strerror)
            '
            """
        for (without, expected) in [(nil, "Inappropriate ioctl for device\n"), ("seccomp", "made\n")] {
            let (bench, id) = (try VolumeBench(without: without), freshID())
            try bench.client.session(id, workspace: VolumeBench.own(id, bytes: 8 * mebibyte))
            let said = try bench.run(id, attempt).text
            #expect(said == expected, "without \(without ?? "nothing")")
            try bench.client.finish(id)
            #expect(try bench.list() == [], "a subvolume inside is removed along")
            try bench.end()
        }
    }
}
