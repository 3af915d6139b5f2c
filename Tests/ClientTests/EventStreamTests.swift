import Testing

@testable import Client

@Suite struct EventStreamTests {
    private func events(_ bytes: [UInt8], cuts: [Int] = []) throws -> [ServerEvent] {
        var decoder = EventStreamDecoder()
        var events: [ServerEvent] = []
        var start = 0
        for cut in cuts.sorted() + [bytes.count] where cut >= start {
            events += try decoder.append(bytes[start..<cut])
            start = cut
        }
        return events
    }

    /// The examples of the standard, and its corners.
    private static let streams: [(text: String, events: [ServerEvent])] = [
        ("data: a\n\n", [.init(name: "message", data: "a", id: "")]),
        ("data: YHOO\ndata: +2\ndata: 10\n\n", [.init(name: "message", data: "YHOO\n+2\n10", id: "")]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [
                .init(name: "message", data: "first event", id: "1"),
                .init(name: "message", data: "second event", id: ""),
                .init(name: "message", data: " third event", id: ""),
            ]
        ),
        (
            "data\n\ndata\ndata\n\ndata:",
            [.init(name: "message", data: "", id: ""), .init(name: "message", data: "\n", id: "")]
        ),
        (
            "\u{FEFF}event: add\r\ndata: 1\r\r\nevent: x\n\n\revent: b\rdata: 值\r\rdata: c\n\n",
            [
                .init(name: "add", data: "1", id: ""), .init(name: "b", data: "值", id: ""),
                .init(name: "message", data: "c", id: ""),
            ]
        ),
        (
            "id: 7\n\ndata: a\n\nid: 8\u{0}\ndata: b\n\nother: x\nretry: x\n",
            [
                .init(name: "message", data: "a", id: "7"), .init(name: "message", data: "b", id: "7"),
            ]
        ),
        ("data: never ended\n", []), ("", []), (":\n:\n\n", []),
    ]

    @Test(arguments: streams)
    func `a stream gives its events wherever the reads end`(text: String, expected: [ServerEvent]) throws {
        let bytes = Array(text.utf8)
        #expect(try events(bytes) == expected)
        for cut in 0...bytes.count { #expect(try events(bytes, cuts: [cut]) == expected, "\(cut)") }
        #expect(try events(bytes, cuts: Array(0...bytes.count)) == expected)
    }

    @Test func `any text goes through as an event of so many lines`() throws {
        for _ in 0..<200 {
            let lines = (0..<Int.random(in: 1...5)).map { _ in
                String(
                    (0..<Int.random(in: 0...20)).map { _ in
                        Character(["a", ":", " ", "值", "\t"].randomElement() ?? "b")
                    })
            }
            let bytes = Array(lines.map { "data: \($0)\n" }.joined().utf8) + [UInt8(ascii: "\n")]
            let cuts = (0..<3).map { _ in Int.random(in: 0...bytes.count) }
            #expect(try events(bytes, cuts: cuts).map(\.data) == [lines.joined(separator: "\n")])
        }
    }

    @Test func `an event and a line are bounded, and the time to wait is told`() throws {
        var decoder = EventStreamDecoder(limit: 100)
        _ = try decoder.append("retry: 1500\ndata: \(String(repeating: "x", count: 80))\n\n".utf8)
        #expect(decoder.retry == 1500)
        _ = try decoder.append("data: \(String(repeating: "x", count: 80))\n".utf8)
        #expect(throws: HTTPError.eventTooLarge(limit: 100)) {
            _ = try decoder.append("data: \(String(repeating: "x", count: 80))\n".utf8)
        }
        var other = EventStreamDecoder(limit: 100)
        #expect(throws: HTTPError.eventTooLarge(limit: 100)) {
            _ = try other.append(repeatElement(UInt8(ascii: "x"), count: 101))
        }
    }
}
