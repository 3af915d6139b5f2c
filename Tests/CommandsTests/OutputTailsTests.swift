import Testing

@testable import Commands

@Suite struct OutputTailsTests {
    /// The line about what is missing, and the tail.
    private static func text(_ tails: inout OutputTails, _ stream: OutputTails.Stream) -> String {
        String(decoding: tails.take(stream).joined(), as: UTF8.self)
    }

    @Test func `what fits is kept whole, without a line`() {
        var tails = OutputTails(capacity: 10)
        tails.append(Array("12345".utf8), to: .output)
        tails.append(Array("abcde".utf8), to: .errors)
        #expect(tails.leftOut == 0)
        #expect(Self.text(&tails, .output) == "12345" && Self.text(&tails, .errors) == "abcde")
    }

    @Test func `one stream has the whole room where the other is silent`() {
        var tails = OutputTails(capacity: 4)
        for byte in "0123456789".utf8 { tails.append([byte], to: .errors) }
        #expect(tails.leftOut == 6)
        #expect(Self.text(&tails, .errors) == "\n... 6 bytes left out ...\n6789")
        #expect(Self.text(&tails, .output) == "")
    }

    @Test func `a flood does not push out what the other stream said`() {
        var tails = OutputTails(capacity: 10)
        tails.append(Array("err".utf8), to: .errors)
        for _ in 0..<100 { tails.append(Array("flood".utf8), to: .output) }
        #expect(tails.leftOut == 493)
        #expect(Self.text(&tails, .errors) == "err")
        #expect(
            Self.text(&tails, .output)
                == "\n... 493 bytes left out ...\noodflood".replacing("oodflood", with: "odflood"))
    }

    @Test func `two floods share the room, half each`() {
        var tails = OutputTails(capacity: 10)
        for _ in 0..<100 {
            tails.append(Array("abcdefg".utf8), to: .output)
            tails.append(Array("uvwxyz".utf8), to: .errors)
        }
        #expect(tails.leftOut == 1290)
        #expect(Self.text(&tails, .output) == "\n... 695 bytes left out ...\ncdefg")
        #expect(Self.text(&tails, .errors) == "\n... 595 bytes left out ...\nvwxyz")
    }

    @Test func `without any room everything is counted`() {
        var tails = OutputTails(capacity: 0)
        tails.append(Array("abc".utf8), to: .output)
        #expect(tails.leftOut == 3 && Self.text(&tails, .output) == "\n... 3 bytes left out ...\n")
    }

    /// Pieces of any size against one array that holds everything.
    @Test func `the tail is exactly what came last, whatever the pieces`() {
        for capacity in [1, 65_535, 65_536, 200_000, 10_000_000] {
            var tails = OutputTails(capacity: capacity)
            var all: [UInt8] = []
            var size = 1
            while all.count < 1_500_000 {
                size = (size * 7919 + 13) % 70_000
                let bytes = (0..<size).map { UInt8(truncatingIfNeeded: all.count + $0 &* 31) }
                tails.append(bytes, to: .output)
                all += bytes
            }
            let kept = min(capacity, all.count)
            #expect(tails.leftOut == UInt64(all.count - kept))
            var expected = all.suffix(kept).map(\.self)
            if kept < all.count {
                expected = Array("\n... \(all.count - kept) bytes left out ...\n".utf8) + expected
            }
            let isSame = Array(tails.take(.output).joined()) == expected
            #expect(isSame, "capacity \(capacity)")
        }
    }
}
