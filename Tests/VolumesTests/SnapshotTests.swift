import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Snapshots, forks and what goes back, each with its limit and its tenant's.
@Suite(.serialized, .enabled(if: Machine.hasImages, Machine.why)) struct SnapshotTests {
    private func workspace(_ name: String) -> VolumeName { .workspace(tenant: "alice", name: name) }
    private func snapshot(_ name: String) -> VolumeName { .snapshot(tenant: "alice", name: name) }

    private func make(_ fixture: Fixture, _ name: String, bytes: UInt64?) throws -> Volume {
        try fixture.driver.create(workspace(name), VolumeRequest(limits: VolumeLimits(bytes: bytes)))
    }

    @Test(arguments: Machine.modes)
    func `a snapshot keeps what was, and takes nothing`(mode: QuotaMode) throws {
        let fixture = try Fixture(mode)
        let volume = try make(fixture, "w", bytes: 16 * megabyte)
        try run("echo before >f", in: volume)
        try fixture.driver.snapshot(workspace("w"), as: snapshot("s"))
        try run("echo after >f", in: volume)
        let kept = try fixture.driver.open(snapshot("s"))
        #expect(try run("cat f", in: kept).output == "before\n")
        #expect(try run("echo more >f", in: kept).errors.contains("Read-only file system"))
        #expect(code { try fixture.driver.snapshot(workspace("w"), as: snapshot("s")) } == "volume-exists")
        #expect(try fixture.driver.list() == [workspace("w"), snapshot("s")])
        #expect(try fixture.driver.tend() == [], "counts are still to be trusted")
    }

    @Test(arguments: Machine.modes)
    func `a fork has the limit of what it is a fork of`(mode: QuotaMode) throws {
        let fixture = try Fixture(mode)
        let volume = try make(fixture, "w", bytes: 16 * megabyte)
        try run("dd if=/dev/urandom of=f bs=1M count=8 conv=fsync status=none", in: volume)
        let fork = try fixture.driver.fork(workspace("w"), as: workspace("v"), VolumeRequest())
        #expect(try fixture.driver.limits(of: workspace("v")).bytes == 16 * megabyte)
        #expect(
            try run("dd if=/dev/zero of=g bs=1M count=20 conv=fsync", in: fork).errors.contains(
                "quota exceeded"))
        #expect(try run("stat -c %s f", in: fork).output == "\(8 * megabyte)\n")
        let stranger = VolumeName.workspace(tenant: "bob", name: "v")
        #expect(
            code { try fixture.driver.fork(workspace("w"), as: stranger, VolumeRequest()) }
                == "volume-unsupported")
        #expect(try fixture.driver.tend() == [])
    }

    @Test(arguments: Machine.modes)
    func `limits of all volumes hold after a copy of one`(mode: QuotaMode) throws {
        let fixture = try Fixture(mode)
        let other = try make(fixture, "o", bytes: 16 * megabyte)
        let volume = try make(fixture, "w", bytes: 16 * megabyte)
        try run("echo before >f", in: volume)
        try fixture.driver.snapshot(workspace("w"), as: snapshot("s"))
        _ = try fixture.driver.fork(workspace("w"), as: workspace("v"), VolumeRequest())
        try fixture.driver.restore(workspace("w"), from: snapshot("s"))
        let restored = try fixture.driver.open(workspace("w"))
        // Quota groups that count nothing any more let each commit have the whole limit.
        let write = "dd if=/dev/urandom bs=1M count=12 conv=fsync status=none"
        #expect(try run("\(write) of=f", in: other).status == 0)
        #expect(try run("\(write) of=g", in: other).errors.contains("quota exceeded"))
        #expect(try run("\(write) of=h", in: restored).status == 0)
        #expect(try run("\(write) of=g", in: restored).errors.contains("quota exceeded"))
        #expect(try fixture.driver.tend() == [])
    }

    @Test(.enabled(if: Machine.hasSimpleQuotas, "quota groups give a copy its source's limit"))
    func `without inheritance the same snapshot has no limit`() throws {
        let fixture = try Fixture()
        let volume = try make(fixture, "w", bytes: 16 * megabyte)
        let top = try fixture.image.top()
        // What BTRFS_IOC_SNAP_CREATE_V2 makes when it is told nothing of quotas.
        try top.makeSubvolume("plain", source: volume.directory.number, bytes: nil, parents: nil)
        let plain = Volume(name: workspace("plain"), directory: try top.open("plain", O_RDONLY | O_DIRECTORY))
        #expect(try run("dd if=/dev/zero of=g bs=1M count=20 conv=fsync", in: plain).status == 0)
    }

    @Test(arguments: Machine.modes)
    func `a restore puts back what a snapshot kept, under the same limit`(mode: QuotaMode) throws {
        let fixture = try Fixture(mode)
        let volume = try make(fixture, "w", bytes: 16 * megabyte)
        try run("echo before >f", in: volume)
        try fixture.driver.snapshot(workspace("w"), as: snapshot("s"))
        try run("echo after >f; echo new >g", in: volume)
        try fixture.driver.restore(workspace("w"), from: snapshot("s"))
        let restored = try fixture.driver.open(workspace("w"))
        #expect(try run("cat f; ls", in: restored).output == "before\nf\n")
        #expect(try run("ls", in: volume).output == "", "who had it open finds nothing any more")
        #expect(
            try run("dd if=/dev/zero of=h bs=1M count=20 conv=fsync", in: restored).errors.contains(
                "quota exceeded"))
        #expect(try fixture.driver.list() == [workspace("w"), snapshot("s")])
    }

    @Test(arguments: Machine.modes)
    func `all that a tenant has is limited together`(mode: QuotaMode) throws {
        let fixture = try Fixture(mode)
        try fixture.driver.setTotal(of: "alice", bytes: 24 * megabyte)
        let first = try fixture.make("a", bytes: 16 * megabyte)
        let second = try fixture.make("b", bytes: 16 * megabyte)
        let other = try fixture.make("c", bytes: 16 * megabyte, of: "bob")
        let fill = "dd if=/dev/zero of=f bs=1M count=14 conv=fsync"
        #expect(try run(fill, in: first).status == 0)
        #expect(try run(fill, in: second).errors.contains("quota exceeded"))
        #expect(try run(fill, in: other).status == 0)
        try fixture.image.top().syncBtrfs()
        let total = try fixture.driver.total(of: "alice")
        let used = try #require(total.used)
        #expect(total.limit == 24 * megabyte && used <= 24 * megabyte && used > 20 * megabyte, "\(used)")
        // A fork is the tenant's as well.
        let fork = try fixture.driver.fork(
            Fixture.session("a"), as: Fixture.session("d"), VolumeRequest())
        #expect(
            try run("dd if=/dev/zero of=g bs=1M count=14 conv=fsync", in: fork).errors.contains(
                "quota exceeded"))
        try fixture.driver.setTotal(of: "alice", bytes: nil)
        #expect(try run(fill, in: second).status == 0)
        #expect(try fixture.driver.total(of: "alice").limit == nil)
        #expect(try fixture.driver.tend() == [])
    }

    @Test func `a snapshot of a gigabyte takes none of the room`() throws {
        var policy = Fixture.policy
        (policy.initial, policy.bound) = (1400 * megabyte, 1400 * megabyte)
        let fixture = try Fixture(policy: policy)
        let volume = try make(fixture, "w", bytes: nil)
        #expect(try run("fallocate -l 1G f", in: volume).status == 0)
        let before = try fixture.dataUsed()
        try fixture.driver.snapshot(workspace("w"), as: snapshot("s"))
        #expect(try run("stat -c %s f", in: fixture.driver.open(snapshot("s"))).output == "\(1 << 30)\n")
        #expect(try fixture.dataUsed() < before + 16 * megabyte)
    }
}
