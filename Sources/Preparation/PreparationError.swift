/// Why a launch could not be prepared, as the sentence to show.
package struct PreparationError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
