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

    /// The method's name as it is written between its quotes; nil when there is none, it is not a
    /// string or it holds an escape, which no method of TGO needs.
    package func methodName(in frame: Span<UInt8>) -> String? {
        guard let range = envelope.method, range.count >= 2, frame[range.lowerBound] == UInt8(ascii: "\"")
        else { return nil }
        var name: [UInt8] = []
        for index in range.lowerBound + 1..<range.upperBound - 1 {
            guard frame[index] != UInt8(ascii: "\\") else { return nil }
            name.append(frame[index])
        }
        return String(decoding: name, as: UTF8.self)
    }

    /// Whether it is what the first frame of a plugin must be: a request of `register`.
    package func isRegistration(in frame: Span<UInt8>) -> Bool {
        kind == .request && methodName(in: frame) == "register"
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

    /// The frame that answers the request with this `id`.
    package func reply(to id: JSONText) -> [UInt8] {
        let text = JSONText.object { reply in
            reply.add("jsonrpc", "2.0")
            reply.add("id", id)
            reply.object("error") { error in
                error.add("code", code.rawValue)
                error.add("message", message)
            }
        }
        return framed(text.bytes)
    }
}
