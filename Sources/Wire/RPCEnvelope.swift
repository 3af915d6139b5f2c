/// The outermost members of a JSON-RPC 2.0 message, as places in its bytes.
///
/// Whether the members go together is for a dialect to judge.
package struct RPCEnvelope: Hashable, Sendable {
    /// What the whole text is; only an object has members.
    package private(set) var kind = JSONKind.object
    package private(set) var version: Range<Int>?
    package private(set) var id: Range<Int>?
    /// With its quotes when it is a string.
    package private(set) var method: Range<Int>?
    package private(set) var params: Range<Int>?
    package private(set) var result: Range<Int>?
    package private(set) var error: Range<Int>?

    private init() {}

    /// Checks `bytes` as ``JSONScanner/scan(_:member:)`` does, and notes where the members are.
    package init(scanning bytes: Span<UInt8>, by scanner: inout JSONScanner) throws(JSONError) {
        var found = RPCEnvelope()
        found.kind = try scanner.scan(bytes) { found.note($0, bytes) }
        self = found
    }

    private mutating func note(_ member: JSONMember, _ bytes: Span<UInt8>) {
        let key = member.key
        if key.matches("id", in: bytes) {
            id = member.value
        } else if key.matches("method", in: bytes) {
            method = member.value
        } else if key.matches("params", in: bytes) {
            params = member.value
        } else if key.matches("result", in: bytes) {
            result = member.value
        } else if key.matches("error", in: bytes) {
            error = member.value
        } else if key.matches("jsonrpc", in: bytes) {
            version = member.value
        }
    }
}
