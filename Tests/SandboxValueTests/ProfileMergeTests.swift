import Testing

@testable import Sandbox

/// Random layers, the same in every run.
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

    /// Few fields, so that layers meet: two limits, one of each other kind, three variables.
    static let fields: [ProfileField] =
        [.memory, .pids, .networkMode, .networkAllow, .bind, .timeout].map { ProfileField($0) }
        + ["A", "B", "C"].map { ProfileField(variable: $0) }

    static let lockable =
        fields.map(\.path) + ["limits", "network", "landlock", "landlock.tcp", "lifetime", "environment"]

    /// Few values, so that layers now and then say the same.
    mutating func value(_ field: ProfileField) -> ProfileValue {
        let few = UInt64.random(in: 1...3, using: &self)
        switch field.key {
        case .memory, .pids: return .number(few)
        case .timeout: return few == 1 ? .unlimited : .number(few)
        case .networkAllow: return .list(["a:\(few)"])
        case .bind: return .ports(few == 1 ? .any : .only([UInt16(few)]))
        default: return .text("\(few)")
        }
    }

    mutating func layer(_ number: Int) -> PartialProfile {
        var layer = PartialProfile()
        var line = 0
        for field in Generator.fields.shuffled(using: &self) where Int.random(in: 0..<3, using: &self) == 0 {
            line += 1
            layer.state(field, value(field), .file("layer \(number)", line: line, column: 1))
        }
        for path in Generator.lockable where Int.random(in: 0..<12, using: &self) == 0 {
            line += 1
            layer.lock(path, .file("layer \(number)", line: line, column: 1))
        }
        return layer
    }
}

private func merged(_ layers: [PartialProfile]) -> PartialProfile {
    layers.reduce(PartialProfile()) { $0.merged(with: $1) }
}

@Suite struct ProfileMergeTests {
    @Test func `merging is associative, with all that is recorded`() {
        var generator = Generator(state: 1)
        var violations = 0
        for round in 0..<5000 {
            let (a, b, c) = (generator.layer(1), generator.layer(2), generator.layer(3))
            let left = a.merged(with: b).merged(with: c)
            let right = a.merged(with: b.merged(with: c))
            #expect(left == right, "round \(round)")
            violations += left.violations.count
        }
        #expect(violations > 500)
    }

    @Test func `an empty layer changes nothing, above or below`() {
        var generator = Generator(state: 2)
        for round in 0..<2000 {
            let layer = generator.layer(1)
            #expect(layer.merged(with: PartialProfile()) == layer, "round \(round)")
            #expect(PartialProfile().merged(with: layer) == layer, "round \(round)")
        }
    }

    @Test func `what is locked is never changed by any later layer, and every attempt is told`() {
        var generator = Generator(state: 3)
        var attempts = 0
        for round in 0..<5000 {
            let layers = (1...5).map { generator.layer($0) }
            let result = merged(layers)
            for field in Generator.fields {
                // What holds by hand: the highest statement at or below the first lock.
                let lock = layers.firstIndex { layer in
                    layer.locks.contains { ProfileLock(path: $0.path, origin: "").covers(field) }
                }
                let below = layers[...(lock ?? layers.count - 1)].compactMap { $0[field] }
                #expect(result[field] == below.last, "round \(round), \(field.path)")
                let above = layers[((lock ?? layers.count - 1) + 1)...].compactMap { $0[field] }
                let wrong = above.filter { $0.value != below.last?.value }
                let told = result.violations.filter { $0.field == field }
                #expect(told.map(\.refused) == wrong, "round \(round), \(field.path)")
                attempts += wrong.count
                for violation in told {
                    guard case .file(let name, _, _) = violation.lock, let lock else {
                        Issue.record("round \(round): no origin of a lock")
                        continue
                    }
                    #expect(layers[lock...].indices.contains { name == "layer \($0 + 1)" }, "round \(round)")
                }
            }
        }
        #expect(attempts > 1000)
    }

    @Test func `layers above a lock can be cut off without a difference`() {
        var generator = Generator(state: 4)
        for round in 0..<3000 {
            let layers = (1...4).map { generator.layer($0) }
            for field in Generator.fields where merged(Array(layers.prefix(2))).lockOrigin(of: field) != nil {
                let (low, high) = (merged(Array(layers.prefix(2))), merged(layers))
                #expect(low[field] == high[field], "round \(round), \(field.path)")
                #expect(high.lockOrigin(of: field) != nil)
            }
        }
    }

