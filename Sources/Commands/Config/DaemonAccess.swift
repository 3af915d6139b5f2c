import Client
import Configuration
import Glibc
import Linux
import Network
import Sandbox

/// How commands come to the daemon that they ask.
enum DaemonAccess {
    /// Which daemon it is, and by what one is known there.
    static let place =
        [
            Command.Option(
                "host", value: "ADDRESS",
                help: "the daemon at tcp://ADDRESS:PORT or unix:///PATH (default: CORRAL_HOST)"),
            Command.Option(
                "token-file", value: "FILE", help: "the token to show it (default: what CORRAL_TOKEN holds)",
                kind: .file),
        ] + ConfigCommand.options
    /// For every command about something of a tenant's.
    static let options =
        [
            Command.Option(
                "tenant", value: "NAME", help: "whose it is, for administrators (default: one's own)")
        ]
        + place
    static let allTenants = Command.Option(
        "all-tenants", short: "A", help: "everybody's, for administrators")

    /// A client of the daemon that the options, variables and files mean.
    /// - Parameter arguments: of a command that has ``place``.
    static func client(_ arguments: Arguments) throws(CommandError) -> DaemonClient {
        DaemonClient(try address(arguments))
    }

    /// And whose things are meant there.
    static func address(_ arguments: Arguments) throws(CommandError) -> DaemonAddress {
        let token = try token(arguments)
        let place: DaemonAddress.Place
        if let host = try host(arguments) { place = host } else { place = .path(try socket(arguments)) }
        if case .network(let address) = place, token == nil {
            throw CommandError(
                "\(address) asks for a token: put one into CORRAL_TOKEN, or name a file with --token-file")
        }
        return DaemonAddress(place, tenant: arguments.value("tenant"), token: token)
    }

    static func socket(_ arguments: Arguments) throws(CommandError) -> String {
        let settings = try ConfigCommand.load(arguments, isAboutIt: false).settings
        let candidates = DaemonSocket.candidates(settings) {
            // What of root's files cannot be read is as built in.
            LoadedSettings.load(place: .system, environment: []).settings
        }
        return DaemonSocket.choose(candidates) { unsafe access($0, F_OK) == 0 }
    }

    // MARK: Parts

    /// Nil where none is named.
    private static func host(_ arguments: Arguments) throws(CommandError) -> DaemonAddress.Place? {
        let isGiven = arguments.value("host") != nil
        guard let text = arguments.value("host") ?? variable("CORRAL_HOST") else { return nil }
        let source = isGiven ? "--host" : "CORRAL_HOST"
        if arguments.value("state") != nil || !arguments.all("set").isEmpty {
            // The variable is of the whole shell, the option of this call.
            if !isGiven { return nil }
            throw CommandError("--host names the daemon already; --state and --set name one of this machine")
        }
        if text.hasPrefix("unix:///") { return .path(String(text.dropFirst("unix://".utf8.count))) }
        guard text.hasPrefix("tcp://"),
            let address = TCPAddress(String(text.dropFirst("tcp://".utf8.count))),
            address.port != 0
        else {
            throw CommandError(
                "\(source): \(quoted(text)) is no place of a daemon; expected such as tcp://127.0.0.1:7070, "
                    + "tcp://[::1]:7070 or unix:///run/corral/corral.sock, with an address and no name")
        }
        return .network(address)
    }

    /// Never in the message of an error.
    private static func token(_ arguments: Arguments) throws(CommandError) -> String? {
        let file = arguments.value("token-file")
        let text: String
        if let file {
            do throws(SystemError) {
                let bytes = try FileDescriptor.open(file, O_RDONLY).readAll(limit: 4096)
                text = String(decoding: bytes, as: UTF8.self)
            } catch {
                throw CommandError("--token-file: \(file) cannot be read: \(error.errno)")
            }
        } else {
            guard let value = variable("CORRAL_TOKEN") else { return nil }
            text = value
        }
        var bytes = Array(text.utf8)
        while let last = bytes.last, [0x0A, 0x0D, 0x20].contains(last) { bytes.removeLast() }
        guard bytes.starts(with: "corral_".utf8), bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CommandError(
                "\(file.map { "--token-file: \($0)" } ?? "CORRAL_TOKEN") holds no token; expected one that corral token "
                    + "create has printed, which begins with corral_")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// One that is set to nothing is as if it were not there.
    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}
