/// What a service tells the service manager of itself: a datagram of lines `NAME=VALUE` (sd_notify(3)).
package struct Notification: Hashable, Sendable {
    /// In their order; names are constants of this file.
    private var fields: [Field]

    private struct Field: Hashable, Sendable { let name, value: String }

    /// Bytes of a status that are told; the manager takes 4096 of a whole datagram.
    package static let mostStatus = 1024

    private init(_ fields: KeyValuePairs<String, String>) {
        self.fields = fields.map { Field(name: $0.key, value: Notification.line($0.value)) }
    }

    /// It serves from now on, and is this process; or what it began with ``reloading(at:)`` is over.
    package static func ready(pid: Int32, status: String) -> Notification {
        Notification(["READY": "1", "MAINPID": "\(pid)", "STATUS": status])
    }

    /// It reads its settings again.
    /// - Parameter microseconds: when it began to, by CLOCK_MONOTONIC.
    package static func reloading(at microseconds: UInt64) -> Notification {
        Notification(["RELOADING": "1", "MONOTONIC_USEC": "\(microseconds)"])
    }

    /// It is about to end.
    package static func stopping(status: String) -> Notification {
        Notification(["STOPPING": "1", "STATUS": status])
    }

    /// Its loop goes round; at least once in each period of the watchdog.
    package static func alive(status: String) -> Notification {
        Notification(["WATCHDOG": "1", "STATUS": status])
    }

    /// One sentence for those who look at it.
    package static func status(_ status: String) -> Notification { Notification(["STATUS": status]) }

    /// The datagram.
    package var bytes: [UInt8] {
        Array(fields.map { "\($0.name)=\($0.value)" }.joined(separator: "\n").utf8)
    }

    /// A value cannot begin another field, whoever's words are in it.
    private static func line(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            let shown = scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar
            count += UTF8.width(shown)
            if count > mostStatus { break }
            result.append(shown)
        }
        return String(result)
    }
}
