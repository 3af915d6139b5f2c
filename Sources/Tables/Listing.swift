package import Wire

/// How a list is printed: the values of `-o`.
package enum ListingFormat: String, CaseIterable, Sendable {
    /// For people, cut to the terminal.
    case table
    /// The same with every column, and nothing cut.
    case wide
    /// One array.
    case json
    /// An object a line.
    case jsonl
}

/// What a command shows of a list of things, in every format: one table for columns, names and JSON.
package struct Listing<Item> {
    package struct Column {
        package let shape: TextTable.Column
        /// Only with `-o wide`.
        package let isWide: Bool
        package let cell: (Item, Presentation) -> String
        /// What the cell means at a glance; for terminals alone.
        package let tint: (Item) -> Tint?

        package init(
            _ title: String, isNumber: Bool = false, least: Int? = nil, isWide: Bool = false,
            tint: @escaping (Item) -> Tint? = { _ in nil },
            cell: @escaping (Item, Presentation) -> String
        ) {
            shape = TextTable.Column(title, isNumber: isNumber, least: least)
            self.isWide = isWide
            self.tint = tint
            self.cell = cell
        }
    }

    private let columns: [Column]
    private let name: (Item, Presentation) -> String
    private let json: (Item) -> JSONText

    /// - Parameters:
    ///   - name: what `-q` prints, an id in most lists.
    ///   - json: one item as an object.
    package init(
        columns: [Column], name: @escaping (Item, Presentation) -> String,
        json: @escaping (Item) -> JSONText
    ) {
        self.columns = columns
        self.name = name
        self.json = json
    }

    /// What is printed.
    package func lines(_ items: some Collection<Item>, _ presentation: Presentation) -> [String] {
        if presentation.isQuiet { return items.map { name($0, presentation) } }
        switch presentation.format {
        case .json:
            return [JSONText.array { list in for item in items { list.add(json(item)) } }.description]
        case .jsonl: return items.map { json($0).description }
        case .table, .wide:
            let shown = columns.filter { presentation.format == .wide || !$0.isWide }
            var table = TextTable(shown.map(\.shape))
            for item in items {
                table.add(
                    shown.map { $0.cell(item, presentation) },
                    tints: presentation.isColoured ? shown.map { $0.tint(item) } : [])
            }
            return table.lines(width: presentation.isWhole ? nil : presentation.width)
        }
    }
}

/// For whom and where something is printed: what options and the terminal say, the same for every list.
package struct Presentation: Sendable {
    package var format: ListingFormat
    /// `-q`: names and nothing else.
    package var isQuiet: Bool
    /// `--no-trunc`: whole ids, absolute times, nothing cut.
    package var isUncut: Bool
    /// The terminal's columns; nil where standard output is none, and nothing is cut.
    package var width: Int?
    /// Whether somebody looks who wants colours.
    package var isColoured: Bool
    package var now: WallTime

    package init(
        _ format: ListingFormat = .table, isQuiet: Bool = false, isUncut: Bool = false, width: Int? = nil,
        isColoured: Bool = false, now: WallTime
    ) {
        self.format = format
        self.isQuiet = isQuiet
        self.isUncut = isUncut
        self.width = width
        self.isColoured = isColoured
        self.now = now
    }

    package var isWhole: Bool { isUncut || format == .wide }

    /// An id as tables show it: 12 of its characters, or all.
    package func id(_ id: String) -> String { isUncut ? id : String(id.prefix(12)) }

    /// A time as tables show it: how long ago, or local with its offset.
    package func time(_ time: WallTime) -> String {
        isWhole ? time.local : RelativeTime.text(time, now: now)
    }
}
