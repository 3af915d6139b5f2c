import CLinux
import Glibc
import Sandbox
import Tables

// Options that every command with a list of what a daemon has shares, under docker's names.
extension Command.Option {
    static let listing: [Command.Option] = [
        .init(
            "output", short: "o", value: ListingFormat.allCases.map(\.rawValue).joined(separator: "|"),
            help: "table is the default; wide has all columns, jsonl an object a line",
            kind: .words(ListingFormat.allCases.map(\.rawValue))),
        .init("quiet", short: "q", help: "print ids and nothing else"),
        .init("no-trunc", help: "print ids whole and times as they are, cut nothing"),
    ]

    /// `--filter`, for these keys.
    static func filter(_ keys: [Filters.Key]) -> Command.Option {
        .init(
            "filter", short: "f", value: "KEY=VALUE", repeats: true,
            help: "print only what has it; KEY is \(keys.map(\.name).joined(separator: ", "))")
    }

    /// What part of a log is printed.
    static let logPart: [Command.Option] = [
        .init("tail", short: "n", value: "N|all", help: "begin so many lines before the end"),
        .init("since", value: "TIME", help: "begin then: 10m ago, 2026-11-21T10:00:00Z, 2026-11-21"),
        .init("until", value: "TIME", help: "end then"),
    ]
}

extension Arguments {
    /// How a list is printed on standard output.
    func presentation(now: WallTime = .now) -> Presentation {
        let format = value("output").flatMap(ListingFormat.init) ?? .table
        return Presentation(
            format, isQuiet: has("quiet"), isUncut: has("no-trunc"), width: Terminal.width(1),
            isColoured: Style.of(1).isColoured, now: now)
    }

    func filters(_ keys: [Filters.Key], now: WallTime = .now) throws(CommandError) -> Filters {
        do throws(ValueError) {
            return try Filters(all("filter"), keys: keys, now: now)
        } catch {
            throw CommandError("--filter: \(error.problem)")
        }
    }

    /// The lines from the end that `--tail` asks for; nil for all.
    func tail() throws(CommandError) -> UInt64? {
        guard let text = value("tail") else { return nil }
        do throws(ValueError) {
            return try Tail.read(text)
        } catch {
            throw CommandError("--tail: \(error.problem)")
        }
    }

    /// The moment that an option names; nil where it is not given.
    func time(_ option: String, now: WallTime = .now) throws(CommandError) -> WallTime? {
        guard let text = value(option) else { return nil }
        do throws(ValueError) {
            return try WallTime.read(text, now: now)
        } catch {
            throw CommandError("--\(option): \(error.problem)")
        }
    }
}

extension Terminal {
    /// The columns of the terminal at a descriptor; nil where there is none, or one of no width.
    static func width(_ number: CInt) -> Int? {
        var (rows, columns): (UInt16, UInt16) = (0, 0)
        guard unsafe clinux_terminal_size(number, &rows, &columns) == 0, columns > 0 else { return nil }
        return Int(columns)
    }

    /// The lines of the terminal at a descriptor; nil where there is none, or one of no height.
    static func height(_ number: CInt) -> Int? {
        var (rows, columns): (UInt16, UInt16) = (0, 0)
        guard unsafe clinux_terminal_size(number, &rows, &columns) == 0, rows > 0 else { return nil }
        return Int(rows)
    }
}
