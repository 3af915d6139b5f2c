/// What a request is about: the path's segments and the parameters, decoded and without ambiguity.
///
/// Strict, because what one reader takes for a separator another takes for a letter: no escape that is
/// not one, no NUL, no control character but in parameters that may have some, no `%2F`, no empty segment, no
/// `.` or `..`, no parameter twice.
package struct Target: Hashable, Sendable {
    /// The path as it was sent.
    package let path: String
    /// Between the slashes, decoded; none for `/`.
    package let segments: [String]
    package let query: [String: String]
    /// Parameters that have control characters in them, which their endpoint has to expect
    /// (``Endpoint/controls``): the names of files may.
    package let controlled: Set<String>

    /// - Parameter raw: as it stands in the request line, such as `/v1/sessions?label=a%3Db`.
    package init(parsing raw: [UInt8]) throws(ServiceError) {
        guard raw.first == Letter.slash else {
            throw ServiceError(.invalid, "the request's target does not begin with a slash")
        }
        guard raw.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ServiceError(
                .invalid, "the request's target has a byte that must be written as an escape",
                hint: "for example %20 for a space")
        }
        let parts = raw.split(separator: Letter.question, maxSplits: 1, omittingEmptySubsequences: false)
        path = String(decoding: parts[0], as: UTF8.self)
        segments = try Self.segments(of: parts[0])
        let query = parts.count == 2 ? try Self.parameters(of: parts[1]) : [:]
        self.query = query
        controlled = Set(query.filter { $0.value.utf8.contains { $0 < 0x20 || $0 == 0x7F } }.keys)
    }

    private static func segments(of path: ArraySlice<UInt8>) throws(ServiceError) -> [String] {
        var segments: [String] = []
        if path.count == 1 { return segments }
        for part in path.dropFirst().split(separator: Letter.slash, omittingEmptySubsequences: false) {
            let segment = try decoded(part, of: "the path")
            if segment.isEmpty {
                throw ServiceError(
                    .notFound, "there is nothing at \(String(decoding: path, as: UTF8.self))",
                    hint: "paths have no slash at the end, and none twice")
            }
            guard segment != ".", segment != "..", !segment.utf8.contains(Letter.slash) else {
                throw ServiceError(
                    .invalid, "a segment of the path is \(String(decoding: part, as: UTF8.self))",
                    hint: "segments may not be . or .. and not have a slash in them")
            }
            segments.append(segment)
        }
        return segments
    }

    private static func parameters(of query: ArraySlice<UInt8>) throws(ServiceError) -> [String: String] {
        var parameters: [String: String] = [:]
        if query.isEmpty { return parameters }
        for part in query.split(separator: Letter.ampersand, omittingEmptySubsequences: false) {
            let halves = part.split(separator: Letter.equals, maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decoded(halves[0], of: "the query", spaces: true)
            guard !name.isEmpty else { throw ServiceError(.invalid, "a query parameter has no name") }
            let value = halves.count == 2 ? try decoded(halves[1], of: "the query", isValue: true) : ""
            guard parameters.updateValue(value, forKey: name) == nil else {
                throw ServiceError(.invalid, "the query parameter \(name) was given twice", field: name)
            }
        }
        return parameters
    }
}

enum Letter {
    static let slash = UInt8(ascii: "/")
    static let question = UInt8(ascii: "?")
    static let ampersand = UInt8(ascii: "&")
    static let equals = UInt8(ascii: "=")
    static let percent = UInt8(ascii: "%")
    static let plus = UInt8(ascii: "+")
    static let space = UInt8(ascii: " ")
}

/// - Parameters:
///   - spaces: whether `+` is a space, as forms have it.
///   - isValue: of a parameter; then it is, and control characters may be in it.
private func decoded(
    _ part: ArraySlice<UInt8>, of what: String, spaces: Bool = false, isValue: Bool = false
) throws(ServiceError) -> String {
    var bytes: [UInt8] = []
    var at = part.startIndex
    while at < part.endIndex {
        var byte = part[at]
        at += 1
        if byte == Letter.percent {
            guard at + 1 < part.endIndex, let high = hexDigit(part[at]), let low = hexDigit(part[at + 1])
            else {
                throw ServiceError(.invalid, "\(what) has a % that no two hexadecimal digits follow")
            }
            byte = high << 4 | low
            at += 2
            guard byte >= 0x20 && byte != 0x7F || isValue && byte != 0 else {
                throw ServiceError(.invalid, "\(what) has a control character")
            }
        } else if byte == Letter.plus, spaces || isValue {
            byte = Letter.space
        }
        bytes.append(byte)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw ServiceError(.invalid, "\(what) is not valid UTF-8")
    }
    return text
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
