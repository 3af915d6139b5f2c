/// What is wrong with a body: which member, what was expected there, and what it is.
package struct FieldProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// The member's path, such as `limits.memory` or `argv[3]`; empty for the body itself.
    package let field: String
    package let message: String
    package let hint: String?

    package init(_ field: String, _ message: String, hint: String? = nil) {
        self.field = field
        self.message = message
        self.hint = hint
    }

    package var description: String {
        (field.isEmpty ? "" : "\(field): ") + message + (hint.map { "; \($0)" } ?? "")
    }
}
