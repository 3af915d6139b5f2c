import Sessions

/// Launches that wait for their turn: the tenants in turn, and of each in the order in which they came. Only a few
/// are with the warden at a time, which makes them one after another: so whoever asks for one waits for few of
/// another tenant's, however many that asked for.
struct LaunchQueue<Item> {
    /// With the warden at a time: enough that it never waits for the next one.
    static var most: Int { 2 }

    private struct Line {
        var items: [Item] = []
        /// Of the first that still waits: what is before it has gone.
        var first = 0
    }

    private var lines: [Name: Line] = [:]
    /// Those that wait, whose turn it is first.
    private var turns: [Name] = []
    /// Those that the warden has not answered.
    private(set) var underWay = 0

    var count: Int { lines.values.reduce(0) { $0 + $1.items.count - $1.first } }

    mutating func add(_ item: Item, of tenant: Name) {
        if lines[tenant] == nil { turns.append(tenant) }
        lines[tenant, default: Line()].items.append(item)
    }

    /// The next one, which is under way from here on; nil where none waits, or as many are under way as may be.
    mutating func next() -> Item? {
        guard underWay < Self.most, let tenant = turns.first, var line = lines[tenant] else { return nil }
        turns.removeFirst()
        let item = line.items[line.first]
        line.first += 1
        if line.first == line.items.count {
            lines[tenant] = nil
        } else {
            if line.first == 64 {
                line.items.removeFirst(line.first)
                line.first = 0
            }
            lines[tenant] = line
            turns.append(tenant)
        }
        underWay += 1
        return item
    }

    /// One of those under way was answered.
    mutating func done() { underWay = max(0, underWay - 1) }
}
