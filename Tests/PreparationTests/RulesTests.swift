import Glibc
import Linux
import Seccomp
import TestSupport
import Testing

@testable import Preparation
@testable import Sandbox

/// An installation of a test's own with the shipped files, and a cache beside it.
private struct Place {
    let directory: TemporaryDirectory
    var installation: Installation { Installation(root: directory("data")) }
    var cachePath: String { directory("cache") }

    /// Of default's policy.
    static let parts = ["base", "general", "ipc", "unix", "network", "openat2"].map {
        "profiles/seccomp/\($0).json"
    }

    init() throws {
        directory = try TemporaryDirectory()
        for file in ["profiles/default.yaml", "profiles/offline.yaml", "images/host.yaml"] + Place.parts {
            let bytes = try File.read(Repository.path(file))
            try directory.write("data/\(file)", String(decoding: bytes, as: UTF8.self))
        }
        try File.makeDirectories(cachePath)
        try #require(unsafe chmod(cachePath, 0o700) == 0)
    }

    /// The rules as a run gets them.
    func rules(_ name: String = "default", _ variant: RulesVariant = RulesVariant()) throws -> Rules {
        try installation.rules(name, variant, cache: FileDescriptor.open(cachePath, O_RDONLY | O_DIRECTORY))
    }

    /// The stored rules in the cache.
    var stored: [String] { File.names(in: cachePath).filter { $0.hasSuffix(".rules") } }

    func storedPath() throws -> String {
        try #require(stored.count == 1)
        return "\(cachePath)/\(stored[0])"
    }

    /// The shipped files by how they are looked up.
    func sources() throws -> (RulesSource.Lookup) throws(PreparationError) -> RulesSource {
        var all: [RulesSource] = []
        let parts = Place.parts.map { file in
            let name = file.split(separator: "/").last?.dropLast(".json".count) ?? ""
            return (RulesSource.Lookup.part(String(name)), file)
        }
        for (lookup, file) in [
            (RulesSource.Lookup.profile("default", behind: nil), "profiles/default.yaml"),
            (.image("host"), "images/host.yaml"),
        ] + parts {
            all.append(
                RulesSource(lookup: lookup, called: file, bytes: try File.read(directory("data/\(file)"))))
        }
        let known = all
        return { (lookup) throws(PreparationError) in
            guard let source = known.first(where: { $0.lookup == lookup }) else {
                throw PreparationError("none")
            }
            return source
        }
    }

    func append(_ text: String, to file: String) throws {
        let bytes = try File.read(directory("data/\(file)"))
        try directory.write("data/\(file)", String(decoding: bytes, as: UTF8.self) + text)
    }
}

/// Rules without where they came from.
private func plain(_ rules: Rules) -> Rules {
    var rules = rules
    rules.origin = .compiled
    rules.filter.origin = .compiled
    return rules
}

@Suite struct RulesTests {
    @Test func `the second time rules come from the cache, the same`() throws {
        let place = try Place()
        let first = try place.rules()
        #expect(first.origin == .compiled)
        #expect(first.profile == (try place.installation.profile("default")))
        #expect(first.image == (try place.installation.image("host")))
        let second = try place.rules()
        #expect(second.origin == .cache && second.filter.origin == .cache)
        #expect(plain(second) == plain(first))
        #expect(place.stored.count == 1)
    }

    @Test(arguments: ["profiles/default.yaml", "images/host.yaml", "profiles/seccomp/base.json"])
    func `a changed file is read again, and then kept`(file: String) throws {
        let place = try Place()
        _ = try place.rules()
        try place.append("\n", to: file)
        #expect(try place.rules().origin == .compiled)
        #expect(try place.rules().origin == .cache)
        #expect(place.stored.count == 1)
    }

    @Test func `a change takes effect at once`() throws {
        let place = try Place()
        _ = try place.rules()
        try place.append("  - /proc/uptime\n", to: "images/host.yaml")
        #expect(try place.rules().image.masked.last == "/proc/uptime")
        #expect(try place.rules().image.masked.last == "/proc/uptime")
    }

