/// JSON on many lines, as people read it.
package enum IndentedJSON {
    package static func text(_ json: JSONText) -> String {
        var result: [UInt8] = []
        var depth = 0
        var isInText = false
        var isEscaped = false
        for (index, byte) in json.bytes.enumerated() {
            if isInText {
                result.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                result.append(byte)
                depth += 1
                if !isClosed(json.bytes, index) { newLine(depth, &result) }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if !isOpen(result) { newLine(depth, &result) }
                result.append(byte)
            case UInt8(ascii: ","):
                result.append(byte)
                newLine(depth, &result)
            case UInt8(ascii: ":"): result += ": ".utf8
            default:
                isInText = byte == UInt8(ascii: "\"")
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isClosed(_ bytes: [UInt8], _ index: Int) -> Bool {
        let next = bytes.indices.contains(index + 1) ? bytes[index + 1] : 0
        return next == UInt8(ascii: "}") || next == UInt8(ascii: "]")
    }

    private static func isOpen(_ bytes: [UInt8]) -> Bool {
        bytes.last == UInt8(ascii: "{") || bytes.last == UInt8(ascii: "[")
    }

    private static func newLine(_ depth: Int, _ result: inout [UInt8]) {
        result.append(UInt8(ascii: "\n"))
        result += String(repeating: "  ", count: depth).utf8
    }
}
