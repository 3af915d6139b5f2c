import Testing

@testable import Wire

/// Keys that look alike to what compares them first: a word of their length and outermost bytes.
@Suite struct JSONKeysTests {
    /// Keys that differ only between their first and last eight bytes.
    private static func keys(_ count: Int) -> [String] {
        (0..<count).map { "12345678\(10_000 + $0)12345678" }
    }

    private static func object(_ keys: [String]) -> [UInt8] {
        Array("{\(keys.map { "\"\($0)\":{\"x\":1}" }.joined(separator: ","))}".utf8)
    }

    /// 32 keys are compared as they come; more are sorted at the end.
    @Test(arguments: [2, 31, 32, 33, 34, 100, 5_000])
    func `keys that only their middle tells apart are no duplicates`(count: Int) throws {
        #expect(try scan(Self.object(Self.keys(count))) == .object)
        #expect(try scan(Self.object(Self.keys(count).reversed())) == .object)
    }

    @Test(arguments: [2, 31, 32, 33, 34, 100, 5_000])
    func `the first key that comes again is found, however it is written`(count: Int) {
        var random = Random(seed: UInt64(count))
        let keys = Self.keys(count)
        for escaped in [false, true] {
            let original = random.below(count)
            let place = original + 1 + random.below(count - original)
            let again = escaped ? keys[original].replacing("5", with: "\\u0035") : keys[original]
            let front = Self.object(Array(keys[..<place])).count
            let text = Self.object(keys[..<place] + [again] + keys[place...])
            #expect(throws: JSONError(.duplicateKey, at: front)) { _ = try scan(text) }
        }
    }

    @Test(arguments: 0...17)
    func `a key is told from one byte more, one less and one other at each length`(length: Int) throws {
        let key = String("abcdefghijklmnopqrstuvwxyz".prefix(length))
        let others = (0..<length).map { place in
            String(key.enumerated().map { $0.offset == place ? "Z" : $0.element })
        }
        let all = [key, key + "y"] + (length > 1 ? [String(key.dropFirst())] : []) + others
        #expect(try scan(Self.object(all)) == .object)
        for one in all { #expect(throws: JSONError.self) { _ = try scan(Self.object(all + [one])) } }
    }

    @Test func `a scanner's memory grows in the middle of a text and every member is seen once`() throws {
        // More keys are open than there is room for, at several depths.
        let inner = String(decoding: Self.object(Self.keys(200)), as: UTF8.self)
        let keys = (0..<90).map { "k\($0)" }
        let text =
            "{\(keys.map { "\"\($0)\":\($0 == "k80" ? inner : "[{},{\"a\":{\"a\":0}}]")" }.joined(separator: ","))}"
        let bytes = Array(text.utf8)
        var seen: [String] = []
        var scanner = JSONScanner()
        let kind = try scanner.scan(bytes.span) { member in seen.append(member.key.text(in: bytes.span)) }
        #expect(kind == .object)
        #expect(seen == keys)
    }
}