    @Test(arguments: ["images/host.yaml", "profiles/seccomp/openat2.json"])
    func `a file that is gone or wrong is an error, whatever the cache has`(file: String) throws {
        let place = try Place()
        _ = try place.rules()
        try place.directory.write("data/\(file)", "{")
        #expect(throws: PreparationError.self) { try place.rules() }
        try File.remove(place.directory("data/\(file)"))
        #expect(throws: PreparationError.self) { try place.rules() }
    }

    @Test func `the same bytes under another name are another profile`() throws {
        let place = try Place()
        _ = try place.rules()
        let bytes = try File.read(place.directory("data/profiles/default.yaml"))
        let path = try place.directory.write("mine.yaml", String(decoding: bytes, as: UTF8.self))
        for origin in [CompiledFilter.Origin.compiled, .cache] {
            let rules = try place.rules(path)
            #expect(rules.profile.name == "mine")
            #expect(rules.origin == origin)
        }
    }

    @Test func `stored rules that were changed anywhere are not used`() throws {
        let place = try Place()
        let rules = try place.rules()
        let bytes = try File.read(place.storedPath())
        let source = try File.read(place.directory("data/profiles/default.yaml"))
        let key = RulesFile.key(profile: source, name: "profiles/default.yaml", RulesVariant())
        let now = try place.sources()
        let whole = try RulesFile(bytes, key: key).filter(origin: .compiled, now)
        #expect(whole?.bytes == rules.filter.bytes)
        #expect(throws: StoredProblem.self) { try RulesFile(bytes, key: key.reversed()) }
        var survivors: [Int] = []
        for at in bytes.indices {
            var changed = bytes
            changed[at] ^= 0x40
            let file = try? RulesFile(changed, key: key)
            if file?.filter(origin: .cache, now) != nil { survivors.append(at) }
        }
        #expect(survivors == [])
        for count in Array(0..<200) + Array(stride(from: 200, to: bytes.count, by: 97)) {
            #expect(throws: StoredProblem.self) { try RulesFile(Array(bytes[..<count]), key: key) }
        }
        #expect(throws: StoredProblem.self) { try RulesFile(bytes + [0], key: key) }
    }

    @Test func `damaged rules are made anew`() throws {
        let place = try Place()
        let rules = try place.rules()
        let path = try place.storedPath()
        let bytes = try File.read(path)
        try File.write([], to: path)
        let again = try place.rules()
        #expect(again.origin == .compiled && plain(again) == plain(rules))
        #expect(try File.read(path) == bytes)
    }

    @Test(arguments: [0o770, 0o707] as [mode_t])
    func `a cache that others may write to is neither read nor written`(mode: mode_t) throws {
        let place = try Place()
        _ = try place.rules()
        try #require(unsafe chmod(place.cachePath, mode) == 0)
        #expect(try place.rules().origin == .compiled)
        try place.append("\n", to: "profiles/default.yaml")
        #expect(try place.rules().origin == .compiled)
        #expect(place.stored.count == 1)
    }

    @Test func `stored rules that others may write to, and links, are not used`() throws {
        let place = try Place()
        _ = try place.rules()
        let path = try place.storedPath()
        try #require(unsafe chmod(path, 0o622) == 0)
        #expect(try place.rules().origin == .compiled)
        #expect(try place.rules().origin == .cache)
        try #require(unsafe rename(path, place.directory("elsewhere")) == 0)
        try #require(unsafe symlink(place.directory("elsewhere"), path) == 0)
        #expect(try place.rules().origin == .compiled)
        #expect(try place.rules().origin == .cache)
    }

    @Test func `without a cache the files are read each time`() throws {
        let place = try Place()
        #expect(try place.installation.rules("default", RulesVariant(), cache: nil).origin == .compiled)
        #expect(try place.installation.rules("default", RulesVariant(), cache: nil).origin == .compiled)
    }

