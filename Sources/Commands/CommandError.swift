import Preparation

/// A command that failed, with the sentence to print.
struct CommandError: Error, Hashable, CustomStringConvertible {
    let description: String
    /// The exit code of `corral run`; other commands have one of their own.
    let code: Int32

    init(_ description: String, code: Int32 = ExitCode.ours) {
        self.description = description
        self.code = code
    }
}

/// The value of what the library `Preparation` does, whose error becomes the command's.
@inline(__always)
func prepared<Value: ~Copyable>(
    _ body: @autoclosure () throws(PreparationError) -> Value
) throws(CommandError) -> Value {
    do throws(PreparationError) {
        return try body()
    } catch {
        throw CommandError(error.description)
    }
}
