import CSeccomp
import Wire

/// A seccomp policy as its files say it: Docker's and OCI's JSON, reduced to what applies to this
/// machine and to a sandbox without capabilities.
///
/// For one system call, a rule with conditions goes before a rule without: the latter says what
/// happens *otherwise*. A call that no rule decides gets the default action.
package struct Policy: Hashable, Sendable {
    /// The names of its parts, for messages.
    var name: String
    var defaultAction: Action
    var rules: [Rule]
}

/// One entry of `syscalls`.
struct Rule: Hashable, Sendable {
    struct Name: Hashable, Sendable {
        var text: String
        var file: String
        var place: JSONPlace
        /// Such as `syscalls[3].names[0]`.
        var path: String
    }

    var names: [Name]
    var action: Action
    /// All must hold; empty for a rule without conditions. At most one per argument.
    var conditions: [Condition]
    var comment: String?
}

/// What becomes of a call (seccomp(2), "SECCOMP_RET_").
enum Action: Hashable, Sendable {
    case allow
    /// The call is not made and fails with this errno; 0 makes it succeed without being made.
    case errno(UInt16)
    case killProcess
    case killThread
    /// SIGSYS to the thread, which may handle it.
    case trap
    /// The call is made and written to the audit log.
    case log

    /// libseccomp's number, the kernel's as well.
    var number: UInt32 {
        switch self {
        case .allow: UInt32(SCMP_ACT_ALLOW)
        case .errno(let code): 0x0005_0000 | UInt32(code)
        case .killProcess: UInt32(SCMP_ACT_KILL_PROCESS)
        case .killThread: UInt32(SCMP_ACT_KILL_THREAD)
        case .trap: UInt32(SCMP_ACT_TRAP)
        case .log: UInt32(SCMP_ACT_LOG)
        }
    }
}

/// A comparison of one argument, as 64-bit unsigned numbers.
struct Condition: Hashable, Sendable {
    enum Test: Hashable, Sendable {
        case notEqual(UInt64)
        case less(UInt64)
        case lessOrEqual(UInt64)
        case equal(UInt64)
        case greaterOrEqual(UInt64)
        case greater(UInt64)
        /// The bits of `mask` have the values they have in `bits`.
        case masked(mask: UInt64, bits: UInt64)
    }

    /// Which argument, from 0 to 5.
    var argument: UInt32
    var test: Test
}

extension Condition.Test {
    /// Whether a value passes.
    func holds(for value: UInt64) -> Bool {
        switch self {
        case .notEqual(let other): value != other
        case .less(let bound): value < bound
        case .lessOrEqual(let bound): value <= bound
        case .equal(let other): value == other
        case .greaterOrEqual(let bound): value >= bound
        case .greater(let bound): value > bound
        case .masked(let mask, let bits): value & mask == bits
        }
    }

    /// Whether no value passes.
    var isImpossible: Bool {
        switch self {
        case .less(let bound): bound == 0
        case .greater(let bound): bound == .max
        case .masked(let mask, let bits): bits & ~mask != 0
        case .notEqual, .lessOrEqual, .equal, .greaterOrEqual: false
        }
    }

    /// Whether it is certain that no value passes both. False may mean that it is only not certain.
    func excludes(_ other: Self) -> Bool {
        if !range.overlaps(other.range) { return true }
        let (mine, theirs) = (knownBits, other.knownBits)
        if mine.mask & theirs.mask & (mine.bits ^ theirs.bits) != 0 { return true }
        return switch (self, other) {
        case (.equal(let a), .notEqual(let b)), (.notEqual(let a), .equal(let b)): a == b
        default: false
        }
    }

    /// A range that holds every value that passes, none being impossible.
    private var range: ClosedRange<UInt64> {
        switch self {
        case .notEqual: 0...UInt64.max
        case .less(let bound): 0...(bound &- 1)
        case .lessOrEqual(let bound): 0...bound
        case .equal(let value): value...value
        case .greaterOrEqual(let bound): bound...UInt64.max
        case .greater(let bound): (bound == .max ? bound : bound + 1)...UInt64.max
        case .masked(let mask, let bits): bits...(bits | ~mask)
        }
    }

    private var knownBits: (mask: UInt64, bits: UInt64) {
        switch self {
        case .equal(let value): (.max, value)
        case .masked(let mask, let bits): (mask, bits)
        default: (0, 0)
        }
    }
}

extension Rule {
    /// Whether it is certain that no call fulfils both rules' conditions.
    func excludes(_ other: Rule) -> Bool {
        conditions.contains { mine in
            other.conditions.contains { $0.argument == mine.argument && $0.test.excludes(mine.test) }
        }
    }
}
