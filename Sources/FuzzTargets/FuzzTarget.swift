/// One way into code that reads bytes of somebody else's, and what has to hold whatever the bytes are.
///
/// `make fuzz` gives it bytes that libFuzzer invents, and `swift test` what is kept below `Fuzz/`: the same
/// function judges both. Beside what it checks itself, nothing may trap, and the address sanitizer must
/// find nothing.
package struct FuzzTarget: Sendable {
    /// As `make fuzz FUZZ=` takes it, and the name of its directories below `Fuzz/`.
    package let name: String
    /// The longest input that is of use, in bytes.
    package let longest: Int
    private let check: @Sendable ([UInt8]) throws(FuzzFailure) -> Void

    package init(
        _ name: String, longest: Int = 4096,
        _ check: @escaping @Sendable ([UInt8]) throws(FuzzFailure) -> Void
    ) {
        self.name = name
        self.longest = longest
        self.check = check
    }

    /// - Throws: for bytes that were not treated as they have to be.
    package func run(_ bytes: [UInt8]) throws(FuzzFailure) { try check(bytes) }

    /// Every target; docs/fuzzing.md says what each reads and checks.
    package static let all = [
        FuzzTarget("frames", longest: 8192, checkFrames),
        FuzzTarget("json", checkJSON),
        FuzzTarget("rpc", checkConversation),
        FuzzTarget("plugin-host", checkPluginHost),
        FuzzTarget("manifest", checkManifest),
        FuzzTarget("profile", checkProfile),
        FuzzTarget("plan-file", checkPlanFile),
        FuzzTarget("image", checkImage),
        FuzzTarget("seccomp", checkPolicy),
        FuzzTarget("stored", checkStored),
        FuzzTarget("filter-file", checkFilterFile),
        FuzzTarget("rules-file", longest: 16384, checkRulesFile),
        FuzzTarget("plan", checkPlan),
        FuzzTarget("control", longest: 512, checkControl),
        FuzzTarget("names", longest: 512, checkNames),
        FuzzTarget("options", longest: 1024, checkOptions),
        FuzzTarget("env-file", checkEnvironmentFile),
        FuzzTarget("kernel-text", checkKernelText),
        FuzzTarget("oci", checkImageFormats),
        FuzzTarget("apt", checkAptSources),
        FuzzTarget("layer", longest: 16384, checkLayer),
        FuzzTarget("zip-directory", longest: 2048, checkZipDirectory),
        FuzzTarget("attached", checkAttached),
        FuzzTarget("times", checkTimes),
        FuzzTarget("warden", checkWarden),
        FuzzTarget("body", checkBody),
        FuzzTarget("http-answer", checkAnswer),
        FuzzTarget("event-stream", longest: 1024, checkEvents),
        FuzzTarget("settings", checkSettings),
        FuzzTarget("listing", longest: 256, checkListing),
        FuzzTarget("session-words", longest: 512, checkSessionWords),
        FuzzTarget("workspace", longest: 4200, checkWorkspace),
        FuzzTarget("tokens", longest: 256, checkTokens),
        FuzzTarget("audit-lines", checkAuditLines),
    ]

    /// Has a bug on purpose, so that one can see that the machinery finds it and says so. Not in ``all``.
    package static let planted = FuzzTarget("planted") { (bytes) throws(FuzzFailure) in
        try hold(!bytes.starts(with: "bug".utf8), "the planted bug was found")
    }
}

/// Something that has to hold for every input, and did not for this one.
package struct FuzzFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// - Throws: unless `condition` holds; `what` says what was wrong.
func hold(_ condition: Bool, _ what: @autoclosure () -> String) throws(FuzzFailure) {
    if !condition { throw FuzzFailure(what()) }
}

/// Numbers that follow from a seed alone (SplitMix64), so that an input does the same each time.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    /// From 1 to `most`.
    mutating func upTo(_ most: Int) -> Int { 1 + Int(next() % UInt64(max(1, most))) }
}
