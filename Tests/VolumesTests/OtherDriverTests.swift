import Glibc
import Linux
import TestSupport
import Testing

@testable import Volumes

/// Memory file systems and directories as volumes.
@Suite struct OtherDriverTests {
    private let name = Fixture.session("a")

    @Test(.enabled(if: Host.isRoot, "mounting needs root"))
    func `a memory file system keeps to its bytes and its inodes`() throws {
        let driver = TmpfsDriver()
        let limits = VolumeLimits(bytes: 4 * megabyte, inodes: 20)
        let volume = try driver.create(
            name, VolumeRequest(limits: limits, owner: 1234, group: 5, mode: 0o750))
        #expect(try run("stat -c '%u %g %a' .", in: volume).output == "1234 5 750\n")
        #expect(try driver.limits(of: name) == limits)
        #expect(try run("head -c 8M /dev/zero >f", in: volume).errors.contains("No space left"))
        #expect(try driver.usage(of: name).bytes == 4 * megabyte)
        #expect(try run("fallocate -l 8M g", in: volume).errors.contains("No space left"))
        #expect(
            try run("rm f; i=0; while [ $i -lt 40 ]; do i=$((i + 1)); : >f$i || exit 1; done", in: volume)
                .status != 0)
        #expect(try driver.usage(of: name).inodes == 20)
        #expect(code { try driver.resize(name, to: VolumeLimits(inodes: 10)) } == "volume-below-use")
        try driver.resize(name, to: VolumeLimits(bytes: 16 * megabyte, inodes: 30))
        #expect(try driver.limits(of: name) == VolumeLimits(bytes: 16 * megabyte, inodes: 30))
        #expect(try run("head -c 8M /dev/zero >big", in: volume).status == 0)
        #expect(code { try driver.resize(name, to: VolumeLimits(bytes: megabyte)) } == "volume-below-use")
        #expect(try driver.total(of: "alice").used == 8 * megabyte)
        try driver.remove(name)
        #expect(try driver.list() == [])
    }

    @Test(.enabled(if: Host.isRoot, "mounting needs root"))
    func `a memory file system is no place for what stays, and has no snapshots`() throws {
        let driver = TmpfsDriver()
        #expect(
            code { try driver.create(.workspace(tenant: "a", name: "w"), VolumeRequest()) }
                == "volume-unsupported")
        _ = try driver.create(name, VolumeRequest(limits: VolumeLimits(bytes: megabyte)))
        #expect(code { try driver.create(name, VolumeRequest()) } == "volume-exists")
        #expect(
            code { try driver.snapshot(name, as: .snapshot(tenant: "a", name: "s")) } == "volume-unsupported")
        #expect(code { try driver.setTotal(of: "a", bytes: megabyte) } == "volume-not-enforced")
        #expect(!(File.text("/proc/self/mountinfo") ?? "").contains("size=1024k"), "mounted nowhere")
    }

    @Test func `a directory takes no limit, unless nobody minds`() throws {
        let place = try TemporaryDirectory()
        let driver = try DirectoryDriver(
            directory: FileDescriptor.open(place.path, O_RDONLY | O_DIRECTORY), path: place.path)
        let limited = VolumeRequest(
            limits: VolumeLimits(bytes: megabyte), owner: geteuid(), group: getegid(), allowSoft: false)
        #expect(code { try driver.create(name, limited) } == "volume-not-enforced")
        #expect(File.names(in: place.path) == [])
        var soft = limited
        soft.allowSoft = true
        let volume = try driver.create(name, soft)
        #expect(try run("head -c 2M /dev/zero >f", in: volume).status == 0)
        #expect(try driver.limits(of: name) == VolumeLimits(), "what is not in force is not shown")
        #expect(driver.report.bytes.text == "not enforced (a directory has no limit)")
        #expect(code { try driver.create(name, soft) } == "volume-exists")
        #expect(
            code { try driver.resize(name, to: VolumeLimits(bytes: 5 * megabyte)) } == "volume-not-enforced")
        #expect(try driver.list() == [name])
        try driver.remove(name)
        #expect(try driver.list() == [])
        #expect(try driver.settle() == 0)
        #expect(File.names(in: place("sessions/alice")) == [])
        #expect(try driver.forget(tenant: "alice"))
        #expect(File.names(in: place("sessions")) == [])
    }

    @Test func `what is in a directory's place is neither entered nor removed`() throws {
        let place = try TemporaryDirectory()
        try place.write("canary/keep", "kept")
        let driver = try DirectoryDriver(
            directory: FileDescriptor.open(place.path, O_RDONLY | O_DIRECTORY), path: place.path)
        try File.makeDirectories(place("sessions/alice"))
        #expect(unsafe symlink(place("canary"), place("sessions/alice/a")) == 0)
        #expect(unsafe symlink(place("canary"), place("workspaces")) == 0)
        #expect(code { try driver.remove(name) } == "volume-not-a-volume")
        #expect(
            code { try driver.create(.workspace(tenant: "x", name: "y"), VolumeRequest()) }
                == "volume-not-a-volume")
        #expect(File.text(place("canary/keep")) == "kept")
    }

    @Test func `a removal that was cut off is got to the end of`() throws {
        let place = try TemporaryDirectory()
        try place.write("sessions/alice/.old-a-1/d/f", "x")
        try place.write("sessions/alice/b/f", "x")
        let driver = try DirectoryDriver(
            directory: FileDescriptor.open(place.path, O_RDONLY | O_DIRECTORY), path: place.path)
        try place.write("workspaces/alice/.new-1/d/f", "x")
        #expect(try driver.settle() == 0)
        #expect(File.names(in: place("sessions/alice")) == ["b"])
        // A copy that somebody may still be making, until nobody is.
        #expect(File.names(in: place("workspaces/alice")) == [".new-1"])
        try driver.reclaim()
        #expect(try driver.settle() == 0)
        #expect(File.names(in: place("workspaces/alice")) == [])
        #expect(try driver.list() == [Fixture.session("b")])
    }
}
