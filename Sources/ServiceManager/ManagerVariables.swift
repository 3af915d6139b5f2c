/// What a service manager has put into the environment of a service that it started (sd_notify(3),
/// sd_watchdog_enabled(3), sd_listen_fds(3)), as values. Reads nothing by itself.
package struct ManagerVariables: Hashable, Sendable {
    /// Where the manager wants to be told.
    package var notify: NotifyAddress?
    /// How long it waits for a sign of life, in microseconds.
    package var watchdog: UInt64?
    /// Sockets that it has opened, as descriptors 3 and following.
    package var sockets: [PassedSocket] = []

    /// All that are read, and taken out of the environment: they are for one process and none of its children.
    package static let names = [
        "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
    ]

    /// The first descriptor that is passed (SD_LISTEN_FDS_START).
    static let firstDescriptor: Int32 = 3
    /// More than any unit of ours has.
    static let mostSockets: Int32 = 64

    /// - Parameters:
    ///   - pid: of the process that asks; what is another's is as if it were not there.
    ///   - variable: looks up a variable of the environment.
    package init(pid: Int32, variable: (String) -> String?) throws(ManagerProblem) {
        notify = try variable("NOTIFY_SOCKET").map { (text) throws(ManagerProblem) in
            try NotifyAddress(text)
        }
        if let text = variable("WATCHDOG_USEC"), isFor(pid, variable("WATCHDOG_PID") ?? "\(pid)") {
            guard let number = UInt64(text), number > 0 else {
                throw ManagerProblem("WATCHDOG_USEC is \(quoted(text)); expected a number of microseconds")
            }
            watchdog = number
        }
        guard let owner = variable("LISTEN_PID"), isFor(pid, owner) else { return }
        let text = variable("LISTEN_FDS") ?? ""
        guard let count = Int32(text), (0...Self.mostSockets).contains(count) else {
            throw ManagerProblem(
                "LISTEN_FDS is \(quoted(text)); expected a number of sockets up to \(Self.mostSockets)")
        }
        let names = variable("LISTEN_FDNAMES").map {
            $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
        if let names, names.count != count {
            throw ManagerProblem("LISTEN_FDNAMES has \(names.count) names for \(count) sockets")
        }
        sockets = (0..<count).map {
            PassedSocket(number: Self.firstDescriptor + $0, name: names?[Int($0)] ?? "unknown")
        }
    }
}

/// Where datagrams for the manager go.
package enum NotifyAddress: Hashable, Sendable {
    case path(String)
    /// Of the abstract namespace (unix(7)), without the zero before it.
    case abstract(String)

    /// What sun_path has room for.
    static let mostBytes = 107

    package init(_ text: String) throws(ManagerProblem) {
        let count = text.utf8.count
        guard (2...NotifyAddress.mostBytes).contains(count), !text.utf8.contains(0) else {
            throw ManagerProblem(NotifyAddress.expected(text))
        }
        if text.hasPrefix("/") {
            self = .path(text)
        } else if text.hasPrefix("@") {
            self = .abstract(String(text.dropFirst()))
        } else {
            throw ManagerProblem(NotifyAddress.expected(text))
        }
    }

    private static func expected(_ text: String) -> String {
        "NOTIFY_SOCKET is \(quoted(text)); expected an absolute path or @NAME of at most \(mostBytes) bytes"
    }

    /// sun_path: without a zero at the end.
    package var bytes: [UInt8] {
        switch self {
        case .path(let path): Array(path.utf8)
        case .abstract(let name): [0] + Array(name.utf8)
        }
    }
}

/// A socket that a manager has opened for a service, not looked at yet.
package struct PassedSocket: Hashable, Sendable {
    package let number: Int32
    /// `FileDescriptorName=` of the unit.
    package let name: String

    package init(number: Int32, name: String) {
        self.number = number
        self.name = name
    }
}

/// Something that a service manager passed and that cannot be used, as the sentence to show.
package struct ManagerProblem: Error, Hashable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

private func isFor(_ pid: Int32, _ text: String) -> Bool { Int32(text) == pid }

/// Of a length that fits a line of a log.
private func quoted(_ text: String) -> String {
    "\"\(String(text.unicodeScalars.prefix(120).map { $0.value < 0x20 ? " " : Character($0) }))\""
}
