import Sandbox
package import Wire

/// A TGO frame's meaning: JSON-RPC 2.0, over which the host calls the plugin and the plugin, to
/// begin with, calls `register`.
package struct TGOMessage: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Has a `method` and an `id`: wants an answer.
        case request
        /// Has a `method` and no `id`.
        case notification
        /// Has a `result` or an `error`, and the `id` of what it answers.
        case response
        /// None of these, or several at once; hosts and plugins would disagree on it.
        case unclear
    }

    package let kind: Kind
    package let envelope: RPCEnvelope

    /// - Throws: ``Refusal/notJSON(_:)`` or ``Refusal/notObject(_:)``.
    package init(_ frame: Span<UInt8>, by scanner: inout JSONScanner) throws(Refusal) {
        do {
            envelope = try RPCEnvelope(scanning: frame, by: &scanner)
        } catch {
            throw .notJSON(error)
        }
        guard envelope.kind == .object else { throw .notObject(envelope.kind) }
        kind = Self.kind(of: envelope)
    }

    private static func kind(of envelope: RPCEnvelope) -> Kind {
        let answers = (envelope.result != nil ? 1 : 0) + (envelope.error != nil ? 1 : 0)
        switch (envelope.method != nil, answers, envelope.id != nil) {
        case (true, 0, true): return .request
        case (true, 0, false): return .notification
        case (false, 1, true): return .response
        default: return .unclear
        }
    }

    /// Where the method's name is, without its quotes; nil when there is none, it is not a string or
    /// it holds an escape, which no method of TGO needs.
    package func plainMethod(in frame: Span<UInt8>) -> Range<Int>? {
        guard let range = envelope.method, let name = JSONString(range, in: frame) else { return nil }
        return name.isPlain ? name.place : nil
    }

    /// The method's name for a message to a person.
    package func shownMethod(in frame: Span<UInt8>) -> String {
        guard let range = envelope.method, let name = JSONString(range, in: frame) else {
            return "something that is not a string"
        }
        return quoted(name.text(in: frame, atMost: 100))
    }

    /// Whether it is what the first frame of a plugin must be: a request of `register`.
    package func isRegistration(in frame: Span<UInt8>) -> Bool {
        guard kind == .request, let range = envelope.method else { return false }
        return JSONString(range, in: frame)?.matches("register", in: frame) ?? false
    }

    /// The `id` as it is written, to be used again in an answer; `null` when there is none.
    package func id(in frame: Span<UInt8>) -> JSONText {
        var bytes: [UInt8] = []
        for index in envelope.id ?? 0..<0 { bytes.append(frame[index]) }
        return JSONText(alreadyJSON: bytes.isEmpty ? Array("null".utf8) : bytes)
    }
}

/// An error as TGO hosts and plugins answer one.
package struct TGOError: Hashable, Sendable {
    /// A code of JSON-RPC 2.0, section 5.1, or one of TGO's own.
    package enum Code: Int, Sendable {
        case parseError = -32700
        case invalidRequest = -32600
        case methodNotFound = -32601
        case unavailable = -32000
        case forbidden = -32002
        case tooManyRequests = -32004
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message that answers the request with this `id`.
    package func answer(to id: JSONText) -> [UInt8] {
        JSONText.object { reply in
            reply.add("jsonrpc", "2.0")
            reply.add("id", id)
            reply.object("error") { error in
                error.add("code", code.rawValue)
                error.add("message", message)
            }
        }.bytes
    }
}

extension RPCID {
    /// Whether ``json`` are the very bytes at `place`; false where telling takes longer than keeping them.
    func isWritten(at place: Range<Int>, in frame: Span<UInt8>) -> Bool {
        switch self {
        case .number:
            place.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(frame[$0]) }
        case .string:
            place.allSatisfy { frame[$0] != UInt8(ascii: "\\") && frame[$0] < 0x7F }
        case .other: true
        }
    }

    /// The id as an answer has it.
    var json: JSONText {
        switch self {
        case .number(let number): JSONText(alreadyJSON: Array(String(number).utf8))
        case .string(let letters): JSONText(alreadyJSON: jsonString(letters))
        case .other(let text): JSONText(alreadyJSON: text)
        }
    }

    private func jsonString(_ letters: [UInt8]) -> [UInt8] {
        var json: [UInt8] = []
        String(decoding: letters, as: UTF8.self).writeJSON(to: &json)
        return json
    }
}
