import Glibc
import Linux
import Relay
import Testing

@testable import Commands

/// What is refused was written by somebody who may want to forge a log.
@Suite struct RelayNoticesTests {
    @Test func `a refusal is one line with its rule`() {
        #expect(
            RelayNotices.line(.action, "an answer asks for the action \"x\"")
                == "corral run: relay: refused (action): an answer asks for the action \"x\"")
    }

    @Test(arguments: [
        "\n", "\r", "\u{1B}[2J", "\u{7}", "\u{9B}", "\u{2028}", "\u{202E}", "\u{200B}", "\u{0}",
    ])
    func `nothing in a reason ends the line or moves the cursor`(text: String) {
        let line = RelayNotices.line(.call, "a\(text)corral run: b")
        #expect(line.hasPrefix("corral run: relay: refused (call): a\\u{"))
        #expect(line.hasSuffix("corral run: b"))
        #expect(!line.unicodeScalars.contains { text.unicodeScalars.first == $0 })
        let ending = RelayNotices.ending(RelayViolation(rule: .call, reason: "a\(text)b"))
        #expect(!ending.unicodeScalars.contains { text.unicodeScalars.first == $0 })
    }

    /// Less than a pipe that is ready takes without blocking.
    @Test func `a line has a bounded length, escaped or made of marks`() {
        for text in ["a", "\u{10FFFF}", "e\u{301}", "\u{301}"] {
            let line = RelayNotices.line(.inFlight, String(repeating: text, count: 100_000))
            #expect(line.utf8.count < 4096 && line.hasSuffix("..."), "\(text)")
        }
    }

    @Test func `the last line names the rule, the reason and the keys`() {
        #expect(
            RelayNotices.ending(RelayViolation(rule: .action, reason: "why"))
                == "refused by the relay: why (rule action; relay.actions, relay.violation: kill)")
        #expect(
            RelayNotices.ending(RelayViolation(rule: .pending, reason: "why"))
                == "refused by the relay: why (rule pending; relay.violation: kill)")
    }

    /// Standard error is a pipe that is full and that nobody reads: whoever is to write stays free.
    @Test func `a line waits for a reader, and nobody waits for the line`() async {
        await #expect(processExitsWith: .success) {
            let pipe = try Pipe.make()
            let (reading, writing) = (pipe.reading.number, pipe.writing.number)
            let flags = fcntl(writing, F_GETFL)
            _ = fcntl(writing, F_SETFL, flags | O_NONBLOCK)
            var block = [UInt8](repeating: 0x78, count: 4096)
            var filled = 0
            while case let count = unsafe write(writing, block, block.count), count > 0 { filled += count }
            _ = fcntl(writing, F_SETFL, flags)
            let old = dup(2)
            dup2(writing, 2)
            var notices = RelayNotices()
            notices.add([(.call, "one"), (.rate, "two")])
            notices.write()
            while filled > 0 { filled -= unsafe read(reading, &block, block.count) }
            var waiting = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
            let early = unsafe poll(&waiting, 1, 0)
            notices.write()
            dup2(old, 2)
            let count = unsafe read(reading, &block, block.count)
            try #require(early == 0 && count > 0)
            let said = String(decoding: block[..<count], as: UTF8.self)
            #expect(
                said == "corral run: relay: refused (call): one\ncorral run: relay: refused (rate): two\n")
        }
    }
}
