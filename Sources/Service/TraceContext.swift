/// Which request this is, for everybody who has to do with it: the trace id of W3C Trace Context, taken over
/// from the client or made here.
package struct TraceContext: Hashable, Sendable {
    /// 32 lower-case hexadecimal digits, not all of them 0.
    package let id: String
    /// This server's part of it: 16 digits.
    package let span: String
    /// Two digits, as the client sent them.
    let flags: String

    /// Goes on with the client's trace where it states one as it has to be, and begins another one else.
    init(_ headers: Headers) {
        let given = headers.all("traceparent")
        let parent = given.count == 1 ? TraceContext.parse(given[0]) : nil
        id = parent?.id ?? hexadecimal(.random(in: 1...UInt64.max)) + hexadecimal(.random(in: 0...UInt64.max))
        span = hexadecimal(.random(in: 1...UInt64.max))
        flags = parent?.flags ?? "00"
    }

    /// What `traceparent` says; nil for what is none. Of a version after this one the beginning counts.
    static func parse(_ text: String) -> (id: String, flags: String)? {
        let bytes = Array(text.utf8)
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash else { return nil }
        let parts = [bytes[0..<2], bytes[3..<35], bytes[36..<52], bytes[53..<55]]
        guard parts.allSatisfy({ $0.allSatisfy(isDigit) }) else { return nil }
        let version = String(decoding: parts[0], as: UTF8.self)
        let isWhole = version == "00" ? bytes.count == 55 : bytes.count == 55 || bytes[55] == dash
        // All zeros are no id, and ff is no version.
        let isSomething = parts[1...2].allSatisfy { part in part.contains { $0 != UInt8(ascii: "0") } }
        guard version != "ff", isWhole, isSomething else { return nil }
        return (String(decoding: parts[1], as: UTF8.self), String(decoding: parts[3], as: UTF8.self))
    }

    /// What those are told who carry on with it: `00-`, the trace, this server's part of it, and the flags.
    package var parent: String { "00-\(id)-\(span)-\(flags)" }

    /// The header of the answer.
    var header: Header { Header("traceresponse", parent) }
}

private func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
}

private func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}
