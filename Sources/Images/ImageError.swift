import Linux
import Trees

/// Why an image could not be imported, read or removed: one sentence without a full stop.
package struct ImageError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    init(_ what: String, _ error: SystemError) { self.init("\(what): \(error.errno)") }
}

/// Does what may fail in a call, and says what it was for.
func doing<Value: ~Copyable>(
    _ what: @autoclosure () -> String, _ body: () throws(SystemError) -> Value
) throws(ImageError) -> Value {
    do throws(SystemError) {
        return try body()
    } catch {
        throw ImageError("\(what()): \(error.errno)")
    }
}

/// The same for trees.
func inTree<Value: ~Copyable>(
    _ what: @autoclosure () -> String, _ body: () throws(TreeError) -> Value
) throws(ImageError) -> Value {
    do throws(TreeError) {
        return try body()
    } catch {
        throw ImageError("\(what()): \(error)")
    }
}
