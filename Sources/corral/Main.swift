// corral: the command line. Everything is in the library Commands.

import Commands
import Glibc

@main struct Main {
    static func main() {
        exit(CorralCommand.run(Array(CommandLine.arguments.dropFirst())))
    }
}