    /// The command line is applied to a profile, which must be the same as merging one more layer.
    @Test func `options over a profile are one more layer`() throws {
        var generator = Generator(state: 5)
        let base = try ProfileFile(Array(minimalProfile.utf8), file: "profiles/x.yaml").layer
        var outcomes: [Bool: Int] = [:]
        for round in 0..<2000 {
            var layer = PartialProfile()
            for path in [
                "limits", "limits.memory", "limits.cpus", "lifetime", "environment", "environment.A",
            ]
            where Int.random(in: 0..<6, using: &generator) == 0 {
                layer.lock(path, .file("x.yaml", line: 3, column: 1))
            }
            layer.state(ProfileField(variable: "A"), .text("1"), .file("x.yaml", line: 4, column: 1))
            if Bool.random(using: &generator) {
                layer.state(ProfileField(.timeout), .number(5000), .file("x.yaml", line: 5, column: 1))
                layer.state(ProfileField(.maxTimeout), .number(9000), .file("x.yaml", line: 6, column: 1))
            }
            let below = PartialProfile.builtIn.merged(with: base).merged(with: layer)
            let overrides: [ProfileOverride] = [
                .memory(UInt64.random(in: 1...2, using: &generator) << 26), .cpus(500),
                .pids(UInt32.random(in: 8...9, using: &generator)),
                .timeout([nil, 5000, 10_000].randomElement(using: &generator) ?? nil),
                .variable(
                    EnvironmentVariable(name: "A", value: "\(Int.random(in: 1...2, using: &generator))")),
                .variable(EnvironmentVariable(name: "B", value: "b")),
                .cpuTime([nil, 5000].randomElement(using: &generator) ?? nil), .pidsKill,
                .outputLimit([nil, 4096].randomElement(using: &generator) ?? nil), .outputKill,
            ].filter { _ in Bool.random(using: &generator) }
            var top = PartialProfile()
            for override in overrides { top.state(override.field, override.value, .option(override.option)) }
            let both = below.merged(with: top)
            let byLayers = Profile.problems(of: both, file: "x.yaml").isEmpty
            let profile = try Profile(below, name: "x", file: "x.yaml")
            let byOptions = try? profile.overridden(by: overrides)
            #expect((byOptions != nil) == byLayers, "round \(round)")
            outcomes[byLayers, default: 0] += 1
            guard byLayers, var result = byOptions else { continue }
            var expected = try Profile(both, name: "x", file: "x.yaml")
            expected.environment.sort { $0.name < $1.name }
            result.environment.sort { $0.name < $1.name }
            #expect(result == expected, "round \(round)")
        }
        #expect(outcomes.values.allSatisfy { $0 > 200 } && outcomes.count == 2)
    }

    @Test func `an option over a lock says where it is locked`() throws {
        let text =
            minimalProfile + "locked: [environment, limits.memory, limits.pids_kill, output]\n"
            + "environment: {A: b}\noutput: {kill: true}\n"
        let profile = try Profile.decode(Array(text.utf8), file: "profiles/x.yaml")
        let refusals: [(ProfileOverride, String)] = [
            (.memory(1 << 27), "--memory: limits.memory is locked by profiles/x.yaml:10 and stays 64MiB"),
            (
                .variable(EnvironmentVariable(name: "A", value: "c")),
                "--env: environment.A is locked by profiles/x.yaml:10 and stays \"b\""
            ),
            (
                .variable(EnvironmentVariable(name: "C", value: "c")),
                "--env: environment.C is locked by profiles/x.yaml:10 and stays unset"
            ),
            (
                .pidsKill,
                "--pids-kill: limits.pids_kill is locked by profiles/x.yaml:10 and stays false"
            ),
            (
                .outputLimit(5),
                "--output-limit: output.limit is locked by profiles/x.yaml:10 and stays none"
            ),
        ]
        for (override, says) in refusals {
            let error = #expect(throws: ProfileOverride.Refusal.self) {
                try profile.overridden(by: [override])
            }
            #expect(error?.description == says)
        }
        let same: [ProfileOverride] = [
            .memory(64 << 20), .variable(EnvironmentVariable(name: "A", value: "b")), .outputKill,
            .outputLimit(nil),
        ]
        #expect(try profile.overridden(by: same) == profile)
    }

    @Test func `variables merge by name, in the order in which they were first given`() throws {
        let base = """
            description: x
            environment: {A: "1", B: "2"}
            """
        let lower = try ProfileFile(Array(base.utf8), file: "a.yaml").layer
        let upper = try ProfileFile(Array("environment: {C: c, A: a}".utf8), file: "b.yaml").layer
        let both = lower.merged(with: upper)
        #expect(both.variables.map(\.variable) == ["A", "B", "C"])
        #expect(both[ProfileField(variable: "A")]?.value == .text("a"))
        #expect(both.replaced(ProfileField(variable: "A")).map(\.value) == [.text("1")])
    }
}
