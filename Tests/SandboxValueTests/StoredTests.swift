import Testing

@testable import Sandbox

/// Random values, the same in every run.
private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func word() -> UInt32 { UInt32(truncatingIfNeeded: next()) }

    /// With letters of one to four bytes, and nothing now and then.
    mutating func text() -> String {
        String(
            String.UnicodeScalarView(
                (0..<Int.random(in: 0...20, using: &self)).map { _ in
                    ["a", "/", "\n", "\0", "é", "\u{301}", "€", "🐚"].randomElement(using: &self) ?? "a"
                }))
    }

    mutating func list<Value>(_ value: (inout Generator) -> Value) -> [Value] {
        (0..<Int.random(in: 0...4, using: &self)).map { _ in value(&self) }
    }

    mutating func ports() -> Ports {
        Bool.random(using: &self) ? .any : .only(list { UInt16(truncatingIfNeeded: $0.next()) })
    }

    mutating func profile() -> Profile {
        let limits = Limits(
            memory: next(), swap: next(), pids: word(), milliCPUs: word(), openFiles: word(),
            fileSize: next(),
            stack: next(), workspaceBytes: next(), workspaceFiles: word(), cpuTime: some(),
            pidsKill: Bool.random(using: &self))
        return Profile(
            name: text(), description: text(), image: text(),
            filesystem: Filesystem(workspace: element(Filesystem.Workspace.allCases, .writable)),
            syscalls: SyscallPolicy(
                policy: list { $0.text() }, withRelay: list { $0.text() },
                withoutHostDirectory: list { $0.text() }, withTerminal: list { $0.text() }),
            landlock: LandlockPolicy(bind: ports(), connect: ports()),
            network: Network(
                mode: element(Network.Mode.allCases, .none),
                allow: list { NetworkAddress(host: $0.text(), port: UInt16(truncatingIfNeeded: $0.next())) }),
            limits: limits,
            lifetime: lifetime(),
            output: OutputPolicy(limit: some(), kill: Bool.random(using: &self)),
            relay: RelayPolicy(frameBytes: word(), connections: word(), messages: messages()),
            environment: list { EnvironmentVariable(name: $0.text(), value: $0.text()) },
            require: list { Layer.allCases.randomElement(using: &$0) ?? .memory },
            locks: list { ProfileLock(path: $0.text(), origin: $0.text()) })
    }

    mutating func lifetime() -> Lifetime {
        var lifetime = Lifetime(timeout: some(), maxTimeout: some(), maxTimeoutOrigin: text())
        lifetime.session.ttl = element([.unsaid, .never, .after(next())], .unsaid)
        lifetime.session.idle = element([.unsaid, .never, .after(next())], .unsaid)
        lifetime.session.max = element([.unsaid, .never, .after(next())], .unsaid)
        lifetime.session.lease = element([nil] + Lifetime.Lease.allCases, nil)
        return lifetime
    }

    mutating func messages() -> MessagePolicy? {
        guard Bool.random(using: &self) else { return nil }
        var messages = MessagePolicy()
        messages.name = Bool.random(using: &self) ? text() : nil
        messages.id = Bool.random(using: &self) ? text() : nil
        messages.capabilities = Bool.random(using: &self) ? list { $0.text() } : nil
        messages.methods = list { $0.text() }
        messages.actions = list { $0.text() }
        messages.schemes = list { $0.text() }
        messages.rate = word()
        messages.burst = word()
        messages.bytesPerHour = some()
        messages.inFlight = word()
        messages.deadline = next()
        messages.registration = next()
        messages.violation = element(MessagePolicy.Violation.allCases, .drop)
        return messages
    }

    mutating func some() -> UInt64? { Bool.random(using: &self) ? next() : nil }

    mutating func element<Value>(_ all: [Value], _ other: Value) -> Value {
        all.randomElement(using: &self) ?? other
    }

    mutating func image() -> Image {
        Image(
            name: text(), description: text(), hostname: text(), workspace: text(),
            binds: list { Image.Bind(path: $0.text(), optional: Bool.random(using: &$0)) },
            files: list { Image.File(path: $0.text(), mode: $0.word(), content: $0.text()) },
            symlinks: list { Image.Symlink(path: $0.text(), target: $0.text()) },
            tmpfs: list {
                Image.Tmpfs(
                    path: $0.text(), size: $0.next(), files: $0.word(), mode: $0.word(),
                    executable: Bool.random(using: &$0))
            },
            devices: list { Image.Device(name: $0.text(), major: $0.word(), minor: $0.word()) },
            masked: list { $0.text() }, tree: Bool.random(using: &self) ? text() : nil)
    }
}

private func stored(_ profile: Profile, _ image: Image) -> [UInt8] {
    var writer = StoredWriter()
    profile.store(in: &writer)
    image.store(in: &writer)
    return writer.bytes
}

private func read(_ bytes: [UInt8]) throws(StoredProblem) -> (Profile, Image) {
    var reader = StoredReader(bytes)
    let values = (try Profile(from: &reader), try Image(from: &reader))
    guard reader.isAtEnd else { throw StoredProblem() }
    return values
}

@Suite struct StoredTests {
    @Test(arguments: shippedProfiles)
    func `a shipped profile and the image come back as they were`(name: String) throws {
        let profile = try shippedProfile(name)
        let image = try Image.decode(repositoryFile("images/host.yaml"), file: "host.yaml")
        let back = try read(stored(profile, image))
        #expect(back.0 == profile)
        #expect(back.1 == image)
    }

    @Test func `random values come back as they were, and no two alike are stored alike`() throws {
        var generator = Generator(state: 1)
        var seen: Set<[UInt8]> = []
        for round in 0..<500 {
            let (profile, image) = (generator.profile(), generator.image())
            let bytes = stored(profile, image)
            let back = try read(bytes)
            #expect(back.0 == profile && back.1 == image, "round \(round)")
            #expect(stored(back.0, back.1) == bytes, "round \(round)")
            #expect(seen.insert(bytes).inserted, "round \(round)")
        }
    }

    @Test func `bytes that end too early or too late are refused`() throws {
        let profile = try Profile.decode(repositoryFile("profiles/default.yaml"), file: "default.yaml")
        let image = try Image.decode(repositoryFile("images/host.yaml"), file: "host.yaml")
        let bytes = stored(profile, image)
        for count in bytes.indices {
            #expect(throws: StoredProblem.self, "\(count) bytes") { try read(Array(bytes[..<count])) }
        }
        #expect(throws: StoredProblem.self) { try read(bytes + [0]) }
    }

    @Test func `changed bytes never trap, and are other values or none`() throws {
        var generator = Generator(state: 2)
        let (profile, image) = (generator.profile(), generator.image())
        let bytes = stored(profile, image)
        for at in bytes.indices {
            for value in [0x01, 0x80, 0xFF] as [UInt8] {
                var changed = bytes
                changed[at] ^= value
                guard let back = try? read(changed) else { continue }
                // Not by ==, to which U+0341 is the same as U+0301.
                #expect(stored(back.0, back.1) != bytes, "byte \(at)")
            }
        }
    }
}
