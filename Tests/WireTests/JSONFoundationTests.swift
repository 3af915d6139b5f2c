import Foundation
import Testing

@testable import Wire

/// The scanner beside Foundation's JSONSerialization. Where the two disagree the reason is one of a few,
/// which are listed here; anything else is a failure.
@Suite struct JSONFoundationTests {
    /// Why Foundation may take what the scanner refuses, or the other way round; nil for no good reason.
    private static func reason(_ text: [UInt8], _ refusal: JSONError?) -> String? {
        switch refusal?.problem {
        case .duplicateKey: return "Foundation keeps one of two members with the same key"
        case .tooDeep: return "Foundation goes 512 containers deep"
        case .loneSurrogate: return "Foundation replaces half of a surrogate pair"
        case .expected(.value, found: Byte.closeBracket), .expected(.key, found: Byte.closeBrace):
            return "Foundation takes a comma behind the last element or member"
        case .some:
            // Of other encodings it finds the one by where the zero bytes are.
            if text.prefix(4).contains(0) || text.starts(with: [0xEF, 0xBB, 0xBF]) {
                return "Foundation takes UTF-16, UTF-32 and a byte order mark"
            }
            return nil
        case nil:
            let digits = text.filter { (0x30...0x39).contains($0) }.count
            let hasExponent = text.contains { $0 | 0x20 == 0x65 }
            return digits > 15 || hasExponent ? "Foundation refuses numbers that no double holds" : nil
        }
    }

    private static func foundationTakes(_ text: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
    }

    /// Refusals that Foundation does not share, and texts that it refuses, without a reason above.
    private static func unexplained(_ texts: [[UInt8]]) -> [String] {
        texts.compactMap { text in
            var refusal: JSONError?
            do throws(JSONError) { _ = try scan(text) } catch { refusal = error }
            guard (refusal == nil) != foundationTakes(text), reason(text, refusal) == nil else { return nil }
            let ours = refusal.map { "refused (\($0))" } ?? "accepted"
            return "\(ours): \(String(decoding: text, as: UTF8.self)) \(text)"
        }
    }

    @Test func `the scanner and Foundation agree on 20,000 mutated texts`() {
        var random = Random(seed: 7)
        let texts = (0..<20_000).map { _ in JSONPythonTests.mutated(&random) }
        #expect(Self.unexplained(texts).prefix(5) == [])
        let accepted = texts.count { Self.foundationTakes($0) }
        #expect(accepted > 2_000 && accepted < 18_000, "\(accepted)")
    }

    @Test func `the scanner and Foundation agree on every text of the other tests`() {
        let texts =
            JSONScannerTests.good.map { Array($0.0.utf8) } + JSONScannerTests.bad.map { Array($0.0.utf8) }
        #expect(Self.unexplained(texts + JSONScannerTests.notUTF8.map { [0x22] + $0 + [0x22] }) == [])
    }

    /// Each difference is one: were Foundation to change, its reason would have to go.
    @Test(arguments: [
        #"{"a":1,"a":2}"#, String(repeating: "[", count: 65) + String(repeating: "]", count: 65),
        "\u{FEFF}{}", "[1,]", #"{"a":1,}"#,
    ])
    func `Foundation takes what the scanner refuses`(text: String) {
        #expect(Self.foundationTakes(Array(text.utf8)))
        #expect(throws: JSONError.self) { _ = try scan(Array(text.utf8)) }
    }
}