    @Test func `what an installation prepared is used until a file changes`() throws {
        let place = try Place()
        let rules = try place.rules()
        try File.remove(place.storedPath())
        try place.installation.precompile("default", RulesVariant())
        let installed = try place.rules()
        #expect(installed.origin == .installed && installed.filter.origin == .installed)
        #expect(plain(installed) == plain(rules))
        #expect(place.stored == [])
        try place.append("\n", to: "images/host.yaml")
        #expect(try place.rules().origin == .compiled)
        #expect(try place.rules().origin == .cache)
    }

    @Test func `each variant has rules of its own, with its own filter`() throws {
        let place = try Place()
        var filters: Set<[UInt8]> = []
        for variant in RulesVariant.all {
            let rules = try place.rules("default", variant)
            #expect(rules.origin == .compiled)
            filters.insert(rules.filter.bytes)
            let again = try place.rules("default", variant)
            #expect(again.origin == .cache && plain(again) == plain(rules))
        }
        #expect(place.stored.count == 4)
        // default has its parts for unix sockets always, so the relay makes no difference to it.
        #expect(filters.count == 2)
        for variant in RulesVariant.all { try place.installation.precompile("default", variant) }
        let names = File.names(in: place.directory("data/profiles"))
        for suffix in ["", "+relay", "+directory", "+relay+directory"] {
            #expect(names.contains("default\(suffix).rules"))
        }
        let filtersThere = File.names(in: place.directory("data/profiles/seccomp")).filter {
            $0.hasSuffix(".bpf")
        }
        #expect(
            filtersThere == [
                "base+general+ipc+unix+network+openat2.bpf", "base+general+ipc+unix+network.bpf",
            ])
        for variant in RulesVariant.all {
            #expect(try place.rules("default", variant).origin == .installed)
        }
    }

    @Test(arguments: ["profiles/default.yaml", "profiles/offline.yaml"])
    func `a change anywhere in the chain is seen, with and without prepared rules`(file: String) throws {
        for prepared in [false, true] {
            let place = try Place()
            if prepared { try place.installation.precompile("offline", RulesVariant()) }
            let before = try place.rules("offline")
            #expect(before.origin == (prepared ? .installed : .compiled))
            let old = File.text(place.directory("data/\(file)")) ?? ""
            try place.directory.write(
                "data/\(file)",
                old.replacing("limits:\n", with: "limits:\n  open_files: 77\n")
                    .replacing("  open_files: 1024", with: ""))
            let after = try place.rules("offline")
            #expect(after.origin == .compiled && after.profile.limits.openFiles == 77)
            #expect(try place.rules("offline").profile.limits.openFiles == 77)
        }
    }

    /// The same words lead elsewhere once there is a file in front of the old one.
    @Test(arguments: [true, false])
    func `a name that is found elsewhere now makes stored rules void`(prepared: Bool) throws {
        let place = try Place()
        let user = place.directory("user")
        let installation = Installation(
            root: place.directory("data"),
            directories: ProfileDirectories([
                ProfileDirectory(owner: .user, path: user),
                ProfileDirectory(owner: .shipped, path: place.directory("data/profiles")),
            ]))
        func rules() throws -> Rules {
            // Directories are looked at when an installation is made.
            try Installation(
                root: installation.root, directories: ProfileDirectories(installation.directories.all)
            )
            .rules(
                "offline", RulesVariant(), cache: FileDescriptor.open(place.cachePath, O_RDONLY | O_DIRECTORY)
            )
        }
        if prepared { try place.installation.precompile("offline", RulesVariant()) }
        _ = try rules()
        #expect(try rules().origin == (prepared ? .installed : .cache))
        try place.directory.write(
            "user/default.yaml", "extends: default\ndescription: x\nenvironment: {MINE: a}\n")
        let now = try rules()
        #expect(now.origin == .compiled && now.profile.environment.last?.name == "MINE")
        try place.directory.write(
            "user/seccomp/base.json", (File.text(place.directory("data/\(Place.parts[0])")) ?? "") + "\n")
        #expect(try rules().origin == .compiled)
        #expect(try rules().origin == .cache)
        try File.remove(user)
        #expect(try rules().profile.environment.last?.name == "LANG")
    }
}
