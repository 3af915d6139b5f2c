/// A pattern for names of methods: `*` stands for any bytes but a slash, everything else for itself.
struct Glob: Hashable, Sendable {
    private let pattern: [UInt8]

    init(_ pattern: String) { self.pattern = Array(pattern.utf8) }

    /// Takes time by the product of both lengths at most, whatever the pattern.
    func matches(_ name: Span<UInt8>) -> Bool {
        let star = UInt8(ascii: "*")
        var (at, behind) = (0, 0)
        // Where to go on when the bytes after the last star do not fit: one byte further.
        var retry: (pattern: Int, name: Int)?
        while behind < name.count {
            if at < pattern.count, pattern[at] == star {
                at += 1
                retry = (at, behind)
            } else if at < pattern.count, pattern[at] == name[behind] {
                at += 1
                behind += 1
            } else if let from = retry, name[from.name] != UInt8(ascii: "/") {
                (at, behind) = (from.pattern, from.name + 1)
                retry = (from.pattern, from.name + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == star }
    }
}
