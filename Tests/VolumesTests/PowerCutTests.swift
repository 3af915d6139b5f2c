import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Images as a loss of power leaves them: copied between one step and the next, with nothing flushed for it.
///
/// A commit of the kernel's own may fall into a copy. That is no worse than a loss of power: what the superblock
/// led to before it stays whole until the commit after it.
@Suite(.serialized, .enabled(if: Machine.hasImages, Machine.why)) struct PowerCutTests {
    private let limit = VolumeRequest(limits: VolumeLimits(bytes: 8 * megabyte), mode: 0o755)

    /// Some steps of the lives of volumes, each a moment for the power to go.
    private func steps(_ driver: BtrfsDriver, _ round: Int) -> [() throws -> Void] {
        let session = Fixture.session("s\(round)")
        let workspace = VolumeName.workspace(tenant: "alice", name: "w")
        let snapshot = VolumeName.snapshot(tenant: "alice", name: "p\(round)")
        let fork = VolumeName.workspace(tenant: "alice", name: "f\(round)")
        return [
            { try run("seq 20000 >f; sync -f .", in: driver.create(session, self.limit)) },
            {
                if try !driver.list().contains(workspace) {
                    try run("seq 20000 >f", in: driver.create(workspace, self.limit))
                }
            },
            { try driver.snapshot(workspace, as: snapshot) },
            { _ = try driver.fork(snapshot, as: fork, VolumeRequest()) },
            { try driver.restore(workspace, from: snapshot) },
            { try driver.remove(session) },
            { _ = try driver.settle() },
            { try driver.remove(fork) },
            { try driver.remove(snapshot) },
            { try driver.tree.root.syncBtrfs() },
            { _ = try driver.settle() },
        ]
    }

    @Test(arguments: Machine.modes)
    func `whatever was being done, volumes have their limits and nothing stays that has no name`(
        mode: QuotaMode
    ) throws {
        let copies = try Place()
        var count = 0
        do {
            let fixture = try Fixture(mode)
            for round in 0..<Effort.rounds(1, full: 4) {
                for step in steps(fixture.driver, round) {
                    try step()
                    try File.makeDirectories("\(copies.path)/\(count)")
                    let copied = try Program.run([
                        "cp", "--sparse=always", "\(fixture.place.path)/\(VolumeFacts.image)",
                        "\(copies.path)/\(count)",
                    ])
                    try #require(copied.status == 0, "\(copied.errors)")
                    count += 1
                }
            }
        }
        for number in 0..<count { try check(mode, "\(copies.path)/\(number)") }
    }

    private func check(_ mode: QuotaMode, _ path: String) throws {
        let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        let image = try BtrfsImage(VolumeFacts.image, in: directory, path: path, policy: Fixture.policy)
        let driver = try BtrfsDriver(image: image, enabling: [mode])
        #expect(driver.mode == mode)
        #expect(try driver.tend() == [])
        for name in try driver.list() {
            #expect(try driver.limits(of: name).bytes == 8 * megabyte, "\(name) in \(path)")
            try driver.remove(name)
        }
        #expect(try eventually { try driver.settle() == 0 }, "\(path)")
        #expect(try driver.forget(tenant: "alice"))
        #expect(try eventually { try driver.settle() == 0 }, "\(path)")
        // The kernel takes a group's directory away a moment after the group.
        let groups = "/sys/fs/btrfs/\(try image.room().uuid)/qgroups"
        #expect(
            eventually { File.names(in: groups).filter { $0.first?.isNumber == true } == ["0_5"] }, "\(path)")
        #expect(try driver.tend() == [], "counts are still to be trusted")
    }
}
