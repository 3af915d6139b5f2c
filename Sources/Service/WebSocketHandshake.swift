import CNettle

/// The opening handshake of a WebSocket (RFC 6455, section 4.2), checked strictly.
package struct WebSocketHandshake {
    /// What goes into the 101.
    package let headers: [Header]
    /// The subprotocol that both speak; nil for none.
    package let subprotocol: String?

    /// - Parameters:
    ///   - origins: asked when a browser says from which page the request comes; programs say nothing.
    ///   - subprotocols: those spoken here; when there are any, the client must offer one of them.
    package init(
        _ head: RequestHead, subprotocols: [String] = [], origins: (String) -> Bool = { _ in false }
    ) throws(ServiceError) {
        let version = try head.headers.single("sec-websocket-version")
        guard version == "13" else {
            throw ServiceError(
                .upgradeRequired, "the WebSocket version is \(version ?? "not given"), and 13 is spoken here",
                headers: [Header("Sec-WebSocket-Version", "13")])
        }
        guard let key = try head.headers.single("sec-websocket-key"), isKey(key) else {
            throw ServiceError(
                .invalid, "the WebSocket key must be 16 bytes in base64", field: "Sec-WebSocket-Key")
        }
        if let origin = try head.headers.single("origin"), !origins(origin) {
            throw ServiceError(.forbidden, "pages of \(origin) may not connect here", field: "Origin")
        }
        var headers = [Header("Sec-WebSocket-Accept", Self.accept(key))]
        let offered = head.headers.all("sec-websocket-protocol").flatMap { $0.split(separator: ",") }
            .map { trimmed($0) }
        subprotocol = offered.first { subprotocols.contains($0) }
        if let subprotocol {
            headers.append(Header("Sec-WebSocket-Protocol", subprotocol))
        } else if !subprotocols.isEmpty {
            throw ServiceError(
                .invalid, "no protocol that is spoken here was offered", field: "Sec-WebSocket-Protocol",
                hint: subprotocols.joined(separator: ", "))
        }
        self.headers = headers
    }

    /// The proof that the server understood the request: base64 of the SHA-1 of key and a constant.
    static func accept(_ key: String) -> String {
        let text = Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)
        var digest = [UInt8](repeating: 0, count: Int(SHA1_DIGEST_SIZE))
        // 20 bytes are 27 letters and one "=".
        var letters = [CChar](repeating: 0, count: 28)
        var context = sha1_ctx()
        var digestSpan = digest.mutableSpan
        var letterSpan = letters.mutableSpan
        unsafe text.span.withUnsafeBufferPointer { text in
            unsafe digestSpan.withUnsafeMutableBufferPointer { digest in
                unsafe letterSpan.withUnsafeMutableBufferPointer { letters in
                    unsafe nettle_sha1_init(&context)
                    unsafe nettle_sha1_update(&context, text.count, text.baseAddress)
                    unsafe nettle_sha1_digest(&context, digest.count, digest.baseAddress)
                    unsafe nettle_base64_encode_raw(letters.baseAddress, digest.count, digest.baseAddress)
                }
            }
        }
        return String(decoding: letters.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// 16 bytes are 22 letters and "==".
private func isKey(_ key: String) -> Bool {
    let bytes = Array(key.utf8)
    guard bytes.count == 24, bytes[22] == Letter.equals, bytes[23] == Letter.equals else { return false }
    return bytes[..<22].allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}

extension Response {
    /// Begins a WebSocket, for a request that asks for exactly that.
    package static func webSocket(
        _ head: RequestHead, subprotocols: [String] = [], origins: (String) -> Bool = { _ in false },
        _ begin: @escaping (Upgraded, _ subprotocol: String?) -> Void
    ) throws(ServiceError) -> Response {
        // Before the rest, so that who asks for no WebSocket is told that.
        var upgrade = Upgrade(to: "websocket") { _ in }
        _ = try Response.upgrade(head, upgrade)
        let handshake = try WebSocketHandshake(head, subprotocols: subprotocols, origins: origins)
        upgrade = Upgrade(to: "websocket", headers: handshake.headers) {
            begin($0, handshake.subprotocol)
        }
        return try Response.upgrade(head, upgrade)
    }
}
