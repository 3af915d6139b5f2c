/// Something that a plugin says or does otherwise than documented: what, and where.
package struct Finding: Hashable, Sendable {
    /// The message or the part of a test that it is about, such as `visitor_panel/render`.
    package let subject: String
    /// Where in the message, such as `result.data.items[0].template`; empty for all of it.
    package let path: String
    /// What is wrong and what was expected.
    package let problem: String

    package init(_ subject: String, _ path: String, _ problem: String) {
        self.subject = subject
        self.path = path
        self.problem = problem
    }

    package init(_ subject: String, _ problem: String) { self.init(subject, "", problem) }
}

extension Finding: CustomStringConvertible {
    package var description: String {
        path.isEmpty ? "\(subject): \(problem)" : "\(subject): \(path): \(problem)"
    }
}

/// What was found so far. A plugin can be wrong in a million places: the first ones are kept.
package struct Findings: Hashable, Sendable {
    /// The most that are kept of each kind.
    static let most = 100

    /// What makes the test fail.
    package private(set) var list: [Finding] = []
    /// What works, and is worth a look.
    package private(set) var warnings: [Finding] = []
    /// Those of ``list`` that there is no room for.
    package private(set) var dropped = 0

    package init() {}

    package var isFull: Bool { list.count >= Self.most }

    package mutating func add(_ finding: Finding) {
        if list.contains(finding) { return }
        if isFull { dropped += 1 } else { list.append(finding) }
    }

    package mutating func warn(_ finding: Finding) {
        if warnings.count < Self.most, !warnings.contains(finding) { warnings.append(finding) }
    }
}
