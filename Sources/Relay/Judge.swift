import CLinux
import Dialects
import Sandbox

/// Decides on the messages of one connection, in both directions. Never copied, as it is asked for every
/// message.
struct Judge: ~Copyable {
    private var conversation: TGOConversation
    private let violation: MessagePolicy.Violation
    /// Milliseconds since the system started; taken once for all frames of a turn.
    private var now: UInt64
    /// A plugin has registered over another connection.
    private var taken = false

    init(_ policy: MessagePolicy?) {
        now = Self.clock()
        conversation = TGOConversation(policy, now: now)
        violation = policy?.violation ?? .close
    }

    static func clock() -> UInt64 { clinux_boottime() / 1_000_000 }

    var isRegistered: Bool { conversation.isRegistered }
    /// When something is to be done without a message, in milliseconds; nil for never.
    var due: UInt64? { conversation.due }

    mutating func begin(taken: Bool) {
        now = Self.clock()
        self.taken = taken
    }

    mutating func judge(_ frame: Span<UInt8>, from sender: Sender) -> Verdict {
        conversation.judge(frame, from: sender, now: now, taken: taken)
    }

    mutating func expire() -> [Expiry] { conversation.expire(now: Self.clock()) }

    /// Whether the connection ends with this refusal.
    func closes(for reason: Refusal, from sender: Sender) -> Bool {
        reason.endsConnection || isViolation(reason, from: sender) && violation != .drop
    }

    /// Whether the sandbox ends with this refusal.
    func kills(for reason: Refusal, from sender: Sender) -> Bool {
        isViolation(reason, from: sender) && violation == .kill
    }

    /// What the host application does wrong is not the plugin's violation.
    private func isViolation(_ reason: Refusal, from sender: Sender) -> Bool {
        sender == .plugin && reason.isViolation
    }
}
