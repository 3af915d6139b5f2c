import Client
import Configuration
import Glibc

/// How commands come to the daemon that they ask.
enum DaemonAccess {
    /// For every command about something of a tenant's.
    static let options =
        [
            Command.Option(
                "tenant", value: "NAME", help: "whose it is, for administrators (default: one's own)")
        ]
        + ConfigCommand.options
    static let allTenants = Command.Option(
        "all-tenants", short: "A", help: "everybody's, for administrators")

    /// A client of the daemon that the options, variables and files mean.
    /// - Parameter arguments: of a command that has `ConfigCommand.options`.
    static func client(_ arguments: Arguments) throws(CommandError) -> DaemonClient {
        DaemonClient(try address(arguments))
    }

    /// And whose things are meant there.
    static func address(_ arguments: Arguments) throws(CommandError) -> DaemonAddress {
        DaemonAddress(try socket(arguments), tenant: arguments.value("tenant"))
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
