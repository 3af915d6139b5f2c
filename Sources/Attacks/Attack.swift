// What an attack is, as a value: what is tried, what must become of it in every profile, and how it
// is shown that it would succeed without the layers that stop it.

package import Sandbox

/// One thing that hostile code tries. The cases and their ids are those of the security reference.
package struct Attack: Sendable, CustomStringConvertible {
    /// The case that it belongs to, such as `A02`; its letter is the area. `A/28` is an assertion of the past
    /// breaks, 28, in that area.
    package let group: String
    /// Its own name: unique, and that of an attempt of the `attacker` program where that makes it.
    package let name: String
    /// What is tried, in a few words that need no other text.
    package let what: String
    package let method: Method
    package let expected: Expectation
    package let control: Control
    /// The layers that stop it, strongest first. Each alone must do, where there are several.
    package let stoppedBy: [Layer]
    /// The same for what is no layer.
    package let mechanisms: [Mechanism]

    /// How it is made.
    package enum Method: Sendable {
        /// By an attempt of the `attacker` program that leaves a sandbox as it was: all of these share
        /// one sandbox, each in a process of its own.
        case attempt
        /// By an attempt that needs a sandbox to itself, because it ends or fills it.
        /// - Parameter options: further ones for `corral run`, as `["--memory", "64MiB"]`.
        case alone(options: [String])
        /// By a function of its own, with whatever it needs on the host.
        case scene(@Sendable (Cage, Stage) throws -> Answer)
    }

    /// What it must answer without what stops it: an attack that never works proves nothing.
    package enum Control: Sendable {
        /// In no sandbox: root with every capability in namespaces of its own.
        case bare(Expectation = "succeeded")
        /// In a sandbox of the `default` profile without exactly this.
        case without(Ablation, Expectation = "succeeded")
        /// Cannot be shown on any host, and why.
        case none(String)
    }

    package init(
        _ group: String, _ name: String, _ what: String, method: Method = .attempt,
        expected: Expectation, control: Control = .bare(), stoppedBy: [Layer],
        mechanisms: [Mechanism] = []
    ) {
        self.group = group
        self.name = name
        self.what = what
        self.method = method
        self.expected = expected
        self.control = control
        self.stoppedBy = stoppedBy
        self.mechanisms = mechanisms
    }

    /// `A`, `B`, `D`, `E` or `J`.
    package var area: String { String(group.prefix(1)) }

    package var description: String { "\(group) \(name)" }
}

/// What an attack came to.
package struct Answer: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// `succeeded`, the name of an error (`EPERM`), that of the signal that ended the attempt
    /// (`SIGSYS`), `no end` after 15 s, or words of the attempt's own. For an attempt that ended its
    /// sandbox: the cause and exit code that `corral run` reports, as `memory 137`.
    package var text: String

    package init(_ text: String) { self.text = text }
    package init(stringLiteral text: String) { self.text = text }
    package var description: String { text }
}

/// The answers that are right: one word or several, which some profiles may have otherwise. One that ends
/// in `*` stands for every answer that begins like it.
package struct Expectation: Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    private var everywhere: Set<String>
    private var exceptions: [String: Set<String>] = [:]

    package init(stringLiteral answer: String) { everywhere = [answer] }
    /// Any of these, for answers that depend on the kernel's version.
    package init(arrayLiteral answers: String...) { everywhere = Set(answers) }

    /// Any of these, for what follows it: `.any("EPERM").but(in: "strict", "ENOSYS")`.
    package static func any(_ answers: String...) -> Expectation {
        var expectation: Expectation = ""
        expectation.everywhere = Set(answers)
        return expectation
    }

    /// Other answers where the kernel has landlock of this ABI (6.7 has 4, 6.12 has 6) than before.
    package static func since(
        landlock abi: Int32, _ answers: Set<String>, before: Set<String>
    ) -> Expectation {
        var expectation: Expectation = ""
        expectation.everywhere = Attack.landlockABI >= abi ? answers : before
        return expectation
    }

    /// The same with other answers in some profiles.
    package func but(in profiles: [String], _ answers: String...) -> Expectation {
        var changed = self
        for profile in profiles { changed.exceptions[profile] = Set(answers) }
        return changed
    }

    /// The same with other answers in one profile.
    package func but(in profile: String, _ answers: String...) -> Expectation {
        var changed = self
        changed.exceptions[profile] = Set(answers)
        return changed
    }

    /// - Parameter profile: nil outside of any sandbox.
    package func answers(in profile: String?) -> Set<String> {
        profile.flatMap { exceptions[$0] } ?? everywhere
    }

    package func allows(_ answer: Answer, in profile: String?) -> Bool {
        answers(in: profile).contains { text in
            text.hasSuffix("*") ? answer.text.hasPrefix(text.dropLast()) : answer.text == text
        }
    }
}
