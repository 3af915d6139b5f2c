// Directories of the host that become volumes, at the warden: which directory is mounted on whoever renames, and what a
// warden that dies in the middle leaves to the next.

import FailPoints
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@Suite(
    .serialized, .enabled(if: canMakeImages, "volumes need root, btrfs, loop devices and mkfs.btrfs"),
    .timeLimit(.minutes(20)))
final class HostVolumeTests {
    private let directory: TemporaryDirectory
    private let sheet: FailPointSheet
    private static let size: UInt64 = 256 << 20
    private var box: String { directory("shared/box") }
    private var outside: String { directory("outside") }

    init() throws {
        directory = try TemporaryDirectory()
        for name in ["shared/box", "outside/box"] { try File.makeDirectories(directory(name)) }
        try DirectoryBench.give(directory("shared/box"))
        sheet = try #require(FailPointSheet(path: directory("points"), creating: true))
    }

    deinit {
        for place in ["shared/box", "shared/moved", "outside/box", "outside", "state"] {
            while unsafe umount2(directory(place), 2) == 0 {}
        }
    }

    private func start() throws -> TestWarden {
        try TestWarden(
            in: directory, ["--ceiling", "mount-root=\(directory("shared"))"],
            variables: ["CORRAL_TEST_FAIL_POINTS": directory("points")])
    }

