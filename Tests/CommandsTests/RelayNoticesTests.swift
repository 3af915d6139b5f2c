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
                == "corral run: ended by its relay: why (rule action; relay.actions, relay.violation: kill)")
        #expect(
            RelayNotices.ending(RelayViolation(rule: .pending, reason: "why"))
                == "corral run: ended by its relay: why (rule pending; relay.violation: kill)")
    }
}
