package import Sandbox

/// Something that a process in a sandbox tries, or comes to.
package enum Event: Hashable, Sendable {
    case systemCall(SystemCallEvent)
    case path(PathEvent)
    case tcp(TCPEvent)
    case limit(LimitEvent)
}

/// A system call of this machine's own architecture.
package struct SystemCallEvent: Hashable, Sendable {
    package let number: Int32
    /// At most six; missing ones count as 0.
    package let arguments: [UInt64]

    package init(number: Int32, arguments: [UInt64] = []) {
        self.number = number
        self.arguments = arguments
    }
}

/// A use of a file, as a program does it with the C library.
package struct PathEvent: Hashable, Sendable {
    package enum Access: String, CaseIterable, Sendable {
        /// Opening a file to read it, or a directory to list it.
        case read
        /// Opening what is there to write to it.
        case write
        case execute = "exec"
        /// Opening a file to write to it, and making it where it is not there.
        case create
        case truncate
        /// Removing a name: unlink, or rmdir for a directory.
        case remove
    }

    /// Absolute, as seen inside; may go through links.
    package let path: String
    package let access: Access

    package init(_ path: String, _ access: Access) throws(ValueError) {
        guard path.utf8.first == UInt8(ascii: "/") else {
            throw ValueError("\(quoted(path)) is not an absolute path; expected one that starts with /")
        }
        if path.utf8.contains(0) { throw ValueError("\(quoted(path)) holds a NUL byte; expected a path") }
        let last = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last
        let isDots = last.map { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) } ?? false
        if path.utf8.count > 1, isDots || last?.isEmpty ?? true {
            throw ValueError("\(quoted(path)) ends with /, . or ..; expected a name at its end")
        }
        self.path = path
        self.access = access
    }
}

/// A TCP socket put to use.
package enum TCPEvent: Hashable, Sendable {
    case connect(IPAddress, port: UInt16)
    case bind(IPAddress, port: UInt16)
    /// To a host by its name.
    case connectByName(String, port: UInt16)
}

/// An amount of something that is limited.
package struct LimitEvent: Hashable, Sendable {
    /// Such as `limits.memory`.
    package let key: ProfileKey
    /// In the unit of the key's values; nil for any amount, which a limit of `none` alone allows.
    package let amount: UInt64?

    /// - Throws: for a key that limits nothing.
    package init(_ key: ProfileKey, _ amount: UInt64?) throws(ValueError) {
        guard LimitEvent.keys.contains(key) else {
            throw ValueError("\(key.rawValue) is not a limit")
        }
        self.key = key
        self.amount = amount
    }

    /// Every key that is a limit of what processes do.
    package static let keys: [ProfileKey] = [
        .memory, .swap, .pids, .cpus, .cpuTime, .openFiles, .fileSize, .stack, .workspaceBytes,
        .workspaceFiles,
        .timeout, .outputLimit, .relayFrame, .relayConnections, .relayRate, .relayBurst, .relayBytes,
        .relayInFlight, .relayDeadline, .relayRegistration,
    ]
}
