// Bytes and times in JSON, compared with Python's.

import TestSupport
import Testing

@testable import API

struct ValueTests {
    @Test func `base64 is Python's, both ways`() throws {
        var random = SystemRandomNumberGenerator()
        var samples: [[UInt8]] = (0..<70).map { count in (0..<count).map { UInt8($0 & 255) } }
        for _ in 0..<500 {
            let count = Int.random(in: 0..<200, using: &random)
            samples.append((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
        let lines = samples.map { bytes in bytes.map { padded($0) }.joined() }.joined(separator: "\n")
        let script = """
            import base64, sys
            for line in sys.stdin.read().split("\\n"): print(base64.b64encode(bytes.fromhex(line)).decode())
            """
        let output = String(decoding: try Python.run(script, input: Array(lines.utf8)), as: UTF8.self)
        let expected = output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for (index, sample) in samples.enumerated() {
            #expect(Base64.encode(sample) == expected[index])
            #expect(Base64.decode(expected[index]) == sample)
        }
    }

    @Test(arguments: [
        "A", "AA", "AAA", "A===", "AB==", "AAB=", "AA=A", "====", "AA==AA==", "A A=", "AA-_", "ＡA==",
    ])
    func `what no encoder writes is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    private func padded(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    @Test func `times are Python's from year 1 to 9999`() throws {
        var random = SystemRandomNumberGenerator()
        var samples: [Int64] = [
            0, -1, 1, 951_782_400_000, 951_868_799_999, -62_135_596_800_000, 253_402_300_799_999,
        ]
        for _ in 0..<2000 {
            samples.append(Int64.random(in: -62_135_596_800_000...253_402_300_799_999, using: &random))
        }
        let script = """
            import datetime, sys
            start = datetime.datetime(1970, 1, 1)
            for line in sys.stdin.read().split():
                time = start + datetime.timedelta(milliseconds=int(line))
                print(time.isoformat(timespec="milliseconds") + "Z")
            """
        let input = samples.map(String.init).joined(separator: "\n")
        let output = String(decoding: try Python.run(script, input: Array(input.utf8)), as: UTF8.self)
        for (sample, expected) in zip(samples, output.split(separator: "\n")) {
            #expect(APITime(milliseconds: sample).description == expected)
            #expect(APITime(String(expected))?.milliseconds == sample)
        }
    }

    @Test func `offsets and fractions are read`() {
        #expect(APITime("1970-01-01T01:00:00+01:00")?.milliseconds == 0)
        #expect(APITime("1969-12-31t19:00:00.5-05:00")?.milliseconds == 500)
        #expect(APITime("2026-11-21 20:15:00.123456789Z")?.description == "2026-11-21T20:15:00.123Z")
    }

    @Test(
        arguments: [
            "", "2026-11-21", "2026-11-21T20:15:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
            "2026-11-21T24:00:00Z", "2026-11-21T23:59:60Z", "2026-11-21T00:00:00.Z", "2026-11-21T00:00:00Zx",
            "2026-11-21T00:00:00+24:00", "２026-11-21T00:00:00Z",
        ])
    func `what is no moment is refused`(text: String) {
        #expect(APITime(text) == nil)
    }
}