    /// Everything that is mounted below the test's directory.
    private var mounts: [String] {
        (File.text("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap {
            $0.split(separator: " ").dropFirst(4).first.map(String.init)
        }.filter { $0.hasPrefix(directory.path) }
    }

    /// By a part of their files' paths: those begin somewhere else once the warden that opened them is gone.
    private var loops: [String] {
        let name = directory.path.split(separator: "/").last ?? ""
        return File.names(in: "/sys/block").filter {
            (File.text("/sys/block/\($0)/loop/backing_file") ?? "").contains("/\(name)/state/host-volumes/")
        }
    }
    private var records: [String] { File.names(in: directory("state/host-volumes")) }
    private var order: WardenRequest { .hostVolumeCreate(HostVolumeOrder(box, bytes: Self.size)) }

    private func volumes(_ client: Client) throws -> [HostVolumeState] {
        guard case .hostVolumes(let states) = try client.ask(.hostVolumeList) else { return [] }
        return states
    }

    /// The process that mounts, once it stands still.
    private func helper(of warden: TestWarden) throws -> pid_t {
        var found: pid_t?
        _ = eventually {
            found = File.names(in: "/proc").compactMap(pid_t.init).first { pid in
                let status = File.text("/proc/\(pid)/status") ?? ""
                return status.contains("\nPPid:\t\(warden.program.pid)\n") && status.contains("State:\tT")
                    && (File.text("/proc/\(pid)/cmdline") ?? "").contains("--host-mount")
            }
            return found != nil
        }
        return try #require(found)
    }

    // MARK: Attacks

    /// What a mount by the path's text does after the same swap, in a mount namespace of its own.
    private func naiveMount() throws -> String {
        let script = "mount -t tmpfs none \"$1\" && stat -f -c %T \"$2\""
        return try Program.run(["unshare", "-m", "sh", "-c", script, "sh", box, "\(outside)/box"]).output
    }

    /// Behind the warden's look at it, and behind the look of the process that mounts.
    @Test(arguments: [FailPoint.hostMountEntered, .hostMountChecked])
    func `whoever swaps the directory for a link gets nothing mounted elsewhere`(point: FailPoint) throws {
        let warden = try start()
        let client = try Client(warden.socket)
        sheet.arm(point, 1, holding: true)
        var answer: WardenAnswer?
        try client.link.send(order) { found, _ in answer = found }
        try client.wait("\(point)") { sheet.armed(point) == 0 }
        let pid = try helper(of: warden)
        // A link in the middle of the path, which nobody who only looks at the end would see.
        _ = try call("rename") { unsafe rename(directory("shared"), directory("moved")) }
        _ = try call("symlink") { unsafe symlink(outside, directory("shared")) }
        #expect(try naiveMount() == "tmpfs\n", "the control does not get there")
        _ = kill(pid, SIGCONT)
        try client.wait("the answer") { answer != nil }
        guard case .refused(let refusal) = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(refusal.code == .order && refusal.limit == "path", "\(refusal)")
        #expect(mounts.isEmpty && records.isEmpty && eventually { loops.isEmpty }, "\(mounts) \(records)")
        // The same without anybody who swaps.
        try File.remove(directory("shared"))
        _ = try call("rename") { unsafe rename(directory("moved"), directory("shared")) }
        let made = try client.ask(order)
        guard case .hostVolume(let state) = made else {
            Issue.record("\(made)")
            return
        }
        #expect(state.stage == .mounted && mounts == [box])
        #expect(try client.ask(.hostVolumeRemove(path: box, .nothing)) == .done)
        #expect(mounts.isEmpty && records.isEmpty && eventually { loops.isEmpty })
        #expect(try warden.end().status == 0)
    }

    @Test func `a file that is put into the directory meanwhile is not hidden`() throws {
        let warden = try start()
        let client = try Client(warden.socket)
        sheet.arm(.hostMountEntered, 1, holding: true)
        var answer: WardenAnswer?
        try client.link.send(order) { found, _ in answer = found }
        try client.wait("the point") { sheet.armed(.hostMountEntered) == 0 }
        let pid = try helper(of: warden)
        try File.write([], to: "\(box)/late", mode: 0o644)
        _ = kill(pid, SIGCONT)
        try client.wait("the answer") { answer != nil }
        guard case .refused(let refusal) = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(refusal.code == .volumeNotEmpty && File.names(in: box) == ["late"], "\(refusal)")
        #expect(mounts.isEmpty && records.isEmpty && eventually { loops.isEmpty })
        #expect(try warden.end().status == 0)
    }

    // MARK: Deaths

    @Test(arguments: [FailPoint.hostVolumeRecorded, .hostVolumeMounted])
    func `a warden that dies while it makes one leaves nothing`(point: FailPoint) throws {
        do {
            let warden = try start()
            let client = try Client(warden.socket)
            sheet.arm(point, 1)
            try client.link.send(order) { _, _ in }
            _ = try warden.program.wait(timeout: 60)
            #expect(records.count == 1 && mounts.count == (point == .hostVolumeMounted ? 1 : 0))
        }
        let warden = try start()
        let client = try Client(warden.socket)
        #expect(try volumes(client).isEmpty)
        #expect(mounts.isEmpty && records.isEmpty && eventually { loops.isEmpty }, "\(mounts) \(records)")
        #expect(try warden.end().status == 0)
    }

    @Test func `a warden that dies while it removes one has it removed, or there again`() throws {
        do {
            let warden = try start()
            let client = try Client(warden.socket)
            guard case .hostVolume = try client.ask(order) else {
                Issue.record("it was not made")
                return
            }
            try File.write(Array("x".utf8), to: "\(box)/f", mode: 0o644)
            sheet.arm(.hostVolumeUnmounted, 1)
            try client.link.send(.hostVolumeRemove(path: box, .delete)) { _, _ in }
            _ = try warden.program.wait(timeout: 60)
            #expect(mounts.isEmpty && records.count == 1)
        }
        let warden = try start()
        let client = try Client(warden.socket)
        // Nobody was told that it is gone.
        #expect(try volumes(client).map(\.stage) == [.mounted] && mounts == [box])
        #expect(File.text("\(box)/f") == "x")
        #expect(try client.ask(.hostVolumeRemove(path: box, .delete)) == .done)
        #expect(mounts.isEmpty && records.isEmpty && eventually { loops.isEmpty })
        #expect(try warden.end().status == 0)
    }

    @Test
    func `one that cannot be mounted again is told of, is no session's, and is taken up when it can be`()
        throws
    {
        do {
            let warden = try start()
            let client = try Client(warden.socket)
            guard case .hostVolume = try client.ask(order) else {
                Issue.record("it was not made")
                return
            }
            _ = try warden.kill()
        }
        #expect(unsafe umount2(box, 0) == 0)
        try File.write([], to: "\(box)/in-the-way", mode: 0o644)
        let warden = try start()
        let client = try Client(warden.socket)
        let state = try #require(try volumes(client).first)
        #expect(state.stage == .unmounted && state.problem.contains("has files in it"), "\(state)")
        let refused = try client.refusal(
            of: .create(SessionOrder(id: freshID(), profile: "default", directory: "\(box)/alice")))
        #expect(refused.code == .state && refused.sentence.contains("is not mounted"), "\(refused)")
        try File.remove("\(box)/in-the-way")
        guard
            case .hostVolume(let again) = try client.ask(.hostVolumeCreate(HostVolumeOrder(box, bytes: nil)))
        else {
            Issue.record("it was not taken up")
            return
        }
        #expect(again.stage == .mounted && mounts == [box])
        #expect(try client.ask(.hostVolumeRemove(path: box, .nothing)) == .done)
        #expect(mounts.isEmpty && records.isEmpty && eventually { loops.isEmpty })
        #expect(try warden.end().status == 0)
    }

    // MARK: Meanwhile

    /// Asks, has the worker held, and sees that others are served and the volume is left alone.
    private func hold(_ request: WardenRequest, _ warden: TestWarden, _ client: Client) throws
        -> WardenAnswer?
    {
        sheet.arm(.volumeWorkBegun, 1, holding: true)
        var answer: WardenAnswer?
        try client.link.send(request) { found, _ in answer = found }
        try client.wait("\(request)") { sheet.armed(.volumeWorkBegun) == 0 }
        let id = freshID()
        try client.session(id)
        try client.finish(id)
        let second = try client.refusal(of: .hostVolumeResize(path: box, bytes: Self.size))
        #expect(second.code == .state && second.sentence.contains("try again"), "\(second)")
        // The control: it was held all the while.
        #expect(answer == nil)
        let pid = try worker(of: warden)
        _ = kill(pid, SIGCONT)
        try client.wait("the answer") { answer != nil }
        return answer
    }

    private func worker(of warden: TestWarden) throws -> pid_t {
        try #require(
            File.names(in: "/proc").compactMap(pid_t.init).first { pid in
                let status = File.text("/proc/\(pid)/status") ?? ""
                return status.contains("\nPPid:\t\(warden.program.pid)\n") && status.contains("State:\tT")
                    && (File.text("/proc/\(pid)/cmdline") ?? "").contains("--volume-worker")
            })
    }

