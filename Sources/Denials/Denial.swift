package import Linux

/// Why a sandbox refuses an event. What is allowed has none.
package struct Denial: Hashable, Sendable {
    /// The part of a sandbox that refuses.
    package enum Source: String, CaseIterable, Sendable {
        case seccomp
        /// What the root has, and how it is mounted.
        case mounts
        case landlock
        case network
        case capabilities
        case session
        case limit
    }

    /// What the program sees of it.
    package enum Effect: Hashable, Sendable {
        case errno(Errno)
        /// The call does nothing and says that it succeeded.
        case success
        /// SIGSYS, SIGXFSZ, SIGSEGV: a number of signal(7).
        case signal(Int32)
        /// A signal of the process or of one of its threads, and what becomes of the sandbox.
        case ends(String)
        /// Neither an error nor an end.
        case other(String)
    }

    package let source: Source
    package let rule: Rule
    package let effect: Effect
    /// The smallest change that would allow it, as a sentence.
    package let cure: String

    /// A rule and where it is written.
    package struct Rule: Hashable, Sendable {
        package let text: String
        /// Such as `profiles/default.yaml:12`; nil for what holds in every sandbox.
        package let origin: String?

        package init(_ text: String, _ origin: String? = nil) {
            self.text = text
            self.origin = origin
        }
    }
}

extension Denial.Effect: CustomStringConvertible {
    package var description: String {
        switch self {
        case .errno(let errno): "\(errno)"
        case .success: "success, though nothing was done"
        case .signal(let number): "signal \(number)"
        case .ends(let text), .other(let text): text
        }
    }
}

/// What was decided about an event, layer by layer, in the order in which the kernel asks them.
package struct Explanation: Hashable, Sendable {
    /// One rule's say.
    package struct Step: Hashable, Sendable {
        package enum Verdict: Hashable, Sendable {
            case allows
            case denies(Denial)
            /// Says where the event goes, or what the rules do not decide.
            case notes
        }
        package let source: Denial.Source
        package let rule: Denial.Rule
        package let verdict: Verdict
    }

    package private(set) var steps: [Step] = []

    package init() {}

    /// The first refusal; nil when the event is allowed.
    package var denial: Denial? {
        for case .denies(let denial) in steps.map(\.verdict) { return denial }
        return nil
    }

    // MARK: Making one

    mutating func append(_ other: Explanation) { steps += other.steps }

    mutating func allow(_ source: Denial.Source, _ text: String, _ origin: String? = nil) {
        steps.append(Step(source: source, rule: Denial.Rule(text, origin), verdict: .allows))
    }

    mutating func note(_ source: Denial.Source, _ text: String, _ origin: String? = nil) {
        steps.append(Step(source: source, rule: Denial.Rule(text, origin), verdict: .notes))
    }

    mutating func deny(
        _ source: Denial.Source, _ text: String, _ origin: String? = nil, _ effect: Denial.Effect,
        cure: String
    ) {
        let rule = Denial.Rule(text, origin)
        let denial = Denial(source: source, rule: rule, effect: effect, cure: cure)
        steps.append(Step(source: source, rule: rule, verdict: .denies(denial)))
    }
}
