package import Wire

/// A request of the command line to a daemon.
package struct HTTPRequest: Hashable, Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
        case head = "HEAD"

        /// Whether it may be made again when nobody knows what became of it.
        var isRepeatable: Bool { self == .get || self == .head }
    }

    package let method: Method
    /// Path and query, encoded.
    package private(set) var target: String
    package private(set) var headers = HTTPHeaders()
    package private(set) var body: [UInt8] = []
    /// Whether the body follows in pieces, each with its length (RFC 9112, section 7.1).
    private var isInPieces = false
    /// Whom it is for; at a unix socket nobody asks.
    var host = "corral"

    /// - Parameters:
    ///   - path: its parts, each of which may hold anything.
    ///   - query: names and values, likewise.
    package init(_ method: Method, _ path: [String], query: [(String, String)] = []) {
        self.method = method
        let joined = path.map { "/" + Self.encoded($0) }.joined()
        let pairs = query.map { "\(Self.encoded($0.0))=\(Self.encoded($0.1))" }
        target = (joined.isEmpty ? "/" : joined) + (pairs.isEmpty ? "" : "?\(pairs.joined(separator: "&"))")
    }

    package func with(json: JSONText) -> HTTPRequest { with(body: json.bytes, type: "application/json") }

    package func with(body: [UInt8], type: String) -> HTTPRequest {
        var result = self
        result.body = body
        result.headers.add("Content-Type", type)
        return result
    }

    package func with(_ name: String, _ value: String) -> HTTPRequest {
        var result = self
        result.headers.add(name, value)
        return result
    }

    /// With one more of the query.
    func with(query name: String, _ value: String) -> HTTPRequest {
        var result = self
        result.target += "\(target.utf8.contains(UInt8(ascii: "?")) ? "&" : "?")"
        result.target += "\(Self.encoded(name))=\(Self.encoded(value))"
        return result
    }

    /// For a body that follows in pieces.
    func inPieces() -> HTTPRequest {
        var result = self.with("Transfer-Encoding", "chunked")
        result.isInPieces = true
        return result
    }

    /// The bytes to send.
    /// - Throws: ``HTTPError/badField(_:)`` for a field that would not be one.
    package func encoded() throws(HTTPError) -> [UInt8] {
        var text = "\(method.rawValue) \(target) HTTP/1.1\r\nHost: \(host)\r\n"
        for field in headers.fields {
            let isRight =
                !field.name.isEmpty && field.name.utf8.allSatisfy(HTTPBytes.isToken)
                && field.value.utf8.allSatisfy(HTTPBytes.isValue)
            guard isRight else { throw .badField(field.name) }
            text += "\(field.name): \(field.value)\r\n"
        }
        if !isInPieces, !body.isEmpty || [.post, .put, .patch].contains(method) {
            text += "Content-Length: \(body.count)\r\n"
        }
        return Array((text + "\r\n").utf8) + body
    }

    /// Everything but unreserved characters as `%XX` (RFC 3986, section 2.3).
    static func encoded(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            }
        }
        // A part that is a dot or two would be taken for a direction.
        if bytes.allSatisfy({ $0 == UInt8(ascii: ".") }), (1...2).contains(bytes.count) {
            return String(repeating: "%2E", count: bytes.count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
