import Sandbox
import Wire

@testable import Dialects

/// A conversation in a test: who says what at which time, and what became of it.
struct Talk {
    var conversation: TGOConversation
    var now: UInt64 = 1_000

    init(_ change: (inout MessagePolicy) -> Void = { _ in }) {
        var policy = MessagePolicy()
        change(&policy)
        conversation = TGOConversation(policy, now: 1_000)
    }

    /// One in which the plugin has registered.
    static func open(_ change: (inout MessagePolicy) -> Void = { _ in }) -> Talk {
        var talk = Talk(change)
        _ = talk.plugin(#"{"jsonrpc":"2.0","id":1,"method":"register","params":{"name":"p"}}"#)
        _ = talk.host(#"{"jsonrpc":"2.0","id":1,"result":{"success":true}}"#)
        return talk
    }

    mutating func plugin(_ text: String, taken: Bool = false) -> Verdict {
        conversation.judge(Array(text.utf8).span, from: .plugin, now: now, taken: taken)
    }

    mutating func host(_ text: String) -> Verdict {
        conversation.judge(Array(text.utf8).span, from: .upstream, now: now)
    }

    /// A call of the host's, and the plugin's answer with this `result`.
    mutating func ask(_ method: String, _ result: String) -> Verdict {
        guard host(#"{"id":7,"method":"\#(method)"}"#) == .forward else {
            return .refuse(.unclear, reply: nil)
        }
        return plugin(#"{"id":7,"result":\#(result)}"#)
    }
}

extension Verdict {
    var refusal: Refusal? {
        if case .refuse(let refusal, _) = self { return refusal }
        return nil
    }

    /// To whom the reply goes, and its text.
    var reply: (to: Sender, text: String)? {
        guard case .refuse(_, let reply?) = self else { return nil }
        return (reply.recipient, String(decoding: reply.payload, as: UTF8.self))
    }
}
