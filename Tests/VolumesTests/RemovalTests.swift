import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Resizing and removing, and that nothing is left of what was removed.
@Suite(.serialized, .enabled(if: Machine.hasImages, Machine.why)) struct RemovalTests {
    private let name = Fixture.session("a")

    @Test(arguments: Machine.modes)
    func `a volume grows and shrinks while it is written to, but not below what it holds`(mode: QuotaMode)
        throws
    {
        let fixture = try Fixture(mode)
        let volume = try fixture.make("a", bytes: 8 * megabyte)
        let fill = "dd if=/dev/zero of=f bs=1M count=12 conv=fsync"
        #expect(try run(fill, in: volume).status != 0)
        try fixture.driver.resize(name, to: VolumeLimits(bytes: 16 * megabyte))
        #expect(try run(fill, in: volume).status == 0)
        try fixture.image.top().syncBtrfs()
        let used = try fixture.used("a")
        #expect(
            code { try fixture.driver.resize(name, to: VolumeLimits(bytes: 8 * megabyte)) }
                == "volume-below-use")
        #expect(try fixture.driver.limits(of: name).bytes == 16 * megabyte, "nothing was changed")
        try fixture.driver.resize(name, to: VolumeLimits(bytes: used + megabyte))
        #expect(try run("dd if=/dev/zero of=g bs=1M count=2 conv=fsync", in: volume).status != 0)
        #expect(code { try fixture.driver.resize(name, to: VolumeLimits(bytes: 0)) } == "volume-limit")
        #expect(code { try fixture.driver.resize(name, to: VolumeLimits(bytes: 1 << 40)) } == "volume-limit")
    }

    @Test(arguments: Machine.modes)
    func `what a removed volume held comes back at once, and no group stays`(mode: QuotaMode) throws {
        let fixture = try Fixture(mode)
        let before = try fixture.dataUsed()
        _ = try fixture.make("keep", bytes: megabyte)
        let groups = try fixture.qgroups()
        var volume: Held<Volume>? = Held(try fixture.make("a", bytes: 100 * megabyte))
        let fill = "dd if=/dev/zero of=f bs=1M count=80 conv=fsync"
        #expect(try volume.map { try run(fill, in: $0.value).status } == 0)
        #expect(try fixture.dataUsed() >= before + 80 * megabyte)
        try fixture.driver.remove(name)
        #expect(code { try fixture.driver.open(name) } == "volume-absent")
        #expect(code { try fixture.driver.remove(name) } == "volume-absent")
        #expect(try fixture.driver.settle() == 1, "somebody has it open")
        #expect(try fixture.image.room().dataUsed >= before + 80 * megabyte)
        volume = nil
        _ = try fixture.driver.settle()
        #expect(try eventually { try fixture.image.room().dataUsed < before + 10 * megabyte })
        #expect(try fixture.settled())
        #expect(try eventually { try fixture.qgroups() == groups })
        #expect(try fixture.driver.list() == [Fixture.session("keep")])
        #expect(try fixture.driver.tend() == [], "counts are still to be trusted")
    }

    @Test func `without settling the space does not come back`() throws {
        let fixture = try Fixture()
        let before = try fixture.dataUsed()
        do {
            let volume = try fixture.make("a", bytes: 100 * megabyte)
            #expect(try run("dd if=/dev/zero of=f bs=1M count=80 conv=fsync", in: volume).status == 0)
        }
        try fixture.image.top().destroyNothingButTheName(name)
        usleep(500_000)
        #expect(try fixture.image.room().dataUsed >= before + 80 * megabyte)
    }

    @Test(arguments: Machine.modes)
    func `a removal that was cut off is got to the end of by the next process`(mode: QuotaMode) throws {
        let place = try Place()
        do {
            let fixture = try Fixture(mode, place: place)
            let volume = try fixture.make("a", bytes: 16 * megabyte)
            try run("echo x >f; sync -f .", in: volume)
            try fixture.driver.remove(name)
        }
        let fixture = try Fixture(mode, place: place)
        #expect(!fixture.driver.leaving.isEmpty)
        #expect(try fixture.settled())
        // The tenant's two are all that there are.
        #expect(try eventually { try fixture.qgroups().count == 2 })
        #expect(try fixture.driver.forget(tenant: "alice"))
        #expect(try fixture.settled())
        #expect(try eventually { try fixture.qgroups() == [] })
    }

    @Test func `a tenant with volumes is not forgotten`() throws {
        let fixture = try Fixture()
        try fixture.driver.setTotal(of: "alice", bytes: 32 * megabyte)
        _ = try fixture.make("a", bytes: nil)
        #expect(try !fixture.driver.forget(tenant: "alice"))
        #expect(try fixture.driver.total(of: "alice").limit == 32 * megabyte)
        #expect(try fixture.driver.forget(tenant: "nobody"))
    }

    @Test func `subvolumes that a plugin made in its volume are told of and go with it`() throws {
        let fixture = try Fixture()
        var volume: Held<Volume>? = Held(try fixture.make("a", bytes: 16 * megabyte))
        let number = try #require(volume).value.directory.number
        #expect(fchown(number, Host.ordinaryUser, Host.ordinaryUser) == 0)
        // btrfs lets everybody, which is why the sandbox's filter lets nobody: BTRFS_IOC_SUBVOL_CREATE.
        let script = """
            import fcntl, os
            os.chdir("/proc/self/fd/3")
            for name in (b"one", b"two"):
                directory = os.open(".", os.O_RDONLY)
                fcntl.ioctl(directory, 0x5000940e, bytearray(bytes(8) + name.ljust(4088, b"\\0")))
                os.chdir(name)
            open("f", "wb").write(bytes(40 << 20)); os.sync()
            """
        let outcome = try Program.run(
            ["python3", "-c", script], timeout: 60, uid: Host.ordinaryUser, descriptors: [number])
        #expect(outcome.status == 0, "the escape that tend() is there for: \(outcome.errors)")
        #expect(try fixture.used("a") < 16 * megabyte)
        #expect(try fixture.driver.tend() == [.subvolumeInside(name)])
        #expect(throws: SystemError.self) {
            let parent = try fixture.image.top().open("sessions/alice", O_RDONLY | O_DIRECTORY)
            try parent.destroySubvolume("a")
        }
        volume = nil
        try fixture.driver.remove(name)
        #expect(try fixture.settled())
        #expect(try fixture.driver.list() == [])
        #expect(try eventually { try fixture.qgroups().count == 2 })
    }
}

extension FileDescriptor {
    /// The naive removal.
    fileprivate borrowing func destroyNothingButTheName(_ name: VolumeName) throws {
        try open("\(name.kind)/\(name.tenant)", O_RDONLY | O_DIRECTORY).destroySubvolume(name.name)
    }
}
