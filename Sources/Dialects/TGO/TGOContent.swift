import Sandbox
import Wire

/// What the answers of a plugin may hold: JSON-ACTION, which the user interface carries out, and
/// JSON-UI, which it shows.
struct TGOContent: Sendable {
    /// What a method's answer is taken for.
    enum Answer: Hashable {
        /// JSON-ACTION.
        case action
        /// The plugin is about to end.
        case shutdown
        case other

        init(toMethod name: Span<UInt8>) {
            if hasSuffix(name, "/event") || hasSuffix(name, "/action") || hasSuffix(name, "/select")
                || hasSuffix(name, "/submit")
            {
                self = .action
            } else {
                self = name.count == 8 && hasSuffix(name, "shutdown") ? .shutdown : .other
            }
        }
    }

    /// Members whose values the user interface follows, loads or shows as a link.
    static let addresses = JSONNames(["url", "href", "src", "link", "image"])
    /// Batches inside one another.
    private static let deepestBatch = 8

    let policy: MessagePolicy

    /// Why an answer is not passed on; nil when it is.
    ///
    /// - Parameter scanner: the one that scanned it, and notes ``addresses``.
    func refusal(
        of envelope: RPCEnvelope, as answer: Answer, in frame: Span<UInt8>, by scanner: JSONScanner
    ) -> Refusal? {
        guard let result = envelope.result else { return nil }
        if answer == .action, let refusal = action(result, frame, depth: 0) { return refusal }
        return Self.foreignScheme(in: result, frame, by: scanner, allowed: policy.schemes)
    }

    private func action(_ value: Range<Int>, _ frame: Span<UInt8>, depth: Int) -> Refusal? {
        // An object without one does nothing; plugins answer `{"success":true}`.
        guard let place = JSONWalk.member("action", of: value, in: frame) else { return nil }
        guard let name = JSONString(place, in: frame) else { return .action("that is not a string") }
        guard policy.actions.contains(where: { name.matches($0, in: frame) }) else {
            return .action(quoted(name.text(in: frame, atMost: 100)))
        }
        guard name.matches("batch", in: frame), let data = JSONWalk.member("data", of: value, in: frame),
            let list = JSONWalk.member("actions", of: data, in: frame)
        else { return nil }
        guard depth < Self.deepestBatch else { return .action("batch, too deep inside others") }
        var refusal: Refusal?
        JSONWalk.elements(of: list, in: frame) { element in
            refusal = action(element, frame, depth: depth + 1)
            return refusal == nil
        }
        return refusal
    }

    /// The first URL, at any depth, whose scheme is not allowed.
    static func foreignScheme(
        in value: Range<Int>, _ frame: Span<UInt8>, by scanner: JSONScanner, allowed: [String]
    ) -> Refusal? {
        var refusal: Refusal?
        scanner.strings(in: value, of: frame) { text in
            if let scheme = scheme(of: text, frame), !allowed.contains(scheme) {
                refusal = .scheme(quoted(scheme))
            }
            return refusal == nil
        }
        return refusal
    }

    /// The scheme of a URL as browsers find it (WHATWG URL, section 4.4): white space and control
    /// characters count nowhere in front of the colon. Nil for a relative URL; one that begins with
    /// two slashes has the page's own scheme, which is `https`.
    private static func scheme(of url: JSONString, _ frame: Span<UInt8>) -> String? {
        var scheme: [UInt8] = []
        var isScheme = false
        var slashes = 0
        url.letters(in: frame) { letter in
            switch letter {
            case ...0x20: return true
            case UInt8(ascii: ":"):
                isScheme = !scheme.isEmpty && slashes == 0
                return false
            case UInt8(ascii: "/"), UInt8(ascii: "\\"):
                slashes += 1
                return scheme.isEmpty && slashes < 2
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): scheme.append(letter | 0x20)
            case UInt8(ascii: "a")...UInt8(ascii: "z"): scheme.append(letter)
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
                UInt8(ascii: "."):
                // A scheme begins with a letter.
                guard !scheme.isEmpty else { return false }
                scheme.append(letter)
            default: return false
            }
            // Longer than any scheme: the name of what is refused, and no more of it.
            return slashes == 0 && scheme.count < 64
        }
        if isScheme || scheme.count == 64 { return String(decoding: scheme, as: UTF8.self) }
        return slashes >= 2 && scheme.isEmpty ? "https" : nil
    }
}

private func hasSuffix(_ name: Span<UInt8>, _ suffix: StaticString) -> Bool {
    let count = suffix.utf8CodeUnitCount
    guard name.count >= count else { return false }
    let start = name.count - count
    for index in 0..<count {
        // Safety: a static string lives for ever, and the index is below its length.
        if unsafe name[start + index] != suffix.utf8Start[index] { return false }
    }
    return true
}
