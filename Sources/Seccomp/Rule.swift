import CSeccomp
import Glibc
package import Wire

/// What an entry of `syscalls` says.
package struct Rule: Hashable, Sendable {
    package struct Name: Hashable, Sendable {
        package var text: String
        package var place: JSONPlace
        /// Such as `syscalls[3].names[0]`.
        package var path: String
    }

    /// What decides when several rules are for one call; see ``Policy``.
    package enum Kind: Hashable, Sendable {
        /// Decides the calls that fulfil its conditions, of which it has one at least.
        case conditional
        /// Has no conditions and decides every call.
        case whole
        /// Has no conditions and decides what no other rule does (`"otherwise": true`).
        case otherwise
    }

    package var names: [Name]
    package var action: Action
    package var kind: Kind
    /// All must hold; at most one per argument.
    package var conditions: [Condition]
    package var comment: String?
    /// The part it is from.
    package var file: String
    /// Where it begins there.
    package var place: JSONPlace
    /// Such as `syscalls[3]`.
    package var path: String
}

extension Rule {
    /// Whether a call with these six arguments fulfils the conditions.
    func holds(for arguments: [UInt64]) -> Bool {
        conditions.allSatisfy { $0.test.holds(for: arguments[Int($0.argument)]) }
    }

    /// Whether it is certain that no call fulfils both rules' conditions.
    func excludes(_ other: Rule) -> Bool {
        conditions.contains { mine in
            other.conditions.contains { $0.argument == mine.argument && $0.test.excludes(mine.test) }
        }
    }
}

/// What becomes of a call (seccomp(2), "SECCOMP_RET_").
package enum Action: Hashable, Sendable {
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
    package var number: UInt32 {
        switch self {
        case .allow: UInt32(SCMP_ACT_ALLOW)
        case .errno(let code): 0x0005_0000 | UInt32(code)
        case .killProcess: UInt32(SCMP_ACT_KILL_PROCESS)
        case .killThread: UInt32(SCMP_ACT_KILL_THREAD)
        case .trap: UInt32(SCMP_ACT_TRAP)
        case .log: UInt32(SCMP_ACT_LOG)
        }
    }

    /// EPERM, as under runc.
    static var errnoWithoutNumber: UInt16 { UInt16(EPERM) }

    /// Whether the call is made.
    package var makesCall: Bool { self == .allow || self == .log }
}
