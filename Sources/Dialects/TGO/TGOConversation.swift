package import Sandbox
import Wire

/// What one plugin and its host application say to each other over one connection, judged message by
/// message in the order in which they come.
///
/// A pure state machine: time and bytes come in, verdicts go out. It holds no message, and of a call
/// only the id, for as long as the answer is awaited. The protocol: `register` goes up and is
/// answered; from then on the host calls and the plugin answers, in any order.
package struct TGOConversation: Sendable {
    private enum Stage: Hashable {
        case silent
        /// The plugin's `register` waits for its answer.
        case registering(RPCID)
        case open
        /// The host did not take the plugin.
        case rejected
    }

    private struct Call {
        let id: RPCID
        /// As the host wrote it, where its meaning alone does not say that.
        let written: [UInt8]?
        let answer: TGOContent.Answer
        /// In milliseconds.
        let due: UInt64
    }

    private struct Budget {
        let isRated: Bool
        var frames: TokenBucket
        var bytes: HourlyBytes

        init(_ policy: MessagePolicy) {
            isRated = policy.rate > 0
            frames = TokenBucket(rate: UInt64(policy.rate), burst: UInt64(policy.burst))
            bytes = HourlyBytes(limit: policy.bytesPerHour)
        }

        mutating func take(_ frame: Span<UInt8>, now: UInt64) -> Refusal? {
            if isRated, !frames.take(now: now) { return .rate }
            return bytes.take(frame.count, now: now) ? nil : .volume
        }
    }

    /// The policy and what is made of it once: by reference, because it is asked for every message.
    private final class Rules: Sendable {
        let policy: MessagePolicy
        let methods: [Glob]
        let content: TGOContent

        init(_ policy: MessagePolicy) {
            self.policy = policy
            content = TGOContent(policy: policy)
            methods = policy.methods.map(Glob.init)
        }
    }

    private let rules: Rules?
    private let registrationDue: UInt64
    private var stage = Stage.silent
    /// Oldest first, and so in the order in which they are due.
    private var calls: [Call] = []
    /// The ids of calls that were not answered in time, oldest first, and no more of them than calls may
    /// wait: their answers may still come.
    private var expired: [RPCID] = []
    private var pluginBudget: Budget?
    private var upstreamBudget: Budget?
    private var scanner = JSONScanner(noting: TGOContent.addresses)

    /// - Parameters:
    ///   - policy: nil lets every JSON object through.
    ///   - now: when the plugin connected, in milliseconds on a clock that never goes back.
    package init(_ policy: MessagePolicy?, now: UInt64) {
        rules = policy.map(Rules.init)
        registrationDue = now + (policy?.registration ?? 0)
        pluginBudget = policy.map(Budget.init)
        upstreamBudget = policy.map(Budget.init)
    }

    /// Whether a plugin has registered here, or is about to.
    package var isRegistered: Bool { stage != .silent && stage != .rejected }

    /// When ``expire(now:)`` has something to do; nil for never.
    package var due: UInt64? {
        if rules != nil, stage == .silent { return registrationDue }
        return calls.first?.due
    }

    /// - Parameters:
    ///   - frame: the payload of one frame, without its length.
    ///   - taken: whether a plugin has registered over another connection of the same sandbox.
    package mutating func judge(
        _ frame: Span<UInt8>, from sender: Sender, now: UInt64, taken: Bool = false
    ) -> Verdict {
        let message: TGOMessage
        do throws(Refusal) {
            message = try TGOMessage(frame, by: &scanner)
        } catch {
            return .refuse(error, reply: nil)
        }
        guard let rules else { return .forward }
        switch sender {
        case .plugin: return fromPlugin(message, frame, rules, now: now, taken: taken)
        case .upstream: return fromUpstream(message, frame, rules, now: now)
        }
    }

    /// What is overdue, each of it once.
    package mutating func expire(now: UInt64) -> [Expiry] {
        guard let rules else { return [] }
        if stage == .silent, now >= registrationDue {
            stage = .rejected
            return [.connection(.registration(rules.policy.registration))]
        }
        let overdue = calls.prefix { $0.due <= now }
        calls.removeFirst(overdue.count)
        expired += overdue.map(\.id)
        expired.removeFirst(max(0, expired.count - Int(rules.policy.inFlight)))
        return overdue.map { call in
            let refusal = Refusal.deadline(rules.policy.deadline)
            return .call(refusal, notice(refusal, .unavailable, call))
        }
    }

    // MARK: From the plugin

    private mutating func fromPlugin(
        _ message: TGOMessage, _ frame: Span<UInt8>, _ rules: Rules, now: UInt64, taken: Bool
    ) -> Verdict {
        let overdrawn = pluginBudget?.take(frame, now: now)
        switch message.kind {
        case .request, .notification: return pluginCalls(message, frame, rules, overdrawn, taken)
        case .response: return pluginAnswers(message, frame, rules, overdrawn)
        case .unclear: return .refuse(stage == .silent ? .notRegistered : .unclear, reply: nil)
        }
    }

    private mutating func pluginCalls(
        _ message: TGOMessage, _ frame: Span<UInt8>, _ rules: Rules, _ overdrawn: Refusal?,
        _ taken: Bool
    ) -> Verdict {
        guard message.isRegistration(in: frame), let place = message.envelope.id else {
            // A flood is told as one, whatever it is made of.
            if stage != .silent, let overdrawn {
                return refuse(overdrawn, .tooManyRequests, to: .plugin, message, frame)
            }
            let name = message.shownMethod(in: frame)
            let refusal = stage == .silent ? Refusal.notRegistered : .call(name)
            return refuse(
                refusal, stage == .silent ? .invalidRequest : .methodNotFound, to: .plugin, message, frame)
        }
        guard let id = RPCID(place, in: frame) else { return .refuse(.longID, reply: nil) }
        guard stage == .silent, !taken else {
            return refuse(.registeredTwice, .invalidRequest, to: .plugin, message, frame)
        }
        if let overdrawn { return refuse(overdrawn, .tooManyRequests, to: .plugin, message, frame) }
        let params = message.envelope.params ?? 0..<0
        if let refusal = TGORegistration.refusal(of: params, in: frame, by: rules.policy, scanner) {
            return refuse(refusal, .forbidden, to: .plugin, message, frame)
        }
        stage = .registering(id)
        return TGORegistration.withoutToken(params, in: frame).map(Verdict.rewrite) ?? .forward
    }

    private mutating func pluginAnswers(
        _ message: TGOMessage, _ frame: Span<UInt8>, _ rules: Rules, _ overdrawn: Refusal?
    ) -> Verdict {
        guard stage != .silent else { return .refuse(.notRegistered, reply: nil) }
        guard let place = message.envelope.id, let id = RPCID(place, in: frame) else {
            return .refuse(.longID, reply: nil)
        }
        guard let index = calls.firstIndex(where: { $0.id == id }) else {
            return .refuse(overdrawn ?? unexpected(id), reply: nil)
        }
        let call = calls.remove(at: index)
        if let refusal = overdrawn
            ?? rules.content.refusal(of: message.envelope, as: call.answer, in: frame, by: scanner)
        {
            return .refuse(refusal, reply: notice(refusal, .forbidden, call))
        }
        return call.answer == .shutdown ? .farewell : .forward
    }

    /// What is wrong with an answer that no call waits for.
    private mutating func unexpected(_ id: RPCID) -> Refusal {
        guard let index = expired.firstIndex(of: id) else { return .notPending(id) }
        expired.remove(at: index)
        return .late(id)
    }

    // MARK: From the host application

    private mutating func fromUpstream(
        _ message: TGOMessage, _ frame: Span<UInt8>, _ rules: Rules, now: UInt64
    ) -> Verdict {
        let overdrawn = upstreamBudget?.take(frame, now: now)
        switch message.kind {
        case .request, .notification:
            guard stage == .open else {
                return refuse(.notRegistered, .unavailable, to: .upstream, message, frame)
            }
            guard let answer = allowedAnswer(message, frame, rules) else {
                return refuse(
                    .method(message.shownMethod(in: frame)), .methodNotFound, to: .upstream, message, frame)
            }
            if let overdrawn { return refuse(overdrawn, .tooManyRequests, to: .upstream, message, frame) }
            guard let place = message.envelope.id else { return .forward }
            guard let id = RPCID(place, in: frame) else { return .refuse(.longID, reply: nil) }
            guard calls.count < Int(rules.policy.inFlight) else {
                return refuse(
                    .inFlight(rules.policy.inFlight), .tooManyRequests, to: .upstream, message, frame)
            }
            guard !calls.contains(where: { $0.id == id }) else {
                // No reply: it would be taken for the answer to the call that waits.
                return .refuse(.duplicateID(id), reply: nil)
            }
            let written = id.isWritten(at: place, in: frame) ? nil : place.map { frame[$0] }
            calls.append(Call(id: id, written: written, answer: answer, due: now + rules.policy.deadline))
            return .forward
        case .response: return upstreamAnswers(message, frame)
        case .unclear: return .refuse(.unclear, reply: nil)
        }
    }

    /// The one thing that a host answers is `register`.
    private mutating func upstreamAnswers(_ message: TGOMessage, _ frame: Span<UInt8>) -> Verdict {
        guard let place = message.envelope.id, let id = RPCID(place, in: frame) else {
            return .refuse(.longID, reply: nil)
        }
        guard case .registering(let expected) = stage, id == expected else {
            return .refuse(.notPending(id), reply: nil)
        }
        stage = message.envelope.error == nil ? .open : .rejected
        return .forward
    }

    /// What the answer to a call is; nil for a method that no pattern fits.
    private func allowedAnswer(
        _ message: TGOMessage, _ frame: Span<UInt8>, _ rules: Rules
    ) -> TGOContent.Answer? {
        // A name with escapes is one that no method of TGO has.
        guard let name = message.plainMethod(in: frame) else { return nil }
        let bytes = frame.extracting(name)
        guard rules.methods.contains(where: { $0.matches(bytes) }) else { return nil }
        return TGOContent.Answer(toMethod: bytes)
    }

    /// Tells whoever sent a request that it was refused.
    private func refuse(
        _ refusal: Refusal, _ code: TGOError.Code, to sender: Sender, _ message: TGOMessage,
        _ frame: Span<UInt8>
    ) -> Verdict {
        // As it was written; six bytes are the longest that one byte of an id can be escaped to.
        guard let place = message.envelope.id, place.count <= 6 * RPCID.longest else {
            return .refuse(refusal, reply: nil)
        }
        let error = TGOError(code, refusal.description)
        return .refuse(refusal, reply: Reply(to: sender, error.answer(to: message.id(in: frame))))
    }

    /// Tells the host application that a call of its own will not be answered.
    private func notice(_ refusal: Refusal, _ code: TGOError.Code, _ call: Call) -> Reply {
        let id = call.written.map(JSONText.init(alreadyJSON:)) ?? call.id.json
        return Reply(to: .upstream, TGOError(code, refusal.description).answer(to: id))
    }
}
