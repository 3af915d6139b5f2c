/// One message of the control socket (SOCK_SEQPACKET) between the launcher and the init: eight
/// integers of 64 bits. Descriptors travel beside it.
package struct ControlMessage: Sendable {
    package enum Kind: UInt64, Sendable {
        // To the init.

        /// The id maps are written: build the sandbox. Descriptors: the plan, then what its steps
        /// call handed over, numbered from 0.
        case go = 1
        /// Start a process. Descriptors: the request, then those that ``StartFlags`` say. a: 1 when the
        /// sandbox ends with it, b: those flags, c: columns and d: rows of a new terminal
        case start
        /// Send a signal to a process. a: its number; SIGKILL goes to its whole process group
        case signal
        /// The launcher has the exit of a process; the init may forget it.
        case acknowledge
        /// Say which plans you carry out, and end: asked in place of `go`, outside of any sandbox
        case identify

        // From the init.

        /// The sandbox is built. Descriptors: the listening sockets, in the plan's order; behind them the
        /// master of the terminal, where a is 1. b: one more than the number of the descriptor that the init
        /// keeps for the launcher, or 0
        case ready = 16
        /// a: the pid, as the sandbox sees it. Descriptor: the master of its new terminal, if it has one
        case started
        /// a: CLINUX_STEP_*, b: errno, c: detail
        case startFailed
        /// a: CLD_* code, b: status or signal, c: user time in µs, d: system time in µs, e: peak
        /// resident memory in KiB
        case exited
        /// a: PlanFormat.version
        case identity
    }

    package static let size = 64

    package var kind: Kind
    /// Which process, as numbered by the launcher.
    package var process: UInt64
    package var a: UInt64
    package var b: UInt64
    package var c: UInt64
    package var d: UInt64
    package var e: UInt64

    package init(
        _ kind: Kind, process: UInt64 = 0, a: UInt64 = 0, b: UInt64 = 0, c: UInt64 = 0, d: UInt64 = 0,
        e: UInt64 = 0
    ) {
        self.kind = kind
        self.process = process
        self.a = a
        self.b = b
        self.c = c
        self.d = d
        self.e = e
    }

    /// The words to send.
    package var words: [8 of UInt64] { [kind.rawValue, process, a, b, c, d, e, 0] }

    /// - Returns: nil for words that are not a message.
    package init?(_ words: [8 of UInt64]) {
        guard let kind = Kind(rawValue: words[0]) else { return nil }
        self.init(
            kind, process: words[1], a: words[2], b: words[3], c: words[4], d: words[5], e: words[6])
    }
}

/// What a process is started with, in the order of the descriptors. With no terminal and no streams it
/// would have nothing to write to, which is refused.
package enum StartFlags {
    /// A memory file that becomes its descriptor 3.
    package static let script: UInt64 = 1
    /// Its standard input, which is else the sandbox's /dev/null.
    package static let input: UInt64 = 2
    /// Its standard output and errors.
    package static let streams: UInt64 = 4
    /// No descriptor: it is put on the sandbox's first terminal, which one process can have.
    package static let firstTerminal: UInt64 = 8
    /// No descriptor: it is put on a terminal that is made for it.
    package static let newTerminal: UInt64 = 16

    /// How many descriptors there are, the request among them; 0 for flags that do not go together.
    package static func count(_ flags: UInt64) -> Int {
        let isOnTerminal =
            flags == firstTerminal || flags == newTerminal
            || flags == firstTerminal | script || flags == newTerminal | script
        guard isOnTerminal || flags & ~(script | input) == streams else { return 0 }
        return 1 + (flags & script != 0 ? 1 : 0) + (flags & input != 0 ? 1 : 0) + (isOnTerminal ? 0 : 2)
    }
}

/// One record of the status pipe: 16 bytes. The init writes `begun` before each step and `failed`
/// when one fails, so that the launcher knows where it was even when it was killed.
package struct StatusRecord: Sendable, Hashable {
    package enum Kind: UInt16, Sendable {
        case begun = 1
        case failed
        /// The plan itself cannot be read; `error` is a ``PlanError`` in order of its cases.
        case badPlan
    }

    package static let size = 16

    package var kind: Kind
    /// A ``PlanOperation``, or 0 before the first step.
    package var operation: UInt16
    /// The step's place in the plan.
    package var index: UInt32
    /// The error number.
    package var error: Int32

    package init(_ kind: Kind, operation: UInt16, index: UInt32, error: Int32 = 0) {
        self.kind = kind
        self.operation = operation
        self.index = index
        self.error = error
    }

    package var words: [2 of UInt64] {
        [
            UInt64(kind.rawValue) | UInt64(operation) << 16 | UInt64(index) << 32,
            UInt64(UInt32(bitPattern: error)),
        ]
    }

    /// - Returns: nil for words that are not a record.
    package init?(_ words: [2 of UInt64]) {
        guard let kind = Kind(rawValue: UInt16(truncatingIfNeeded: words[0])) else { return nil }
        self.init(
            kind, operation: UInt16(truncatingIfNeeded: words[0] >> 16),
            index: UInt32(truncatingIfNeeded: words[0] >> 32),
            error: Int32(bitPattern: UInt32(truncatingIfNeeded: words[1])))
    }
}
