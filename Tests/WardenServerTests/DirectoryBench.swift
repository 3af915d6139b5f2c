// A warden whose sessions may have directories of the host, and what tests put there.

import CLinux
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

/// A directory that the operator lets sessions have, with one of a user's in it, and a warden.
final class DirectoryBench {
    static let user: UInt32 = 23_456
    static let group: UInt32 = 23_457

    let directory: TemporaryDirectory
    let warden: TestWarden
    let client: Client
    var root: String { directory("shared") }
    var alice: String { directory("shared/alice") }
    /// Beside the root, and no session's.
    var outside: String { directory("outside") }

    /// - Parameter without: what is left out of the warden's checks and its sandboxes.
    init(_ more: [String] = [], without: String? = nil, roots: [String] = ["shared"]) throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        for name in ["shared", "shared/alice", "outside"] { try File.makeDirectories(directory(name)) }
        for name in ["shared/alice", "outside"] { try Self.give(directory(name)) }
        try directory.write("outside/secret", "bait\n", mode: 0o644)
        warden = try TestWarden(
            roots.flatMap { ["--ceiling", "mount-root=\(directory($0))"] } + more, without: without)
        client = try Client(warden.socket)
    }

    static func give(_ path: String) throws { try own(path, user, group) }

    static func own(_ path: String, _ user: UInt32, _ group: UInt32) throws {
        _ = try call("chown", on: path) { unsafe chown(path, user, group) }
    }

    static func link(_ target: String, at path: String) throws {
        _ = try call("symlink", on: path) { unsafe symlink(target, path) }
    }

    static func status(_ path: String) -> stat {
        var status = stat()
        _ = unsafe lstat(path, &status)
        return status
    }

    /// What a script in a session with this directory writes, errors included.
    func run(_ path: String, profile: String = "default", _ script: String) throws -> String {
        let id = freshID()
        try client.session(id, profile: profile, directory: path)
        let text = try run(id, script)
        try client.finish(id)
        return text
    }

    func run(_ id: SandboxID, _ script: String) throws -> String {
        let key = ProcessKey(id, UInt64.random(in: 1 ... .max))
        try client.start(ProcessOrder(key, .arguments(["sh", "-c", "{ \(script)\n} 2>&1"])))
        let text = try client.readAll(key)
        _ = try client.exit(of: key)
        return text
    }

    func refusal(of path: String) throws -> Refusal {
        try client.refusal(of: .create(SessionOrder(id: freshID(), profile: "default", directory: path)))
    }

    /// The descriptor by which corrald has the session's files.
    func files(of id: SandboxID) throws -> Held<FileDescriptor> {
        var found: (WardenAnswer, Held<FileDescriptor>?)?
        try client.link.send(.workspace(id)) { answer, packet in
            switch packet.takeDescriptor() {
            case .some(let descriptor): found = (answer, Held(descriptor))
            case .none: found = (answer, nil)
            }
        }
        try client.wait("the descriptor") { found != nil }
        return try #require(found?.1, "\(String(describing: found?.0))")
    }

    /// Ends the warden; nothing of it stays mounted.
    func end() throws {
        #expect(try warden.end().status == 0)
        #expect(!(File.text("/proc/self/mounts") ?? "").contains(directory.path))
    }
}

extension DirectoryBench {
    /// Puts a link to the directory outside where a session's is said to be.
    func swap(_ name: String) throws {
        let parts = name.split(separator: "/").map(String.init)
        if parts.count > 1 {
            try DirectoryBench.link(outside, at: "\(alice)/deep")
            try File.makeDirectories("\(outside)/er")
            try DirectoryBench.give("\(outside)/er")
            try File.write(Array("bait\n".utf8), to: "\(outside)/er/secret", mode: 0o644)
            return
        }
        try File.remove(alice)
        try DirectoryBench.link(outside, at: alice)
    }

    func plant(device name: String) throws {
        _ = unsafe mknod("\(alice)/\(name)", S_IFCHR | 0o666, 1 << 8 | 5)
        try DirectoryBench.give("\(alice)/\(name)")
    }

    /// Those that the warden counts.
    func descriptors() throws -> UInt32 {
        guard case .status(let status) = try client.ask(.status) else { return .max }
        return status.descriptors
    }
}
