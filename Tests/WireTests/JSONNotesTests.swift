import TestSupport
import Testing

@testable import Wire

/// Objects and arrays inside one another whose keys are often names that are looked for, or nearly so.
private struct RandomMembers {
    var random: Random

    mutating func text(depth: Int = 0) -> String {
        switch depth == 0 ? 0 : depth > 4 ? 5 + random.below(4) : random.below(9) {
        case 0...2:
            // A number behind most keys keeps them apart; where it does not, the scanner refuses the text.
            let members = (0..<random.below(5)).map { index in
                "\(space())\"\(key())\(random.below(8) == 0 ? "\(index)" : "")\"\(space()):\(space())"
                    + "\(text(depth: depth + 1))\(space())"
            }
            return "{\(members.joined(separator: ","))}"
        case 3, 4:
            return "[\((0..<random.below(4)).map { _ in text(depth: depth + 1) }.joined(separator: ","))]"
        case 5...7: return "\"\(letters())\""
        default: return ["0", "null", "-1.5e3", "true"][random.below(4)]
        }
    }

    private mutating func space() -> String { ["", "", " ", "\n", "\t \r"][random.below(5)] }

    private mutating func key() -> String {
        let keys = [
            "url", "href", "src", "link", "image", #"\u0075rl"#, #"ur\u006C"#, #"\u0068\u0072\u0065\u0066"#,
            #"s\u0072c"#, #"lin\u006b"#, #"imag\u0065"#, "URL", "ur", "urls", "hrefs", "imageurl",
            #"image\\"#, #"url\u0000"#, #"\"url"#, "a", "", "é", "data", "actions",
        ]
        return keys[random.below(keys.count)]
    }

    private mutating func letters() -> String {
        let parts = ["https://a", #"\""#, #"\\"#, "url", #"\"url\":\"x\""#, "}", #"\u00e9"#, "😀"]
        return (0..<random.below(4)).map { _ in parts[random.below(parts.count)] }.joined()
    }
}

@Suite struct JSONNotesTests {
    private static let names = JSONNames(["url", "href", "src", "link", "image"])

    private func noted(in value: Range<Int>, _ bytes: [UInt8], _ scanner: JSONScanner) -> [JSONString] {
        var found: [JSONString] = []
        scanner.strings(in: value, of: bytes.span) {
            found.append($0)
            return true
        }
        return found
    }

    private func walked(in value: Range<Int>, _ bytes: [UInt8]) -> [JSONString] {
        var found: [JSONString] = []
        let span = bytes.span
        JSONWalk.strings(in: value, of: span) { key, string in
            if ["url", "href", "src", "link", "image"].contains(key.text(in: span)) { found.append(string) }
            return true
        }
        return found
    }

    @Test func `what was noted is what a walk finds, in the whole and in each member`() {
        var source = RandomMembers(random: Random(seed: 71))
        var scanner = JSONScanner(noting: Self.names)
        var (good, strings, escaped) = (0, 0, 0)
        for _ in 0..<20_000 {
            let bytes = Array(source.text().utf8)
            var values = [0..<bytes.count]
            guard (try? scanner.scan(bytes.span) { values.append($0.value) }) != nil else { continue }
            good += 1
            for value in values {
                let expected = walked(in: value, bytes)
                strings += expected.count
                escaped += expected.count { $0.escaped }
                #expect(
                    noted(in: value, bytes, scanner) == expected,
                    "\(value) of \(String(decoding: bytes, as: UTF8.self))")
            }
        }
        // Neither side may be trivially right.
        #expect(good > 10_000 && strings > 5_000 && escaped > 500, "\(good) \(strings) \(escaped)")
    }

    @Test func `a string that is itself the value of a name is not inside itself`() throws {
        let bytes = Array(#"{"link":"javascript:1","result":{"link":"https://a"}}"#.utf8)
        var scanner = JSONScanner(noting: Self.names)
        var values: [Range<Int>] = []
        _ = try scanner.scan(bytes.span) { values.append($0.value) }
        #expect(
            values.map { noted(in: $0, bytes, scanner).map { $0.text(in: bytes.span) } } == [
                [], ["https://a"],
            ])
    }

    @Test(arguments: [-1, 0, 1, 700])
    func `more places than are kept are found none the less`(beyond: Int) throws {
        let count = JSONNotes.most + beyond
        let rows = (0..<count).map { #"{"url":"https://\#($0)"}"# }.joined(separator: ",")
        let bytes = Array("[\(rows)]".utf8)
        var scanner = JSONScanner(noting: Self.names)
        // Twice: what is full once must not stay so, nor be taken for the next text's.
        for _ in 0..<2 {
            _ = try scanner.scan(bytes.span)
            let found = noted(in: 0..<bytes.count, bytes, scanner)
            #expect(found.count == count)
            #expect(found.last?.text(in: bytes.span) == "https://\(count - 1)")
            let short = Array(#"{"src":"x"}"#.utf8)
            _ = try scanner.scan(short.span)
            #expect(noted(in: 0..<short.count, short, scanner).map { $0.text(in: short.span) } == ["x"])
        }
    }

    @Test func `a text that was refused leaves nothing for the next one`() throws {
        var scanner = JSONScanner(noting: Self.names)
        let bad = Array(#"{"url":"a","url":"b"}"#.utf8)
        #expect(throws: JSONError.self) { _ = try scanner.scan(bad.span) }
        let good = Array(#"{"uri":"a","urk":"b"}"#.utf8)
        _ = try scanner.scan(good.span)
        #expect(noted(in: 0..<good.count, good, scanner).isEmpty)
    }

    @Test func `names whose bits in the filter are one and the same are told apart`() throws {
        // 64 bits, 26 * 26 keys: several share the bit of each name.
        var scanner = JSONScanner(noting: JSONNames(["ab"]))
        let letters = (UInt8(ascii: "a")...UInt8(ascii: "z")).map { String(UnicodeScalar($0)) }
        let members = letters.flatMap { first in letters.map { #""\#(first)\#($0)":"\#(first)\#($0)""# } }
        let bytes = Array("{\(members.joined(separator: ","))}".utf8)
        _ = try scanner.scan(bytes.span)
        #expect(noted(in: 0..<bytes.count, bytes, scanner).map { $0.text(in: bytes.span) } == ["ab"])
    }
}