    private var capacity: Int {
        var room = statvfs()
        return unsafe statvfs(box, &room) == 0 ? Int(room.f_blocks * room.f_frsize) : 0
    }

    @Test
    func `while one is made, resized and removed others are served, and it has the size that was asked for`()
        throws
    {
        let warden = try start()
        let client = try Client(warden.socket)
        guard case .hostVolume(let made) = try hold(order, warden, client) else {
            Issue.record("it was not made")
            return
        }
        #expect(made.stage == .mounted && mounts == [box] && capacity == Int(Self.size))
        let content = [UInt8](repeating: 7, count: 100 << 20)
        try File.write(content, to: "\(box)/f", mode: 0o644)
        let bigger = Self.size * 2
        guard
            case .hostVolume(let grown) = try hold(
                .hostVolumeResize(path: box, bytes: bigger), warden, client)
        else {
            Issue.record("it did not grow")
            return
        }
        #expect(grown.bytes == bigger && capacity == Int(bigger) && loops.count == 1)
        try File.write(content + content + content, to: "\(box)/g", mode: 0o644)
        _ = try Program.run(["sync", "-f", box])
        let below = try client.refusal(of: .hostVolumeResize(path: box, bytes: Self.size))
        #expect(below.code == .volumeBelowUse, "\(below)")
        let small = try client.refusal(of: .hostVolumeResize(path: box, bytes: 1 << 20))
        #expect(small.code == .volumeLimit, "\(small)")
        let large = try client.refusal(of: .hostVolumeResize(path: box, bytes: 1 << 50))
        #expect(large.code == .ceiling, "\(large)")
        #expect(capacity == Int(bigger))
        try File.remove("\(box)/g")
        _ = try Program.run(["sync", "-f", box])
        let shrunk = try client.ask(.hostVolumeResize(path: box, bytes: Self.size))
        guard case .hostVolume(let smaller) = shrunk else {
            Issue.record("it did not become smaller: \(shrunk)")
            return
        }
        #expect(smaller.bytes == Self.size && capacity == Int(Self.size))
        #expect(try File.read("\(box)/f") == content)
        let record = try #require(records.first)
        var image = stat()
        _ = unsafe stat(directory("state/host-volumes/\(record)/volume.btrfs"), &image)
        #expect(UInt64(image.st_size) == Self.size)
        #expect(try hold(.hostVolumeRemove(path: box, .delete), warden, client) == .done)
        #expect(mounts.isEmpty && records.isEmpty && eventually { loops.isEmpty })
        #expect(try warden.end().status == 0)
    }

