/// Bytes that are no HTTP as it is spoken here.
package enum HTTPError: Error, Hashable, Sendable {
    /// Of a request: a name or a value that no field can have.
    case badField(String)
    /// A line of the head, as it came.
    case badLine(String)
    case badStatus(String)
    /// Of Content-Length and Transfer-Encoding: missing sense, or two that do not agree.
    case badLength(String)
    case badChunk
    /// The head or its trailer is longer than so many bytes, or has too many fields.
    case headTooLarge(limit: Int)
    /// More than one interim answer after another than anybody sends.
    case endlessInterim
    /// The stream ended within an answer.
    case endedEarly
    /// A line of an event stream, or an event, is longer than so many bytes.
    case eventTooLarge(limit: Int)
}

extension HTTPError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .badField(let name): "the field \(shortened(name)) cannot be sent: it holds control characters"
        case .badLine(let line): "the answer's head has the line \(shortened(line)), which is no field"
        case .badStatus(let line): "the answer begins with \(shortened(line)), which is no HTTP"
        case .badLength(let text): "the answer's length is not clear: \(shortened(text))"
        case .badChunk: "the answer's body is not in chunks as its head says"
        case .headTooLarge(let limit): "the answer's head has more than \(limit) bytes or too many fields"
        case .endlessInterim: "the answer is announced again and again and never comes"
        case .endedEarly: "the connection ended before the whole answer had come"
        case .eventTooLarge(let limit): "an event has more than \(limit) bytes"
        }
    }
}

/// What came from elsewhere, in one line for a message.
func shortened(_ text: String) -> String {
    let safe = text.unicodeScalars.prefix(80).map { $0.isASCII && $0.value >= 0x20 && $0.value != 0x7F }
    let shown = zip(text.unicodeScalars, safe).map { $1 ? String($0) : "?" }.joined()
    return "\"\(shown)\"" + (text.unicodeScalars.count > 80 ? "..." : "")
}
