/// The command line of `corral-warden`. Corrald writes it, so it is small: no short forms, no defaults that
/// depend on a place.
package struct WardenOptions: Hashable, Sendable {
    package enum Socket: Hashable, Sendable {
        /// To be made there, for the served user alone.
        case path(String)
        /// A listening socket that the caller has opened, by its number.
        case descriptor(Int32)
    }

    package var socket: Socket
    /// The uid that is served besides root; nil for the warden's own.
    package var allowedUID: UInt32?
    /// One warden at a time has it.
    package var state: String?
    /// `json`, `text`, or `auto` for text on a terminal.
    package var logFormat = "auto"
    /// Where profiles are looked up, in this order; none for the installation's.
    package var profiles: [String] = []
    /// The ids that sandboxes get, two each; nil for the default.
    package var ids: ClosedRange<UInt64>?
    /// How many network namespaces are kept ready; the benchmarks compare with 0.
    package var readyNetworks = NetworkPool.most
    /// `--ceiling KEY=VALUE`, in their order.
    package var ceilings: [(key: String, value: String)] { pairs.map { ($0.key, $0.value) } }

    private struct Pair: Hashable { let key, value: String }
    private var pairs: [Pair] = []

    /// A word that is not understood, as the sentence to show.
    package struct Problem: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    package static let usage = """
        usage: corral-warden (--socket PATH | --socket-fd N) [--allow-uid UID] [--state DIR]
                             [--log-format auto|json|text] [--ceiling KEY=VALUE]... [--profiles DIR]...
                             [--uids FIRST-LAST] [--ready-networks N]
        """

    package init(_ words: [String]) throws(Problem) {
        var rest = words[...]
        var socket: Socket?
        while let option = rest.popFirst() {
            func value() throws(Problem) -> String {
                guard let value = rest.popFirst(), !value.isEmpty else {
                    throw Problem(description: "\(option) needs a value")
                }
                return value
            }
            func number(_ most: UInt32) throws(Problem) -> UInt32 {
                let text = try value()
                guard let number = UInt32(text), number <= most else {
                    throw Problem(description: "\(option) must be a number up to \(most), not \(text)")
                }
                return number
            }
            switch option {
            case "--socket", "--socket-fd":
                if socket != nil { throw Problem(description: "one of --socket and --socket-fd, once") }
                socket = option == "--socket" ? .path(try value()) : .descriptor(Int32(try number(1 << 20)))
            case "--allow-uid": allowedUID = try number(.max - 1)
            case "--state": state = try value()
            case "--log-format":
                logFormat = try value()
                guard ["auto", "json", "text"].contains(logFormat) else {
                    throw Problem(description: "--log-format must be auto, json or text, not \(logFormat)")
                }
            case "--profiles":
                let path = try value()
                guard path.hasPrefix("/") else {
                    throw Problem(description: "--profiles must be an absolute path, not \(path)")
                }
                profiles.append(path)
            case "--uids": ids = try WardenOptions.range(try value())
            case "--ready-networks": readyNetworks = Int(try number(UInt32(NetworkPool.most)))
            case "--ceiling":
                let parts = try value().split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[0].isEmpty else {
                    throw Problem(description: "--ceiling must be KEY=VALUE")
                }
                pairs.append(Pair(key: String(parts[0]), value: String(parts[1])))
            default: throw Problem(description: "unknown option \(option)\n\(WardenOptions.usage)")
            }
        }
        guard let socket else { throw Problem(description: "--socket is missing\n\(WardenOptions.usage)") }
        self.socket = socket
    }

    private static func range(_ text: String) throws(Problem) -> ClosedRange<UInt64> {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt32($0) }
        guard parts.count == 2, let first = parts[0], let last = parts[1], first < last else {
            throw Problem(description: "--uids must be FIRST-LAST, not \(text)")
        }
        return UInt64(first)...UInt64(last)
    }
}
