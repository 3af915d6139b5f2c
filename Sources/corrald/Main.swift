import Daemon
import Glibc

/// `corrald`: serves the API, without privileges. Everything is in the library `Daemon`.
@main enum Main {
    static func main() {
        exit(DaemonProgram.run(Array(CommandLine.arguments.dropFirst())))
    }
}
