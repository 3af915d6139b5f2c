import Glibc
import Linux
import Seccomp
import TestSupport
import Testing

@testable import Preparation
@testable import Sandbox

/// What is remembered of files, and what is not.
@Suite struct RememberedTests {
    private let directory: TemporaryDirectory
    private var root: String { directory("data") }

    /// As the warden does it: which directories there are is looked at each time.
    private var installation: Installation {
        let directories = [
            ProfileDirectory(owner: .system, path: directory("system")),
            ProfileDirectory(owner: .shipped, path: "\(root)/profiles"),
        ]
        return Installation(root: root, directories: ProfileDirectories(directories))
    }

    init() throws {
        directory = try TemporaryDirectory()
        let parts = ["base", "general", "ipc", "unix", "network", "openat2"].map {
            "profiles/seccomp/\($0).json"
        }
        for file in ["profiles/default.yaml", "images/host.yaml"] + parts {
            let bytes = try File.read(Repository.path(file))
            try directory.write("data/\(file)", String(decoding: bytes, as: UTF8.self))
        }
        try directory.write("data/profiles/mine.yaml", "extends: default\nlimits: { pids: 11 }\n")
    }

    private func add(_ text: String, to file: String) throws {
        try File.write(File.read(directory(file)) + Array(text.utf8), to: directory(file))
    }

    /// Puts a default profile with another limit into one of the directories.
    private func changeDefault(_ place: String, openFiles: Int) throws {
        let text = String(decoding: try File.read(Repository.path("profiles/default.yaml")), as: UTF8.self)
        let file = place == "system" ? "system/default.yaml" : "data/profiles/default.yaml"
        try directory.write(file, text.replacing("open_files: 1024", with: "open_files: \(openFiles)"))
    }

    private func rules(_ remembered: inout RememberedRules, _ name: String = "mine") throws -> Rules {
        try remembered.rules(name, RulesVariant(), of: installation, cache: nil)
    }

    @Test func `a profile is the same until a file of its chain changes`() throws {
        var remembered = RememberedProfiles()
        let first = try remembered.profile("mine", of: installation)
        #expect(first.limits.pids == 11)
        #expect(try remembered.profile("mine", of: installation) == first)
        #expect(try first == installation.profile("mine"))
        // Of the same length, and of the same second perhaps.
        try directory.write("data/profiles/mine.yaml", "extends: default\nlimits: { pids: 12 }\n")
        #expect(try remembered.profile("mine", of: installation).limits.pids == 12)
        try add("\n# a remark\n", to: "data/profiles/default.yaml")
        #expect(try remembered.profile("mine", of: installation) == installation.profile("mine"))
        try changeDefault("data", openFiles: 99)
        #expect(try remembered.profile("mine", of: installation).limits.openFiles == 99)
        try File.remove(directory("data/profiles/default.yaml"))
        #expect(throws: PreparationError.self) { try remembered.profile("mine", of: installation) }
        try File.remove(directory("data/profiles/mine.yaml"))
        #expect(throws: PreparationError.self) { try remembered.profile("mine", of: installation) }
    }

    @Test func `a file that comes to stand before another counts from the next time on`() throws {
        var (profiles, rules) = (RememberedProfiles(), RememberedRules())
        #expect(try profiles.profile("mine", of: installation).limits.pids == 11)
        #expect(try self.rules(&rules).profile.limits.pids == 11)
        try directory.write("system/mine.yaml", "extends: default\nlimits: { pids: 13 }\n")
        #expect(try profiles.profile("mine", of: installation).limits.pids == 13)
        #expect(try self.rules(&rules).profile.limits.pids == 13)
        try changeDefault("system", openFiles: 98)
        #expect(try profiles.profile("mine", of: installation).limits.openFiles == 98)
        #expect(try self.rules(&rules).profile.limits.openFiles == 98)
    }

    @Test(arguments: [
        "data/profiles/mine.yaml", "data/profiles/default.yaml", "data/images/host.yaml",
        "data/profiles/seccomp/base.json",
    ])
    func `rules are read again once one of their files is another`(file: String) throws {
        var remembered = RememberedRules()
        let first = try rules(&remembered)
        #expect(try rules(&remembered) == first)
        if file.hasSuffix("host.yaml") {
            try add("  - /proc/uptime\n", to: file)
            #expect(try rules(&remembered).image.masked.last == "/proc/uptime")
        }
        // No longer what it has to be.
        try File.write(Array("{".utf8), to: directory(file))
        #expect(throws: PreparationError.self) { try rules(&remembered) }
        #expect(throws: PreparationError.self) { try rules(&remembered) }
    }

    @Test func `a file that somebody else may write to is refused, though its bytes are known`() throws {
        var (profiles, rules) = (RememberedProfiles(), RememberedRules())
        _ = try profiles.profile("mine", of: installation)
        _ = try self.rules(&rules)
        try #require(unsafe chmod(directory("data/profiles/default.yaml"), 0o666) == 0)
        #expect(throws: PreparationError.self) { try profiles.profile("mine", of: installation) }
        #expect(throws: PreparationError.self) { try self.rules(&rules) }
    }

    @Test func `each variant has its own, and as many as can be asked for are no more than are kept`() throws
    {
        var remembered = RememberedRules()
        let plain = try rules(&remembered)
        let directory = try remembered.rules(
            "mine", RulesVariant(hostDirectory: true), of: installation, cache: nil)
        #expect(directory.filter.bytes != plain.filter.bytes)
        for number in 0..<200 {
            try self.directory.write(
                "system/p\(number).yaml", "extends: mine\nlimits: { pids: \(number + 1) }\n")
            let read = try rules(&remembered, "p\(number)")
            #expect(read.profile.limits.pids == UInt32(number + 1))
        }
        #expect(try rules(&remembered) == plain)
    }
}
