import Testing

@testable import Service

/// `Range` as clients send it.
@Suite struct ByteRangeTests {
    @Test(
        arguments: [
            ("bytes=0-0", 0..<1), ("bytes=2-", 2..<10), ("bytes=-4", 6..<10), ("bytes=-10", 0..<10),
            ("bytes=-11", 0..<10), ("bytes=9-9", 9..<10), ("bytes=0-18446744073709551615", 0..<10),
            ("Bytes= 1-2 ", 1..<3), ("bytes=0-99999999999999999999999", 0..<10),
        ] as [(String, Range<UInt64>)])
    func `a range is a part of what there is`(field: String, expected: Range<UInt64>) {
        #expect(ByteRange(field)?.part(of: 10) == expected)
    }

    @Test(arguments: ["bytes=10-", "bytes=10-11", "bytes=-0", "bytes=99999999999999999999999-"])
    func `a range of nothing is none`(field: String) {
        #expect(ByteRange(field) != nil && ByteRange(field)?.part(of: 10) == nil)
        #expect(ByteRange("bytes=0-")?.part(of: 0) == nil && ByteRange("bytes=-1")?.part(of: 0) == nil)
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=-", "bytes=2-1", "bytes=a-b", "bytes=1-2,3-4", "bytes=+1-2",
        "bytes=1--2",
        "bytes=1-2-3", "items=1-2", "bytes 1-2", "bytes=٣-٤",
        "bytes=" + String(repeating: "0", count: 100) + "-1",
    ])
    func `what is no single range is not heeded`(field: String) { #expect(ByteRange(field) == nil) }
}
