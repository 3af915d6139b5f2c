import Glibc
import Unpack

/// `corral-unpack` as a process: archives to trees, in a sandbox of its own. Everything is in the
/// library `Unpack`.
@main
enum Main {
    static func main() {
        exit(UnpackProgram.run(Array(CommandLine.arguments.dropFirst())))
    }
}
