import Glibc
import Warden

/// `corral-warden`: launches sandboxes and keeps them, with the privileges for it, for a corrald that has
/// none. Everything is in the library `Warden`.
@main enum Main {
    static func main() {
        exit(WardenProgram.run(Array(CommandLine.arguments.dropFirst())))
    }
}
