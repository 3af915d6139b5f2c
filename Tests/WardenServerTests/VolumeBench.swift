// A warden with volumes, and what tests ask of it.

import CLinux
import FailPoints
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

let mebibyte: UInt64 = 1 << 20

/// Whether this machine can make an image, and why not.
let canMakeImages: Bool = {
    let known = (try? File.read("/proc/filesystems")).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let has = known.split(separator: "\n").contains { $0.split(separator: "\t").last == "btrfs" }
    guard Host.isRoot, has else { return false }
    let hasLoops = unsafe access("/dev/loop-control", R_OK | W_OK) == 0
    let hasMaker = unsafe access("/usr/sbin/mkfs.btrfs", X_OK) == 0
    return hasLoops && hasMaker
}()

/// A warden whose image is small, and a client of it.
final class VolumeBench {
    let warden: TestWarden
    let client: Client

    /// - Parameter directory: of a warden before it.
    init(
        in directory: TemporaryDirectory? = nil, _ more: [String] = [], without: String? = nil,
        prefix: [String] = [], points: FailPointSheet? = nil, at path: String = ""
    ) throws {
        warden = try TestWarden(
            in: directory, ["--ceiling", "volume-image=256MiB", "--ceiling", "volume=64MiB"] + more,
            without: without, prefix: prefix,
            variables: points == nil ? [:] : ["CORRAL_TEST_FAIL_POINTS": path])
        client = try Client(warden.socket)
    }

    static func workspace(_ name: String, of tenant: String = "alice") -> VolumeKey {
        VolumeKey(.workspace, tenant: tenant, name: name)
    }

    static func snapshot(_ name: String, of tenant: String = "alice") -> VolumeKey {
        VolumeKey(.snapshot, tenant: tenant, name: name)
    }

    static func own(_ id: SandboxID, bytes: UInt64? = nil) -> VolumeOrder {
        VolumeOrder(VolumeKey(tenant: "alice", session: id), limits: VolumeAmounts(bytes: bytes))
    }

    /// What a script in the session wrote, errors included, and its status.
    func run(_ id: SandboxID, _ script: String) throws -> (text: String, status: ExitRecord.Status) {
        let key = ProcessKey(id, UInt64.random(in: 1 ... .max))
        try client.start(ProcessOrder(key, .arguments(["sh", "-c", "{ \(script)\n} 2>&1"])))
        let text = try client.readAll(key)
        return (text, try client.exit(of: key).status)
    }

    func state(_ request: WardenRequest) throws -> VolumeState {
        let answer = try client.ask(request)
        guard case .volume(let state) = answer else { return try #require(nil, "\(answer)") }
        return state
    }

    @discardableResult
    func make(_ name: String, bytes: UInt64? = nil) throws -> VolumeState {
        try state(.volumeCreate(VolumeOrder(Self.workspace(name), limits: VolumeAmounts(bytes: bytes))))
    }

    func code(_ request: WardenRequest) throws -> Refusal.Code { try client.refusal(of: request).code }

    /// All volumes, over all pages.
    func list() throws -> [VolumeKey] {
        var found: [VolumeKey] = []
        var after: VolumeKey?
        repeat {
            let answer = try client.ask(.volumeList(after: after))
            guard case .volumes(let page, let next) = answer else { return try #require(nil, "\(answer)") }
            found += page
            after = next
        } while after != nil
        return found
    }

    func driver() throws -> VolumeDriverState {
        let answer = try client.ask(.volumeDriver)
        guard case .volumeDriver(let state) = answer else { return try #require(nil, "\(answer)") }
        return state
    }

    /// The descriptor that comes with the answer.
    func top(_ request: WardenRequest) throws -> Held<FileDescriptor> {
        var found: (WardenAnswer, Held<FileDescriptor>?)?
        try client.link.send(request) { answer, packet in
            switch packet.takeDescriptor() {
            case .some(let descriptor): found = (answer, Held(descriptor))
            case .none: found = (answer, nil)
            }
        }
        try client.wait("the descriptor") { found != nil }
        return try #require(found?.1, "\(String(describing: found?.0))")
    }

    var image: String { warden.directory("state/volumes/volumes.btrfs") }

    /// Loop devices of the image.
    static func loops(of image: String) -> [String] {
        File.names(in: "/sys/block").filter {
            (File.text("/sys/block/\($0)/loop/backing_file") ?? "").hasPrefix(image)
        }
    }

    /// The quota groups of the image's file system.
    func quotaGroups() -> [String] {
        let loops = Self.loops(of: image)
        let systems = File.names(in: "/sys/fs/btrfs").filter { system in
            loops.contains { File.names(in: "/sys/fs/btrfs/\(system)/devices").contains($0) }
        }
        return systems.flatMap { File.names(in: "/sys/fs/btrfs/\($0)/qgroups") }.filter { $0.contains("_") }
            .filter { $0.first?.isNumber ?? false }.sorted()
    }

    /// What a tenant's volumes have together, in bytes.
    func used(by tenant: String) throws -> UInt64 {
        let answer = try client.ask(.volumeTotal(tenant: tenant, .read))
        guard case .volumeTotal(let total) = answer else { return try #require(nil, "\(answer)") }
        return total.used ?? .max
    }

    /// Ends the warden, and looks whether anything is left of it on the machine.
    func end() throws {
        #expect(try warden.end().status == 0)
        #expect(eventually { Self.loops(of: image).isEmpty }, "a loop device is left")
        #expect(!(File.text("/proc/self/mounts") ?? "").contains(warden.directory.path))
    }
}

extension FileDescriptor {
    borrowing func write(_ text: String, to name: String) throws {
        let number = number
        let file = FileDescriptor(
            owning: try call("openat") {
                unsafe openat(number, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            })
        try file.writeAll(Array(text.utf8))
    }

    borrowing func text(of name: String) throws -> String {
        String(
            decoding: try open(name, O_RDONLY, resolve: .beneath).readAll(limit: 1 << 20), as: UTF8.self)
    }
}
