import Testing

@testable import Sandbox

/// The profiles of `profiles/`: those that LangBot Box has keep its values.
@Suite struct ShippedProfileTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let memory: UInt64
        let pids: UInt32
        let milliCPUs: UInt32
        let timeout: UInt64?
        let most: UInt64?
        let network: Network.Mode
        var workspace = Filesystem.Workspace.writable
        var locked: [String] = []
        var testDescription: String { name }
    }

    @Test(arguments: [
        Row(
            name: "default", memory: 256, pids: 128, milliCPUs: 1000, timeout: nil, most: nil, network: .none),
        Row(
            name: "offline", memory: 512, pids: 128, milliCPUs: 1000, timeout: 30, most: 120, network: .none,
            locked: ["network"]),
        Row(
            name: "offline_readonly", memory: 256, pids: 64, milliCPUs: 500, timeout: 30, most: 60,
            network: .none, workspace: .readOnly, locked: ["filesystem", "network"]),
        Row(
            name: "network_basic", memory: 512, pids: 128, milliCPUs: 1000, timeout: 30, most: 120,
            network: .proxy),
        Row(
            name: "network_extended", memory: 1024, pids: 256, milliCPUs: 2000, timeout: 30, most: 300,
            network: .proxy),
        Row(
            name: "strict", memory: 128, pids: 32, milliCPUs: 500, timeout: 300, most: nil, network: .none),
    ])
    func `a shipped profile has the values of the table`(row: Row) throws {
        let profile = try shippedProfile(row.name)
        #expect(profile.limits.memory == row.memory << 20 && profile.limits.pids == row.pids)
        #expect(profile.limits.milliCPUs == row.milliCPUs)
        #expect(profile.lifetime.timeout == row.timeout.map { $0 * 1000 })
        #expect(profile.lifetime.maxTimeout == row.most.map { $0 * 1000 })
        #expect(profile.network.mode == row.network)
        #expect(profile.network.allow.isEmpty == (row.network != .proxy))
        #expect(profile.filesystem.workspace == row.workspace)
        #expect(profile.locks.map(\.path) == row.locked)
        #expect(profile.landlock == LandlockPolicy(bind: .only([]), connect: .only([])))
        #expect(profile.environment.map(\.name) == ["PATH", "HOME", "LANG"])
        #expect(profile.require.contains(.seccomp) && profile.require.contains(.netNamespace))
    }

    @Test func `the strict profile requires every layer and gives less of everything`() throws {
        let (strict, other) = (try shippedProfile("strict"), try shippedProfile("default"))
        #expect(Set(strict.require) == Set(Layer.allCases))
        #expect(strict.syscalls.policy != other.syscalls.policy)
        #expect(strict.limits.openFiles < other.limits.openFiles)
        #expect(strict.limits.fileSize < other.limits.fileSize)
        #expect(strict.limits.workspaceBytes < other.limits.workspaceBytes)
        #expect(strict.relay.frameBytes < other.relay.frameBytes)
        #expect(strict.relay.connections < other.relay.connections)
    }

    @Test func `every file says so to an editor, and every shipped file is in this list`() throws {
        for name in shippedProfiles {
            let text = String(decoding: try repositoryFile("profiles/\(name).yaml"), as: UTF8.self)
            #expect(text.hasPrefix("# yaml-language-server: $schema=./profile.schema.json\n"), "\(name)")
        }
    }

    @Test func `addresses of the proxy have a host and a port`() throws {
        for text in ["example.org:443", "*:443", "*.example.org:8443", "10.0.0.1:80", "[::1]:65535", "a-b:1"]
        {
            #expect(try NetworkAddress(text).description == text)
        }
        for text in [
            "example.org", "example.org:", ":443", "*:0", "*:65536", "*:080", "a..b:1", "-a:1", "A.org:1",
            "a_b:1",
            "*.*:1", "[]:1", "[1]:1", "a b:1", "x:http", "*.:1", String(repeating: "a", count: 64) + ":1",
        ] {
            #expect(throws: ValueError.self, "\(text)") { try NetworkAddress(text) }
        }
    }
}
