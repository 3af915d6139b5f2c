package import Linux
package import Wire

/// What kept a seccomp policy from becoming a filter.
package enum SeccompError: Error, Hashable, Sendable {
    /// The policy's text is wrong at one place.
    case badPolicy(PolicyProblem)
    /// The filter is longer than the kernel takes (BPF_MAXINSNS, 4096).
    case tooLong(policy: String, instructions: Int)
    /// A policy of no parts.
    case noParts
    case noSuchPolicy(String)
    /// A file could not be read or written.
    case system(SystemError)
}

/// One mistake in a policy file.
package struct PolicyProblem: Hashable, Sendable {
    package var file: String
    package let place: JSONPlace
    /// The way to the value through the file, such as `syscalls[3].args[0].op`; empty for the whole file.
    package let path: String
    /// What was wrong and what was expected.
    package let problem: String
}

extension PolicyProblem: CustomStringConvertible {
    /// For example `strict.json:12:9: syscalls[3].action: there is no action "SCMP_ACT_NO"`.
    package var description: String {
        "\(file):\(place): " + (path.isEmpty ? "" : path + ": ") + problem
    }
}

extension SeccompError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badPolicy(let problem):
            "\(problem)"
        case .tooLong(let policy, let instructions):
            "\(policy): the compiled filter has \(instructions) instructions, and the kernel takes at most "
                + "\(CompiledFilter.maximumInstructions)"
        case .noParts:
            "a seccomp policy needs at least one part, and a list of none was given"
        case .noSuchPolicy(let name):
            "there is no seccomp policy \"\(name)\""
        case .system(let error):
            "\(error)"
        }
    }
}
