/// Where the members of a text are that have one of a few names and a string as their value: noted while
/// the text is scanned, so that it need not be read a second time to find them.
struct JSONNotes: Sendable {
    /// Places that are kept, in 16 KB; a text with more of them is read again.
    static let most = 4096

    private let names: JSONNames
    /// The opening quotes of the values, in their order.
    private var places: [UInt32] = []
    private var isFull = false
    /// The length of the text whose places these all are; nil when some are missing.
    private var length: Int?

    init(_ names: JSONNames) { self.names = names }

    /// What each key is asked first (``JSONNames/filter``).
    var filter: UInt64 { names.filter }

    mutating func begin() {
        places.removeAll(keepingCapacity: true)
        isFull = false
        length = nil
    }

    /// Takes note of a string at `at`, if its key means one of the names.
    @inline(never)
    mutating func add(_ at: Int, of word: UInt64) {
        guard names.contain(word) else { return }
        guard places.count < Self.most else {
            isFull = true
            return
        }
        places.append(UInt32(at))
    }

    /// The text was good, and is `length` bytes long.
    mutating func end(_ length: Int) { self.length = isFull ? nil : length }

    /// Calls `body` with the strings inside `value` until it returns false.
    func strings(in value: Range<Int>, of bytes: Span<UInt8>, _ body: (JSONString) -> Bool) {
        guard length == bytes.count else {
            JSONWalk.strings(in: value, of: bytes) { key, string in
                !names.contain(key, in: bytes) || body(string)
            }
            return
        }
        // A string that is `value` itself is no member of it.
        for place in places where Int(place) > value.lowerBound && Int(place) < value.upperBound {
            var at = Int(place)
            guard body(JSONWalk.string(bytes, &at)) else { return }
        }
    }
}
