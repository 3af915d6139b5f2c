import CLinux
import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Images: made once, grown on demand, on disks that have no room, beside each other.
@Suite(.serialized, .enabled(if: Machine.hasImages, Machine.why)) struct ImageTests {
    private let name = Fixture.session("a")

    /// Loop devices with a file below `path`.
    private func devices(below path: String) -> [String] {
        File.names(in: "/sys/block").filter { name in
            File.text("/sys/block/\(name)/loop/backing_file")?.hasPrefix(path) == true
        }
    }

    @Test func `what was written is there after the next start, and nothing is mounted in between`() throws {
        let place = try Place()
        do {
            let fixture = try Fixture(place: place)
            try run("echo kept >f", in: fixture.make("a", bytes: 16 * megabyte))
            #expect(devices(below: place.path).count == 1)
            let mounts = File.text("/proc/self/mountinfo") ?? ""
            #expect(!mounts.contains(fixture.image.device.path), "the mount is in no namespace")
        }
        #expect(eventually { devices(below: place.path).isEmpty })
        let fixture = try Fixture(place: place)
        #expect(try run("cat f", in: fixture.driver.open(name)).output == "kept\n")
        #expect(try fixture.driver.limits(of: name).bytes == 16 * megabyte)
        #expect(File.names(in: place.path) == [VolumeFacts.image])
    }

    @Test func `an image that is open is not given a second loop device`() throws {
        let place = try Place()
        let first = try Fixture(place: place)
        let second = try Fixture(place: place)
        #expect(devices(below: place.path).count == 1)
        _ = try first.make("a", bytes: megabyte)
        #expect(try second.driver.list() == [name], "both are one file system")
    }

    /// What kernels before 6.15 need before anything of it can be mounted elsewhere.
    @Test func `an image that is mounted in a namespace of its own is seen there only and goes with it`()
        async throws
    {
        let place = try Place()
        try File.makeDirectories("\(place.path)/top")
        await #expect(processExitsWith: .success) { [path = place.path as String] in
            try #require(clinux_unshare(UInt64(CLINUX_NEWNS)) == 0)
            try #require(clinux_set_root_propagation(UInt64(CLINUX_PROPAGATION_PRIVATE)) == 0)
            let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
            let image = try BtrfsImage(
                VolumeFacts.image, in: directory, path: path, policy: Fixture.policy)
            let driver = try BtrfsDriver(image: image, enabling: [Machine.modes[0]])
            try image.attach(at: "\(path)/top")
            #expect((File.text("/proc/thread-self/mountinfo") ?? "").contains("\(path)/top "))
            let volume = try driver.create(
                Fixture.session("a"), VolumeRequest(limits: VolumeLimits(bytes: megabyte)))
            #expect(File.names(in: "\(path)/top/sessions/alice") == ["a"])
            let number = volume.directory.number
            _ = FileDescriptor(owning: try call("open_tree") { clinux_open_tree_at(number, 0) })
            try driver.remove(Fixture.session("a"))
        }
        #expect(!(File.text("/proc/self/mountinfo") ?? "").contains(place.path))
        #expect(eventually { devices(below: place.path).isEmpty })
    }

    @Test func `two images at once know nothing of each other`() throws {
        let (first, second) = (try Fixture(), try Fixture())
        _ = try first.make("a", bytes: megabyte)
        #expect(try second.driver.list() == [])
        _ = try second.make("a", bytes: 2 * megabyte)
        #expect(try first.driver.limits(of: name).bytes == megabyte)
        #expect(try first.image.room().uuid != second.image.room().uuid)
    }

    @Test func `an image grows when less than the headroom is free, and no further than its bound`() throws {
        let fixture = try Fixture()
        let before = try fixture.image.room().size
        let volume = try fixture.make("a", bytes: nil)
        #expect(try run("dd if=/dev/zero of=f bs=1M count=185 conv=fsync", in: volume).status == 0)
        #expect(try fixture.driver.tend() == [])
        let after = try fixture.image.room().size
        #expect(after > before && after % megabyte == 0)
        #expect(try run("dd if=/dev/zero of=g bs=1M count=60 conv=fsync", in: volume).status == 0)
        // How much fits is btrfs's to say, and it stops a writer now and then who would find room a moment
        // later: until there is nothing to grow into.
        var troubles: [VolumeTrouble] = []
        for part in 0..<64 where troubles.isEmpty {
            try run("dd if=/dev/zero of=h\(part) bs=1M count=30 conv=fsync", in: volume)
            troubles = try fixture.driver.tend()
        }
        #expect(troubles == [.cannotGrow(.imageFull(bound: 512 * megabyte))])
        #expect(try fixture.image.room().size == fixture.image.policy.bound)
        #expect(code { try fixture.make("b", bytes: 64 * megabyte) } == "volume-image-full")
        #expect(code { try fixture.make("b", bytes: 513 * megabyte) } == "volume-limit")
    }

    /// Where metadata is short, one small step is not enough of it: nobody is told that the image is full before it
    /// has its bound.
    @Test func `an image that grows in small steps has its bound before it is full`() throws {
        let bound = 288 * megabyte
        var policy = Fixture.policy
        (policy.step, policy.headroom, policy.bound) = (megabyte, 32 * megabyte, bound)
        let fixture = try Fixture(policy: policy)
        let volume = try fixture.make("a", bytes: nil)
        var troubles: [VolumeTrouble] = []
        for part in 0..<64 where troubles.isEmpty {
            try run("dd if=/dev/zero of=f\(part) bs=1M count=8 conv=fsync", in: volume)
            troubles = try fixture.driver.tend()
        }
        #expect(troubles == [.cannotGrow(.imageFull(bound: bound))])
        #expect(try fixture.image.room().size == bound)
    }

    /// A memory file system of its own, as the disk that an image is on.
    private func disk(_ bytes: UInt64) throws -> (TmpfsDriver, VolumeName) {
        let driver = TmpfsDriver()
        _ = try driver.create(name, VolumeRequest(limits: VolumeLimits(bytes: bytes)))
        return (driver, name)
    }

    private let small = ImagePolicy(
        initial: 256 * megabyte, step: 64 * megabyte, headroom: 64 * megabyte, bound: 512 * megabyte)

    @Test func `a disk without room for an image, or for more of it, is an error that says so`() throws {
        let (disk, name) = try disk(280 * megabyte)
        let volume = try disk.open(name)
        var policy = small
        policy.initial = 300 * megabyte
        #expect(
            code { try BtrfsImage("i", in: volume.directory, path: "disk", policy: policy) }
                == "volume-disk-full")
        #expect(try volume.directory.entries() == [], "nothing is left")
        let image = try BtrfsImage("i", in: volume.directory, path: "disk", policy: small)
        let driver = try BtrfsDriver(image: image, enabling: Machine.modes)
        let session = try driver.create(name, VolumeRequest(limits: VolumeLimits(bytes: 200 * megabyte)))
        try run("dd if=/dev/zero of=f bs=1M count=190 conv=fsync", in: session)
        let troubles = try driver.tend()
        guard case .cannotGrow(.diskFull(_, let wanted, let available)) = troubles.first else {
            Issue.record("\(troubles)")
            return
        }
        #expect(wanted >= 64 * megabyte && available < wanted)
        #expect(try volume.directory.entries().count == 1)
        #expect(try image.room().size == 256 * megabyte, "nothing was changed")
    }

    /// Fills an image of 256 MiB on a disk of 300 MiB, 140 of which somebody else takes after it was made where
    /// the image lets them.
    private func fill(_ policy: ImagePolicy) throws -> (outcome: Program.Outcome, readOnly: Bool) {
        let (disk, name) = try disk(300 * megabyte)
        let volume = try disk.open(name)
        let image = try BtrfsImage("i", in: volume.directory, path: "disk", policy: policy)
        let driver = try BtrfsDriver(image: image, enabling: Machine.modes)
        try run("dd if=/dev/zero of=other bs=1M count=140", in: volume)
        let session = try driver.create(name, VolumeRequest(limits: VolumeLimits(bytes: 250 * megabyte)))
        let outcome = try run("dd if=/dev/zero of=f bs=1M count=249 conv=fsync", in: session)
        let readOnly = try driver.tend().contains(.readOnly)
        // Chunks of data that nothing is in any more are given up a little later.
        try run("rm -f f; sync -f .", in: session)
        #expect(
            try eventually {
                try image.top().syncBtrfs()
                return try run("echo more >g && sync -f .", in: session).status == 0
            })
        return (outcome, readOnly)
    }

    @Test func `on a full disk writers of an image find no space, and the image goes on`() throws {
        var policy = small
        (policy.initial, policy.bound) = (256 * megabyte, 256 * megabyte)
        let (outcome, readOnly) = try fill(policy)
        #expect(outcome.errors.contains("error writing 'f': No space left on device"), "\(outcome.errors)")
        #expect(!readOnly)
    }

    @Test func `an image with holes on a full disk loses what it had taken`() throws {
        var policy = small
        (policy.initial, policy.bound, policy.isReserved) = (256 * megabyte, 256 * megabyte, false)
        let (outcome, readOnly) = try fill(policy)
        #expect(
            outcome.errors.contains("249+0 records out"),
            "they were told that all was well: \(outcome.errors)")
        #expect(outcome.errors.contains("fsync failed"), "and then it was not: read-only \(readOnly)")
    }

    @Test func `without a loop device there is a clear error, and the image stays as it is`() throws {
        let place = try Place()
        for control in ["/dev/null", "\(place.path)/none"] {
            #expect(
                code {
                    try BtrfsImage(
                        "i", in: place.open(), path: place.path, policy: Fixture.policy, control: control)
                } == "volume-no-loop-device")
        }
        _ = try BtrfsImage("i", in: place.open(), path: place.path, policy: Fixture.policy)
    }

    @Test func `a maker that fails is told of, and leaves nothing`() throws {
        let place = try Place()
        let make = {
            try BtrfsImage(
                "i", in: place.open(), path: place.path, policy: Fixture.policy, maker: "/bin/false")
        }
        #expect(code(make) == "volume-program")
        #expect(File.names(in: place.path) == [])
    }

    @Test func `what is no image of ours is left alone`() throws {
        let place = try Place()
        func open() throws -> BtrfsImage {
            try BtrfsImage("i", in: place.open(), path: place.path, policy: Fixture.policy)
        }
        try File.makeDirectories("\(place.path)/i")
        #expect(code(open) == "volume-not-a-volume")
        try File.remove("\(place.path)/i")
        #expect(unsafe mkfifo("\(place.path)/i", 0o600) == 0)
        #expect(code(open) == "volume-not-a-volume")
        try File.remove("\(place.path)/i")
        #expect(unsafe symlink("/etc/passwd", "\(place.path)/i") == 0)
        #expect(code(open) == "volume-not-a-volume")
        try File.remove("\(place.path)/i")
        try File.write(Array("no file system".utf8), to: "\(place.path)/i")
        #expect(code(open) == "volume-system")
        #expect(File.text("\(place.path)/i") == "no file system")
    }

    @Test func `a plain file or directory where a volume should be is left alone`() throws {
        let fixture = try Fixture()
        let top = try fixture.image.top()
        try top.makeDirectory("sessions")
        _ = try top.open("sessions/alice", O_WRONLY | O_CREAT, mode: 0o600)
        #expect(code { try fixture.make("a", bytes: megabyte) } == "volume-not-a-volume")
        #expect(code { try fixture.driver.open(name) } == "volume-not-a-volume")
        try top.removeFile("sessions/alice")
        _ = try fixture.make("b", bytes: megabyte)
        try top.makeDirectory("sessions/alice/a")
        #expect(code { try fixture.driver.remove(name) } == "volume-not-a-volume")
        #expect(code { try fixture.make("a", bytes: megabyte) } == "volume-exists")
        #expect(unsafe symlinkat("/etc", top.number, "sessions/alice/l") == 0)
        #expect(code { try fixture.driver.open(Fixture.session("l")) } == "volume-not-a-volume")
    }

    @Test func `images that are made and closed leave no loop device`() throws {
        var places: [String] = []
        for _ in 0..<Effort.rounds(5, full: 100) { places.append(try Fixture().place.path) }
        #expect(eventually { places.allSatisfy { devices(below: $0).isEmpty } })
    }

    @Test func `a state directory gets what it can have, and a btrfs is used as it is`() throws {
        let place = try Place()
        let choice = try DriverChoice(VolumeFacts.read(place.open(), path: place.path), allowSoft: false)
        let driver = try choice.driver(in: place.open(), path: place.path, policy: Fixture.policy)
        #expect(driver.report.place.contains("\(VolumeFacts.image) on /dev/loop"), "\(driver.report.place)")
        let outer = try #require(driver as? BtrfsDriver)
        // A directory on that btrfs is a state directory as well.
        try outer.tree.root.makeDirectory("state")
        func state() throws -> FileDescriptor { try outer.tree.root.open("state", O_RDONLY | O_DIRECTORY) }
        let native = try DriverChoice(VolumeFacts.read(state(), path: "state"), allowSoft: false)
        #expect(native == .native(why: "it is on a btrfs with quotas"))
        let inner = try native.driver(in: state(), path: "state")
        let volume = try inner.create(name, VolumeRequest(limits: VolumeLimits(bytes: 8 * megabyte)))
        let outcome = try run("dd if=/dev/zero of=f bs=1M count=16 conv=fsync", in: volume)
        #expect(outcome.errors.contains("quota exceeded"))
        #expect(try inner.list() == [name] && driver.list() == [])
        #expect(
            code {
                try inner.create(Fixture.session("b"), VolumeRequest(limits: VolumeLimits(bytes: 1 << 40)))
            } == "volume-limit")
    }

    @Test func `a btrfs without quotas is left as it is unless they are asked for`() throws {
        let place = try Place()
        let image = try BtrfsImage("i", in: place.open(), path: place.path, policy: Fixture.policy)
        #expect(
            code { try BtrfsDriver(directory: image.top(), path: "top", enabling: []) } == "volume-no-driver")
        #expect(try VolumeFacts.read(image.top(), path: "top").quota == nil)
        #expect(
            code { try BtrfsDriver(directory: place.open(), path: place.path, enabling: []) }
                == "volume-no-driver")
        let driver = try BtrfsDriver(directory: image.top(), path: "top", enabling: Machine.modes)
        #expect(driver.mode == Machine.modes[0])
    }
}
