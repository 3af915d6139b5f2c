import Glibc
import Sandbox
import TestSupport
import Testing

@testable import Preparation

/// Looking names up in directories of profiles.
@Suite struct ProfileDirectoriesTests {
    private let place: TemporaryDirectory

    init() throws {
        place = try TemporaryDirectory()
        for owner in ProfileDirectory.Owner.allCases {
            try File.makeDirectories(place("\(owner.rawValue)/seccomp"))
        }
    }

    private var directories: ProfileDirectories {
        ProfileDirectories(
            ProfileDirectory.Owner.allCases.map { ProfileDirectory(owner: $0, path: place($0.rawValue)) })
    }

    private func write(_ owner: ProfileDirectory.Owner, _ file: String, _ text: String, mode: UInt32 = 0o644)
        throws
    {
        try place.write("\(owner.rawValue)/\(file)", text, mode: mode)
    }

    private func found(
        _ name: String, _ kind: ProfileFileKind = .profile, behind: ProfileDirectory.Owner? = nil
    )
        throws -> String?
    {
        try directories.find(name, kind, behind: behind).map {
            "\($0.directory) \(String(decoding: $0.file.bytes, as: UTF8.self))"
        }
    }

    @Test(arguments: [ProfileFileKind.profile, .part])
    func `the user's is found before the system's, and that before the shipped`(kind: ProfileFileKind) throws
    {
        #expect(try found("x", kind) == nil)
        for owner in ProfileDirectory.Owner.allCases.reversed() {
            try write(owner, kind.file("x"), "\(owner)'s")
            #expect(try found("x", kind) == "\(owner) \(owner)'s")
        }
        #expect(try found("x", kind, behind: .user) == "system system's")
        #expect(try found("x", kind, behind: .system) == "shipped shipped's")
        #expect(try found("x", kind, behind: .shipped) == nil)
    }

    @Test func `a file of the shipped ones is called by a short name, others by their path`() throws {
        try write(.shipped, "x.yaml", "")
        #expect(try directories.find("x", .profile)?.file.called == "profiles/x.yaml")
        try write(.system, "x.yaml", "")
        #expect(try directories.find("x", .profile)?.file.called == place("system/x.yaml"))
    }

    /// Each is refused; none is passed over for one that is further down.
    @Test(arguments: [0o664, 0o646, 0o622] as [UInt32])
    func `a file that others may write is refused with a reason`(mode: UInt32) throws {
        try write(.shipped, "x.yaml", "")
        try write(.user, "x.yaml", "", mode: mode)
        let error = #expect(throws: PreparationError.self) { try found("x") }
        #expect(error?.description.contains("can be written by") == true)
        #expect(error?.description.contains("mode 0\(String(mode, radix: 8))") == true)
    }

    @Test(.enabled(if: Host.isRoot, "needs root"))
    func `a file of another user is refused with a reason`() throws {
        try write(.system, "x.yaml", "")
        #expect(unsafe chown(place("system/x.yaml"), 4321, 0) == 0)
        let error = #expect(throws: PreparationError.self) { try found("x") }
        #expect(error?.description.contains("belongs to uid 4321") == true)
    }

    @Test(arguments: ["user", "user/seccomp"])
    func `a directory that others may write is refused`(directory: String) throws {
        try write(.user, "x.yaml", "")
        try write(.user, "seccomp/x.json", "")
        #expect(unsafe chmod(place(directory), 0o777) == 0)
        let error = #expect(throws: PreparationError.self) { try found("x", .part) }
        #expect(error?.description.contains("its directory can be written by everybody") == true)
        if directory == "user" { #expect(throws: PreparationError.self) { try found("x") } }
        // Nothing is in the way of what is not there.
        #expect(try found("y") == nil)
    }

    @Test func `a pipe in a file's place holds nobody up, and ten megabytes are not read`() throws {
        #expect(unsafe mkfifo(place("user/x.yaml"), 0o644) == 0)
        #expect(try found("x") == "user ")
        try write(.user, "big.yaml", String(repeating: "#", count: 10 << 20))
        let error = #expect(throws: PreparationError.self) { try found("big") }
        #expect(error?.description.hasSuffix("is 10485760 bytes long; expected at most 262144") == true)
    }

    @Test func `names of all directories are known, each once`() throws {
        try write(.user, "b.yaml", "")
        try write(.shipped, "b.yaml", "")
        try write(.shipped, "a.yaml", "")
        try write(.system, "seccomp/p.json", "")
        #expect(try directories.names(.profile) == ["a", "b"])
        #expect(try directories.names(.part) == ["p"])
    }

    @Test func `a directory that is not there is passed over`() throws {
        try write(.shipped, "x.yaml", "")
        try File.remove(place("user"))
        try File.remove(place("system"))
        #expect(try found("x") == "shipped ")
    }
}
