import Sandbox
import Wire

/// What a plugin says of itself when it registers.
enum TGORegistration {
    /// - Parameter params: the place of the request's `params`; empty when it has none.
    static func refusal(
        of params: Range<Int>, in frame: Span<UInt8>, by policy: MessagePolicy, _ scanner: JSONScanner
    ) -> Refusal? {
        identity("name", policy.name, params, frame) ?? identity("id", policy.id, params, frame)
            ?? capabilities(policy, params, frame)
            ?? TGOContent.foreignScheme(in: params, frame, by: scanner, allowed: policy.schemes)
    }

    private static func identity(
        _ what: String, _ expected: String?, _ params: Range<Int>, _ frame: Span<UInt8>
    ) -> Refusal? {
        guard let expected else { return nil }
        let found = JSONWalk.member(what, of: params, in: frame).flatMap { JSONString($0, in: frame) }
        if let found, found.matches(expected, in: frame) { return nil }
        return .identity(
            what, found: found.map { quoted($0.text(in: frame, atMost: 100)) } ?? "none",
            expected: quoted(expected))
    }

    private static func capabilities(
        _ policy: MessagePolicy, _ params: Range<Int>, _ frame: Span<UInt8>
    ) -> Refusal? {
        guard let allowed = policy.capabilities,
            let list = JSONWalk.member("capabilities", of: params, in: frame)
        else { return nil }
        var refusal: Refusal?
        JSONWalk.elements(of: list, in: frame) { element in
            let type = JSONWalk.member("type", of: element, in: frame).flatMap { JSONString($0, in: frame) }
            guard let type else {
                refusal = .capability("without a type")
                return false
            }
            if !allowed.contains(where: { type.matches($0, in: frame) }) {
                refusal = .capability(quoted(type.text(in: frame, atMost: 100)))
            }
            return refusal == nil
        }
        return refusal
    }

    /// The whole message without `dev_token`, which would let the plugin act as a developer; nil when
    /// it holds none.
    static func withoutToken(_ params: Range<Int>, in frame: Span<UInt8>) -> [UInt8]? {
        var kept: [Range<Int>] = []
        var found = false
        JSONWalk.members(of: params, in: frame) { key, value in
            if key.matches("dev_token", in: frame) {
                found = true
            } else {
                // With its opening quote.
                kept.append(key.place.lowerBound - 1..<value.upperBound)
            }
            return true
        }
        guard found else { return nil }
        var message = (0..<params.lowerBound).map { frame[$0] }
        message.append(UInt8(ascii: "{"))
        for (index, member) in kept.enumerated() {
            if index > 0 { message.append(UInt8(ascii: ",")) }
            for at in member { message.append(frame[at]) }
        }
        message.append(UInt8(ascii: "}"))
        for at in params.upperBound..<frame.count { message.append(frame[at]) }
        return message
    }
}