    @Test
    func `a worker that dies leaves nothing of a volume that it makes, and one that it resizes as it was`()
        throws
    {
        let warden = try start()
        let client = try Client(warden.socket)
        for point in [FailPoint.volumeWorkBegun, .volumeWorkDone] {
            sheet.arm(point, 1)
            #expect(try client.refusal(of: order).code == .volumeSystem, "\(point)")
            #expect(mounts.isEmpty && records.isEmpty && eventually { loops.isEmpty }, "\(point)")
        }
        guard case .hostVolume = try client.ask(order) else {
            Issue.record("it was not made")
            return
        }
        try File.write(Array("x".utf8), to: "\(box)/f", mode: 0o644)
        sheet.arm(.volumeWorkBegun, 1)
        let resize = WardenRequest.hostVolumeResize(path: box, bytes: Self.size * 2)
        #expect(try client.refusal(of: resize).code == .volumeSystem)
        #expect(try volumes(client).map(\.bytes) == [Self.size] && capacity == Int(Self.size))
        // One that dies when it is done leaves the size to whoever asks again.
        sheet.arm(.volumeWorkDone, 1)
        #expect(try client.refusal(of: resize).code == .volumeSystem)
        guard case .hostVolume(let grown) = try client.ask(resize) else {
            Issue.record("it did not grow")
            return
        }
        #expect(grown.bytes == Self.size * 2 && File.text("\(box)/f") == "x")
        // Unmounted, and not deleted: it can be asked for again.
        sheet.arm(.hostVolumeReleased, 1)
        #expect(try client.refusal(of: .hostVolumeRemove(path: box, .delete)).code == .volumeSystem)
        #expect(mounts.isEmpty && records.count == 1)
        #expect(try client.ask(.hostVolumeRemove(path: box, .delete)) == .done)
        #expect(records.isEmpty && eventually { loops.isEmpty })
        #expect(try warden.end().status == 0)
    }

    // MARK: Where there can be none

    @Test func `an ordinary user's warden says that it cannot`() throws {
        let ordinary = try TestWarden(
            allowing: DirectoryBench.user, ["--ceiling", "mount-root=/tmp"], user: DirectoryBench.user)
        let refused = try Client(ordinary.socket).refusal(of: order)
        #expect(refused.code == .unsupported && refused.sentence.contains("root's"), "\(refused)")
        _ = try ordinary.end()
    }
}
