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

    @inline(always)
    private mutating func note(_ member: JSONMember, _ bytes: Span<UInt8>) {
        switch keyWord(member.key, bytes) {
        case Name.id: id = member.value
        case Name.method: method = member.value
        case Name.params: params = member.value
        case Name.result: result = member.value
        case Name.error: error = member.value
        case Name.jsonrpc: version = member.value
        default: break
        }
    }
}

/// The members' names as ``keyWord(_:_:)`` has them.
private enum Name {
    static let id: UInt64 = 2 << 56 | 0x64_69
    static let method: UInt64 = 6 << 56 | 0x64_6F_68_74_65_6D
    static let params: UInt64 = 6 << 56 | 0x73_6D_61_72_61_70
    static let result: UInt64 = 6 << 56 | 0x74_6C_75_73_65_72
    static let error: UInt64 = 5 << 56 | 0x72_6F_72_72_65
    static let jsonrpc: UInt64 = 7 << 56 | 0x63_70_72_6E_6F_73_6A
}
