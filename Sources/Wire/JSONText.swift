/// A JSON text in the making. Members keep the order in which they are added.
///
///     let text = JSONText.object { report in
///         report.add("cause", "exited")
///         report.object("times") { $0.add("wallMs", 12) }
///         report.array("layers") { list in layers.forEach { list.add($0) } }
///     }
package struct JSONText: Hashable, Sendable {
    /// The text, UTF-8, on one line.
    package let bytes: [UInt8]

    /// Text that is JSON already, such as a part of a scanned message.
    package init(alreadyJSON bytes: [UInt8]) { self.bytes = bytes }

    package static func object(_ body: (inout JSONObjectWriter) -> Void) -> JSONText {
        var bytes: [UInt8] = []
        writeObject(to: &bytes, body)
        return JSONText(alreadyJSON: bytes)
    }

    package static func array(_ body: (inout JSONArrayWriter) -> Void) -> JSONText {
        var bytes: [UInt8] = []
        writeArray(to: &bytes, body)
        return JSONText(alreadyJSON: bytes)
    }
}

extension JSONText: CustomStringConvertible {
    package var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// Something that JSON has a notation for. Nil is `null`.
package protocol JSONWritable {
    func writeJSON(to bytes: inout [UInt8])
}

/// Adds members to one object. A name that is added twice comes out twice.
package struct JSONObjectWriter {
    fileprivate var bytes: [UInt8] = [Byte.openBrace]

    package mutating func add(_ name: String, _ value: some JSONWritable) {
        begin(name)
        value.writeJSON(to: &bytes)
    }

    package mutating func object(_ name: String, _ body: (inout JSONObjectWriter) -> Void) {
        begin(name)
        writeObject(to: &bytes, body)
    }

    package mutating func array(_ name: String, _ body: (inout JSONArrayWriter) -> Void) {
        begin(name)
        writeArray(to: &bytes, body)
    }

    private mutating func begin(_ name: String) {
        if bytes.count > 1 { bytes.append(Byte.comma) }
        name.writeJSON(to: &bytes)
        bytes.append(Byte.colon)
    }
}

/// Adds elements to one array.
package struct JSONArrayWriter {
    fileprivate var bytes: [UInt8] = [Byte.openBracket]

    package mutating func add(_ value: some JSONWritable) {
        begin()
        value.writeJSON(to: &bytes)
    }

    package mutating func object(_ body: (inout JSONObjectWriter) -> Void) {
        begin()
        writeObject(to: &bytes, body)
    }

    package mutating func array(_ body: (inout JSONArrayWriter) -> Void) {
        begin()
        writeArray(to: &bytes, body)
    }

    private mutating func begin() {
        if bytes.count > 1 { bytes.append(Byte.comma) }
    }
}

private func writeObject(to bytes: inout [UInt8], _ body: (inout JSONObjectWriter) -> Void) {
    var writer = JSONObjectWriter()
    body(&writer)
    bytes += writer.bytes
    bytes.append(Byte.closeBrace)
}

private func writeArray(to bytes: inout [UInt8], _ body: (inout JSONArrayWriter) -> Void) {
    var writer = JSONArrayWriter()
    body(&writer)
    bytes += writer.bytes
    bytes.append(Byte.closeBracket)
}

extension JSONText: JSONWritable {
    /// Goes in as it stands.
    package func writeJSON(to output: inout [UInt8]) { output += bytes }
}

extension Bool: JSONWritable {
    package func writeJSON(to bytes: inout [UInt8]) { bytes += (self ? "true" : "false").utf8 }
}

extension Optional: JSONWritable where Wrapped: JSONWritable {
    package func writeJSON(to bytes: inout [UInt8]) {
        if let self { self.writeJSON(to: &bytes) } else { bytes += "null".utf8 }
    }
}

extension JSONWritable where Self: BinaryInteger {
    package func writeJSON(to bytes: inout [UInt8]) { bytes += String(self).utf8 }
}
extension Int: JSONWritable {}
extension Int32: JSONWritable {}
extension Int64: JSONWritable {}
extension UInt32: JSONWritable {}
extension UInt64: JSONWritable {}

extension Double: JSONWritable {
    /// The shortest text that reads back as the same number; `null` for what JSON has no number for.
    package func writeJSON(to bytes: inout [UInt8]) { bytes += (isFinite ? "\(self)" : "null").utf8 }
}

extension String: JSONWritable {
    package func writeJSON(to bytes: inout [UInt8]) {
        bytes.append(Byte.quote)
        // Nearly all are copied as they are.
        if utf8.allSatisfy({ $0 >= 0x20 && $0 != Byte.quote && $0 != Byte.backslash }) {
            bytes += utf8
        } else {
            for byte in utf8 { appendEscaped(byte, to: &bytes) }
        }
        bytes.append(Byte.quote)
    }
}

private func appendEscaped(_ byte: UInt8, to bytes: inout [UInt8]) {
    switch byte {
    case Byte.quote, Byte.backslash: bytes += [Byte.backslash, byte]
    case 0x08: bytes += [Byte.backslash, UInt8(ascii: "b")]
    case 0x09: bytes += [Byte.backslash, Byte.t]
    case 0x0A: bytes += [Byte.backslash, Byte.n]
    case 0x0C: bytes += [Byte.backslash, Byte.f]
    case 0x0D: bytes += [Byte.backslash, UInt8(ascii: "r")]
    case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        bytes += [Byte.backslash, UInt8(ascii: "u"), Byte.zero, Byte.zero]
        bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    default: bytes.append(byte)
    }
}
