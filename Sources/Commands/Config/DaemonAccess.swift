import Client
import Configuration
import Glibc

/// How commands come to the daemon that they ask.
enum DaemonAccess {
    /// A client of the daemon that the options, variables and files mean.
    /// - Parameter arguments: of a command that has `ConfigCommand.options`.
    static func client(_ arguments: Arguments) throws(CommandError) -> DaemonClient {
        DaemonClient(path: try socket(arguments))
    }

    static func socket(_ arguments: Arguments) throws(CommandError) -> String {
        let settings = try ConfigCommand.load(arguments, isAboutIt: false).settings
        let candidates = DaemonSocket.candidates(settings) {
            // What of root's files cannot be read is as built in.
            LoadedSettings.load(place: .system, environment: []).settings
        }
        return DaemonSocket.choose(candidates) { unsafe access($0, F_OK) == 0 }
    }
}
