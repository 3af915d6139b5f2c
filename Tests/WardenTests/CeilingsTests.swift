// What orders may have, and how the operator says so.

import Sandbox
import TestSupport
import Testing
import WardenProtocol

@testable import Warden

@Suite struct CeilingsTests {
    private static func profile(_ name: String = "default") throws -> Profile {
        let file = Repository.path("profiles/\(name).yaml")
        return try Profile.decode(File.read(file), file: file)
    }

    private static func check(
        _ overrides: [ProfileOverride], _ ceilings: Ceilings = Ceilings()
    ) throws {
        let own = try profile()
        try ceilings.check(own.overridden(by: overrides), own: own)
    }

    @Test func `an order may ask for less than the profile has, and for as much`() throws {
        let own = try Self.profile().limits
        try Self.check([])
        try Self.check([.memory(own.memory), .pids(own.pids), .cpus(own.milliCPUs)])
        try Self.check([.memory(8 << 20), .pids(1), .cpus(1), .cpuTime(1000), .openFiles(16)])
    }

    @Test(arguments: [
        (ProfileOverride.memory(1 << 40), "limits.memory", "1TiB"), (.pids(100_000), "limits.pids", "100000"),
        (.cpus(64_000), "limits.cpus", "64"), (.openFiles(1 << 19), "limits.open_files", "524288"),
        (.fileSize(1 << 45), "limits.file_size", "32TiB"), (.stack(1 << 30), "limits.stack", "1GiB"),
    ])
    func `more than the profile has is refused by name, value and what is allowed`(
        override: ProfileOverride, limit: String, asked: String
    ) throws {
        let refused = try refusal { try Self.check([override]) }
        #expect(refused.code == .ceiling && refused.limit == limit && refused.asked == asked)
        #expect(refused.sentence.contains(limit) && refused.sentence.contains(asked))
        #expect(refused.sentence.hasSuffix(refused.allowed))
    }

    @Test func `the operator raises and lowers what sessions may have`() throws {
        var ceilings = Ceilings()
        try ceilings.set("limits.memory", "2TiB")
        try Self.check([.memory(1 << 40)], ceilings)
        try ceilings.set("limits.memory", "16MiB")
        // The profile's own is above it now.
        let refused = try refusal { try Self.check([], ceilings) }
        #expect(refused.limit == "limits.memory" && refused.allowed == "16MiB")
        try Self.check([.memory(16 << 20)], ceilings)
        try ceilings.set("limits.cpu_time", "none")
        try Self.check([.memory(16 << 20), .cpuTime(nil)], ceilings)
        try ceilings.set("limits.cpu_time", "10s")
        #expect(try refusal { try Self.check([.memory(16 << 20)], ceilings) }.asked == "none")
    }

    @Test(arguments: [
        ProfileOverride.memory(0), .pids(0), .cpus(0), .openFiles(1), .stack(1),
        .outputLimit(UInt64.max - 1),
    ])
    func `a value that no file could have is refused`(override: ProfileOverride) throws {
        #expect(try refusal { try Self.check([override]) }.code == .order)
    }

    @Test(arguments: [
        "../x", "x/y", "/etc/corral/x", "./x", "", ".", "..", "a b", "A", "x.yaml", "x\n", "x\u{202E}",
        String(repeating: "x", count: 65),
    ])
    func `a profile or an image is a name and never a path`(name: String) throws {
        let ceilings = Ceilings()
        for order in [
            SessionOrder(id: SandboxID(1), profile: name),
            SessionOrder(id: SandboxID(1), profile: "default", image: name),
        ] {
            #expect(try refusal { try ceilings.check(order) }.code == .order)
        }
    }

    @Test func `profiles and images can be listed`() throws {
        var ceilings = Ceilings()
        try ceilings.set("profiles", "strict,offline")
        try ceilings.set("images", "host")
        try ceilings.check(SessionOrder(id: SandboxID(1), profile: "strict", image: "host"))
        let profile = try refusal { try ceilings.check(SessionOrder(id: SandboxID(1), profile: "default")) }
        #expect(profile.code == .ceiling && profile.allowed == "strict, offline")
        let image = try refusal {
            try ceilings.check(SessionOrder(id: SandboxID(1), profile: "strict", image: "python"))
        }
        #expect(image.limit == "images")
    }

    @Test func `the host's network takes the operator's word`() throws {
        var profile = try Self.profile()
        profile.network.mode = .host
        var ceilings = Ceilings()
        #expect(try refusal { try ceilings.check(profile, own: profile) }.limit == "network.mode")
        try ceilings.set("host-network", "true")
        try ceilings.check(profile, own: profile)
    }

    @Test(arguments: [
        ("limits.memory", "64MB"), ("limits.memory", "1"), ("sessions", "0"), ("sessions", "x"),
        ("terminals", "yes"), ("profiles", "../x"), ("no-such", "1"),
        ("mount-root", "/"), ("mount-root", "srv"), ("mount-root", "/srv/"), ("mount-root", "/srv/../etc"),
        ("mount-never", ""),
    ])
    func `a ceiling that is wrong is refused by name`(name: String, value: String) {
        var ceilings = Ceilings()
        let error = #expect(throws: ValueError.self) { try ceilings.set(name, value) }
        #expect(error?.problem.hasPrefix("the ceiling \"\(name)\": ") == true)
    }
}
