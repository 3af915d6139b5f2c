/// Where a sandbox may connect to through the egress proxy: `HOST:PORT`.
///
/// The host is a name in lower case, `*.` before a name for everything below it, an IPv4 address, an
/// IPv6 address in brackets, or `*` for every host.
package struct NetworkAddress: Hashable, Sendable {
    /// IPv6 addresses keep their brackets.
    package var host: String
    package var port: UInt16

    package init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT`.
    package init(_ text: String) throws(ValueError) {
        let bytes = Array(text.utf8)
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")),
            let port = NetworkAddress.port(bytes[(colon + 1)...])
        else {
            throw ValueError(
                "\(quoted(text)) has no port; expected HOST:PORT, such as example.org:443 or *:443")
        }
        let host = String(decoding: bytes[..<colon], as: UTF8.self)
        guard NetworkAddress.isHost(bytes[..<colon]) else {
            throw ValueError(
                "\(quoted(host)) is not a host; expected a name in lower case, *.NAME, an IPv4 address, "
                    + "[an IPv6 address] or *")
        }
        self.init(host: host, port: port)
    }

    /// 1 to 65535 without a leading zero.
    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        guard let first = digits.first, first != UInt8(ascii: "0"), digits.count <= 5,
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self))
    }

    private static func isHost(_ bytes: ArraySlice<UInt8>) -> Bool {
        if bytes.elementsEqual("*".utf8) { return true }
        if bytes.first == UInt8(ascii: "[") {
            let inner = bytes.dropFirst().dropLast()
            // The form alone: the proxy compares what it has parsed (RFC 4291, section 2.2).
            return bytes.last == UInt8(ascii: "]") && (2...45).contains(inner.count)
                && inner.contains(UInt8(ascii: ":"))
                && inner.allSatisfy {
                    isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
                }
        }
        return isName(bytes.starts(with: "*.".utf8) ? bytes.dropFirst(2) : bytes)
    }

    /// RFC 1123, section 2.1: labels of up to 63 letters, digits and inner hyphens, 253 bytes in all.
    private static func isName(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard (1...253).contains(bytes.count) else { return false }
        return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy {
            label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-")
                && label.last != UInt8(ascii: "-") && label.allSatisfy(isLetterDigitHyphen)
        }
    }

    private static func isLetterDigitHyphen(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}

extension NetworkAddress: CustomStringConvertible {
    package var description: String { "\(host):\(port)" }
}
