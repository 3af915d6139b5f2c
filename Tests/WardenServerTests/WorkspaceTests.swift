// The workspace of a session as corrald gets it: which mount, whose files, for how long.

import CLinux
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing
import WardenProtocol

@Suite(
    .enabled(if: Host.isRoot, "the warden's sandboxes need root"),
    .enabled(if: Host.hasIdmappedTmpfs, "the files of root's sessions need Linux 6.3"))
struct WorkspaceTests {
    private func run(_ client: Client, _ id: SandboxID, _ script: String) throws -> String {
        let key = ProcessKey(id, UInt64.random(in: 1 ... .max))
        try client.start(ProcessOrder(key, .arguments(["sh", "-c", script + " 2>&1"])))
        return try client.readAll(key)
    }

    private func write(_ top: borrowing FileDescriptor, _ name: String, _ bytes: Int) throws {
        let number = top.number
        let file = FileDescriptor(
            owning: try call("openat") {
                unsafe openat(number, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            })
        try file.writeAll([UInt8](repeating: 0x61, count: bytes))
    }

    @Test func `files are the asker's own outside and the processes' own inside`() throws {
        let (warden, id) = (try TestWarden(), freshID())
        let client = try Client(warden.socket)
        try client.session(id)
        #expect(
            try run(client, id, "echo mine >inside; mkdir d; ln -s /etc/shadow link; chmod 600 inside") == "")
        let top = try client.workspace(id)
        var status = clinux_stat()
        let file = try top.value.open("inside", O_RDONLY, resolve: .beneath)
        #expect(unsafe clinux_fstat(file.number, &status) == 0)
        #expect(status.uid == geteuid() && status.gid == getegid())
        #expect(String(decoding: try file.readAll(limit: 100), as: UTF8.self) == "mine\n")
        try write(top.value, "outside", 5)
        #expect(
            try run(client, id, "stat -c '%u %g %s' outside; rm outside; ls")
                == "1000 1000 5\nd\ninside\nlink\n")
        try client.finish(id)
    }

    @Test func `nothing is executed through it and no device or setuid bit counts`() throws {
        let (warden, id) = (try TestWarden(), freshID())
        let client = try Client(warden.socket)
        try client.session(id)
        let top = try client.workspace(id)
        var found = statvfs()
        #expect(unsafe fstatvfs(top.value.number, &found) == 0)
        let flags = UInt(ST_NOSUID) | 4 | 8
        #expect(found.f_flag & flags == flags && found.f_flag & UInt(ST_RDONLY) == 0)
        // Inside, what is built there is run.
        #expect(try run(client, id, "cp /bin/true t && ./t && echo ran") == "ran\n")
        try client.finish(id)
    }

    @Test func `what corrald writes is bounded by the size of the workspace`() throws {
        let (warden, id) = (try TestWarden(), freshID())
        let client = try Client(warden.socket)
        try client.session(id)
        let top = try client.workspace(id)
        var found = statvfs()
        #expect(unsafe fstatvfs(top.value.number, &found) == 0)
        let size = Int(found.f_blocks) * Int(found.f_frsize)
        #expect(size > 1 << 20 && size <= 256 << 20, "\(size) bytes")
        let refused = #expect(throws: SystemError.self) { try write(top.value, "much", size + 1) }
        #expect(refused?.errno == .noSpace)
        #expect(try run(client, id, "rm much && echo gone") == "gone\n")
        for number in 0..<(Int(found.f_files) + 1) {
            do { try write(top.value, "f\(number)", 0) } catch { break }
            #expect(number < Int(found.f_files))
        }
        try client.finish(id)
    }

    @Test func `the next corrald gets it again, and nobody does once the session is over`() throws {
        let (warden, id) = (try TestWarden(), freshID())
        do {
            let client = try Client(warden.socket)
            try client.session(id)
            try write(try client.workspace(id).value, "kept", 3)
        }
        let client = try Client(warden.socket)
        let before = try client.status().descriptors
        let top = try client.workspace(id)
        #expect(try client.status().descriptors == before, "the warden holds it")
        let kept = try top.value.open("kept", O_RDONLY, resolve: .beneath)
        #expect(try kept.readAll(limit: 10).count == 3)
        try client.ask(.kill(id))
        try client.wait("the end") { client.end(of: id) != nil }
        #expect(try client.refusal(of: .workspace(id)).code == .state)
        try client.ask(.remove(id))
        #expect(try client.refusal(of: .workspace(id)).code == .unknownSession)
        // Who still has it reads what was there.
        #expect(try top.value.open("kept", O_RDONLY, resolve: .beneath).readAll(limit: 10).count == 3)
    }

    @Test func `a session whose profile lets nobody write has none`() throws {
        let (warden, id) = (try TestWarden(), freshID())
        let client = try Client(warden.socket)
        try client.session(id, profile: "offline_readonly")
        let refusal = try client.refusal(of: .workspace(id))
        #expect(refusal.code == .unsupported && refusal.sentence.contains("read_only"), "\(refusal)")
        try client.finish(id)
    }

    @Test func `a paused session has it too`() throws {
        let (warden, id) = (try TestWarden(), freshID())
        let client = try Client(warden.socket)
        try client.session(id)
        guard try client.ask(.pause(id)) == .done else {
            print("skipped: sessions cannot be paused on this host")
            return try client.finish(id)
        }
        try write(try client.workspace(id).value, "meanwhile", 1)
        #expect(try client.ask(.resume(id)) == .done)
        #expect(try run(client, id, "ls") == "meanwhile\n")
        try client.finish(id)
    }
}

extension Client {
    fileprivate func workspace(_ id: SandboxID) throws -> Held<FileDescriptor> {
        var found: (WardenAnswer, Held<FileDescriptor>?)?
        try link.send(.workspace(id)) { answer, packet in
            switch packet.takeDescriptor() {
            case .some(let descriptor): found = (answer, Held(descriptor))
            case .none: found = (answer, nil)
            }
        }
        try wait("the workspace") { found != nil }
        return try #require(found?.1, "\(String(describing: found?.0))")
    }

    fileprivate func status() throws -> WardenStatus {
        let answer = try ask(.status)
        guard case .status(let status) = answer else { return try #require(nil, "\(answer)") }
        return status
    }
}
