import Glibc
import Tables
import TestSupport
import Testing

@testable import Commands

@Suite struct ListingOptionsTests {
    private static let keys: [Filters.Key] = [.init("label", .label), .init("state", .words(["running"]))]

    private func arguments(_ words: String...) throws -> Arguments {
        let command = Command(
            "try", summary: "Try.",
            options: Command.Option.listing + [.filter(Self.keys)] + Command.Option.logPart
                + ConfigCommand.options
        ) { _ in 0 }
        return try Arguments(parsing: words, for: command)
    }

    @Test func `formats are docker's and a wrong one is told`() throws {
        for format in ListingFormat.allCases {
            #expect(try arguments("-o", format.rawValue).presentation().format == format)
        }
        let plain = try arguments().presentation()
        #expect(plain.format == .table && !plain.isQuiet && !plain.isUncut)
        let all = try arguments("-q", "--no-trunc", "--output=jsonl").presentation()
        #expect(all.isQuiet && all.isUncut && all.format == .jsonl)
        let error = #expect(throws: UsageError.self) { try arguments("-o", "jsno") }
        #expect(error?.description.contains("did you mean json?") == true)
    }

    @Test func `filters, tail and times are read with the option that is wrong`() throws {
        let given = try arguments("-f", "label=a=b", "--filter", "state=running", "-n", "5", "--since", "10m")
        #expect(try given.filters(Self.keys).all.map(\.text) == ["label=a=b", "state=running"])
        let now = WallTime(milliseconds: 1_700_000_000_000)
        #expect(try given.tail() == 5)
        #expect(try given.time("since", now: now) == WallTime(milliseconds: 1_699_999_400_000))
        #expect(try given.time("until", now: now) == nil && arguments().tail() == nil)
        #expect(try arguments("--tail", "all").tail() == nil)
        for (words, message) in [
            (["-f", "stat=running"], "--filter: \"stat\" is nothing to filter by; did you mean state?"),
            (["--tail", "x"], "--tail: \"x\" is not a whole number"),
            (["--since", "x"], "--since: \"x\" is not a time"),
        ] {
            let wrong = try Arguments(
                parsing: words,
                for: Command(
                    "try", summary: "Try.", options: [.filter(Self.keys)] + Command.Option.logPart
                ) { _ in 0 })
            let error = #expect(throws: CommandError.self) {
                _ = try wrong.filters(Self.keys)
                _ = try wrong.tail()
                _ = try wrong.time("since")
            }
            #expect(error?.description.hasPrefix(message) == true, "\(String(describing: error))")
        }
    }

    @Test func `the width is the terminal's, and none where there is none`() throws {
        let file = try TemporaryDirectory().write("x", "")
        let number = unsafe open(file, O_RDONLY)
        defer { _ = close(number) }
        #expect(Terminal.width(number) == nil && Terminal.width(-1) == nil)
        let terminal = unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        defer { _ = close(terminal) }
        try #require(terminal >= 0)
        #expect(Terminal.width(terminal) == nil, "one of no width")
        var size = winsize(ws_row: 24, ws_col: 77, ws_xpixel: 0, ws_ypixel: 0)
        #expect(unsafe ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0)
        #expect(Terminal.width(terminal) == 77)
    }

    @Test func `columns are aligned by what a terminal shows`() {
        #expect(Columns.lines([["计划", "x"], ["abc", "y"]]) == ["计划  x", "abc   y"])
    }
}
