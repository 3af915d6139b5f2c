import Tables
import Testing
import Wire

@Suite struct TextTableTests {
    private func table(_ rows: [[String]]) -> TextTable {
        var table = TextTable([
            .init("ID"), .init("NAME", least: 6), .init("SIZE", isNumber: true), .init("LABELS", least: 4),
        ])
        for row in rows { table.add(row) }
        return table
    }

    @Test func `columns begin at the same place whatever is written in them`() {
        let lines = table([
            ["0123456789ab", "计划", "1.5 GiB", "a=b"], ["ba9876543210", "e\u{301}té", "12 B", ""],
            ["000000000000", "👨‍👩‍👧", "128 MiB", "k=值"],
        ]).lines()
        #expect(
            lines == [
                "ID             NAME      SIZE   LABELS", "0123456789ab   计划   1.5 GiB   a=b",
                "ba9876543210   e\u{301}té       12 B", "000000000000   👨‍👩‍👧     128 MiB   k=值",
            ])
        // The place of the last column, counted as a terminal does.
        for line in [lines[0], lines[1], lines[3]] {
            let end = line.lastIndex(of: " ").map { line.index(after: $0) } ?? line.startIndex
            #expect(DisplayWidth.of(line[..<end]) == 32)
        }
    }

    @Test func `on a narrow terminal the widest column that may is cut, and none below its least`() {
        let full = table([["0123456789ab", "a-very-long-name", "1 B", String(repeating: "值", count: 20)]])
        for width in [38, 45, 60, 70] {
            let lines = full.lines(width: width)
            #expect(lines.allSatisfy { DisplayWidth.of($0) <= width }, "\(width): \(lines)")
            #expect(lines[1].hasPrefix("0123456789ab ") && lines[1].contains("…"))
        }
        #expect(full.lines(width: 200) == full.lines())
        // What cannot be cut further is wider than the terminal.
        let least = full.lines(width: 10)
        #expect(least[1] == "0123456789ab   a-ver…    1 B   值…")
        #expect(!full.lines()[1].contains("…"))
    }

    @Test func `colours change nothing but colours`() {
        let cells = ["0123456789ab", "计划", "1 B", "值值值值值值"]
        var tinted = table([])
        tinted.add(cells, tints: [.bad, nil, .good, .faint])
        for width in [nil, 34, 40] {
            let plain = table([cells]).lines(width: width)
            let lines = tinted.lines(width: width)
            #expect(lines[1].contains("\u{1B}[31m0123456789ab\u{1B}[0m   计划"))
            #expect(lines[1].hasSuffix("\u{1B}[0m") && lines[0] == plain[0])
            var bare = lines[1].replacing("\u{1B}[0m", with: "")
            for tint in Tint.allCases { bare = bare.replacing("\u{1B}[\(tint.rawValue)m", with: "") }
            #expect(bare == plain[1])
        }
    }

    @Test func `a heading stands alone where there is nothing, and rows are filled up`() {
        #expect(table([]).lines() == ["ID   NAME   SIZE   LABELS"])
        #expect(table([["a"], ["a", "b", "c", "d", "e"]]).lines()[1...] == ["a", "a    b         c   d"])
    }

    @Test func `no text of others reaches the terminal as it is`() {
        let line = table([["\u{1B}[2J", "a\nb\tc", "\r", "\u{202E}x"]]).lines()[1]
        #expect(line == "\\u{1b}[2J   a\\u{a}b\\u{9}c   \\u{d}   \\u{202e}x")
    }
}

@Suite struct ListingTests {
    private struct Thing {
        let id: String
        let name: String
        let born: WallTime
    }

    private let listing = Listing<Thing>(
        columns: [
            .init("ID") { $1.id($0.id) }, .init("NAME", least: 4) { thing, _ in thing.name },
            .init("CREATED", tint: { $0.name == "b" ? .good : nil }) { $1.time($0.born) },
            .init("EXTRA", isWide: true) { _, _ in "more" },
        ],
        name: { $1.id($0.id) },
        json: { thing in
            JSONText.object {
                $0.add("id", thing.id)
                $0.add("name", thing.name)
                $0.add("created", thing.born.rfc3339)
            }
        })
    private let now = WallTime(milliseconds: 1_700_000_000_000)
    private var things: [Thing] {
        [
            Thing(
                id: "0123456789abcdef", name: "计划", born: WallTime(milliseconds: now.milliseconds - 120_500)),
            Thing(id: "fedcba9876543210", name: "b", born: now),
        ]
    }

    @Test func `a table has short ids and ages`() {
        #expect(
            listing.lines(things, Presentation(now: now)) == [
                "ID             NAME   CREATED", "0123456789ab   计划   2 minutes ago",
                "fedcba987654   b      Less than a second ago",
            ])
    }

    @Test func `colours are for those who want them and never in JSON`() {
        let lines = listing.lines(things, Presentation(isColoured: true, now: now))
        #expect(
            lines[2].hasSuffix("\u{1B}[32mLess than a second ago\u{1B}[0m") && !lines[1].contains("\u{1B}"))
        for format in [ListingFormat.json, .jsonl] {
            let json = listing.lines(things, Presentation(format, isColoured: true, now: now))
            #expect(json == listing.lines(things, Presentation(format, now: now)))
        }
    }

    @Test func `wide has every column and times as they are, and no-trunc whole ids`() {
        let wide = listing.lines(things, Presentation(.wide, width: 20, now: now))
        #expect(wide[0].hasSuffix("EXTRA") && wide[1].hasPrefix("0123456789ab   计划   2023-11-1"))
        #expect(wide[1].hasSuffix("   more"))
        let whole = listing.lines(things, Presentation(isUncut: true, width: 20, now: now))
        #expect(whole[1].hasPrefix("0123456789abcdef   ") && !whole[0].contains("EXTRA"))
        #expect(whole[1].contains("2023-11-1"))
        let cut = listing.lines(things, Presentation(width: 30, now: now))
        #expect(cut[0].hasPrefix("ID             NAME"))
    }

    @Test func `json is one array, jsonl an object a line, and both have times in UTC`() throws {
        let json = listing.lines(things, Presentation(.json, width: 10, now: now))
        #expect(json.count == 1)
        guard case .array(let items) = try JSONTree(parsing: Array(json[0].utf8)).value else {
            Issue.record("no array")
            return
        }
        #expect(items.count == 2)
        let lines = listing.lines(things, Presentation(.jsonl, now: now))
        #expect(
            lines[0]
                == "{\"id\":\"0123456789abcdef\",\"name\":\"计划\",\"created\":\"2023-11-14T22:11:19.500Z\"}")
        #expect(lines.count == 2 && json[0] == "[\(lines.joined(separator: ","))]")
        #expect(listing.lines([], Presentation(.json, now: now)) == ["[]"])
        #expect(listing.lines([], Presentation(.jsonl, now: now)) == [])
    }

    @Test(arguments: ListingFormat.allCases)
    func `quiet is ids and nothing else, whatever the format`(format: ListingFormat) {
        #expect(
            listing.lines(things, Presentation(format, isQuiet: true, now: now))
                == ["0123456789ab", "fedcba987654"])
        #expect(
            listing.lines(things, Presentation(format, isQuiet: true, isUncut: true, now: now))
                == ["0123456789abcdef", "fedcba9876543210"])
    }
}
