import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Volumes with project quotas after a loss of power, which both file systems can play: from the ioctl on nothing
/// reaches the disk any more, and the next mount has the journal alone.
@Suite(.serialized, .enabled(if: !Projects.kinds.isEmpty, Projects.why)) struct ProjectPowerCutTests {
    private static let limits = VolumeLimits(bytes: 8 * megabyte, inodes: 100)
    private let session = Fixture.session("s")
    private let workspace = VolumeName.workspace(tenant: "alice", name: "w")
    private let snapshot = VolumeName.snapshot(tenant: "alice", name: "p")
    private let fork = VolumeName.workspace(tenant: "alice", name: "f")

    /// Some steps of the lives of volumes, each a moment for the power to go; some are halves of what is one step
    /// for a caller.
    private var steps: [(ProjectDriver) throws -> Void] {
        let request = VolumeRequest(limits: Self.limits)
        return [
            {
                try run("echo x >f", in: $0.create(session, request))
                try run("mkdir d; echo y >d/g", in: $0.create(workspace, request))
            },
            { _ = try $0.makeSpare(Self.limits, for: fork) },
            { _ = try $0.copying(workspace, as: snapshot, VolumeLimits()).advance(bytes: 1) },
            { driver in
                try driver.snapshot(workspace, as: snapshot)
                _ = try driver.fork(workspace, as: fork, VolumeRequest())
            },
            { try $0.restore(workspace, from: snapshot) },
            { driver in
                for name in [session, fork] { try driver.remove(name) }
                driver.namesAtATime = 1
                _ = try driver.settle()
            },
            { try $0.remove(snapshot) },
        ]
    }

    /// Cuts the power: 1 for after what the journal has now was written, 2 for at once.
    private func cut(_ driver: ProjectDriver, _ flag: Int) throws {
        let script = "import fcntl, struct; fcntl.ioctl(3, 0x8004587d, struct.pack('I', \(flag)))"
        let outcome = try Program.run(
            ["python3", "-c", script], timeout: 60 * Host.patience,
            descriptors: [driver.tree.root.number])
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    /// The projects of everything that a driver has, with a name or without.
    private func projects(_ driver: ProjectDriver) throws -> Set<UInt32> {
        var found: Set<UInt32> = []
        for name in try driver.list() { found.insert(try driver.find(name).project) }
        for name in try driver.tree.names(in: ProjectDriver.removed) {
            let directory = try driver.tree.root.open("\(ProjectDriver.removed)/\(name)", O_RDONLY)
            if let project = try directory.volumeProject() { found.insert(project) }
        }
        return found
    }

    @Test(arguments: Projects.kinds)
    func `whenever the power goes, volumes have their limits and what is unfinished goes`(
        kind: ProjectKind
    ) throws {
        let mount = try ProjectMount(kind)
        for flag in Effort.rounds(1, full: 2) == 1 ? [1] : [1, 2] {
            var known: Set<UInt32> = []
            for (number, step) in steps.enumerated() {
                do {
                    let driver = try ProjectDriver(
                        directory: FileDescriptor.open(mount.path, O_RDONLY | O_DIRECTORY), path: mount.path)
                    // What was lost is no reason for an error of the test's.
                    do { try step(driver) } catch let error as VolumeError where flag == 2 {
                        #expect(
                            ["volume-absent", "volume-exists"].contains(error.code), "\(number): \(error)")
                    }
                    known.formUnion(try projects(driver))
                    try cut(driver, flag)
                }
                try mount.again()
                try check(mount.path, known, "step \(number), flag \(flag)")
            }
        }
    }

    private func check(_ path: String, _ known: Set<UInt32>, _ when: Comment) throws {
        let driver = try ProjectDriver(
            directory: FileDescriptor.open(path, O_RDONLY | O_DIRECTORY), path: path)
        #expect(try driver.tend() == [], when)
        for name in try driver.list() { #expect(try driver.limits(of: name) == Self.limits, when) }
        #expect(try eventually { try driver.settle() == 0 }, when)
        #expect(try driver.tree.names(in: ProjectDriver.removed) == [], when)
        let left = known.subtracting(try projects(driver))
        #expect(
            try eventually { try left.allSatisfy { try driver.tree.root.projectQuota($0).isUnused } }, when)
    }
}
