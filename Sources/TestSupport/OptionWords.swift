/// The command line of a test program: options that have one value each.
package struct OptionWords {
    /// A wrong command line.
    package struct Problem: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// An option and what was given for it.
    package struct Option {
        package let name: String
        package let text: String

        /// - Throws: ``Problem`` for what is no such number.
        package func number<Value: LosslessStringConvertible>() throws(Problem) -> Value {
            guard let value = Value(text) else {
                throw Problem(description: "\(name): \(text) is no number")
            }
            return value
        }

        /// - Throws: ``Problem`` for anything but `yes` and `no`.
        package func flag() throws(Problem) -> Bool {
            guard ["yes", "no"].contains(text) else {
                throw Problem(description: "\(name): yes or no was expected, not \(text)")
            }
            return text == "yes"
        }

        package var unknown: Problem { Problem(description: "unknown option \(name)") }
    }

    private var rest: ArraySlice<String>

    package init(_ words: ArraySlice<String>) { rest = words }

    /// The next option; nil when there are no more.
    /// - Throws: ``Problem`` for one without a value.
    package mutating func next() throws(Problem) -> Option? {
        guard let name = rest.popFirst() else { return nil }
        guard let text = rest.popFirst() else { throw Problem(description: "\(name) needs a value") }
        return Option(name: name, text: text)
    }
}
