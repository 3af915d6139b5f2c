import Trees

/// The names that an archive has had so far: none may come twice, nor, unless that is asked for, two that
/// differ in nothing but case or in how Unicode composes their letters.
///
/// It keeps hashes, seeded anew in each process, and no names: 24 bytes an entry, where the paths themselves
/// could take gigabytes.
struct EntryLedger {
    private struct Seen {
        /// The path as it was written.
        var exact: Int
        /// It had an entry of its own, and was not only on the way to another.
        var isNamed: Bool
        var isDirectory: Bool
    }

    /// Whether names may differ in case alone.
    let isCaseSensitive: Bool
    private var seen: [Int: Seen] = [:]
    /// The directory of the entry before, which need not be looked at again.
    private var lastParent: [String]?

    init(isCaseSensitive: Bool) { self.isCaseSensitive = isCaseSensitive }

    /// - Throws: `refused` for a path that was there before.
    mutating func add(_ path: TreePath, isDirectory: Bool) throws(TreeError) {
        if path.isRoot { return }
        let parent = Array(path.names.dropLast())
        if lastParent != parent {
            for count in parent.indices.map({ $0 + 1 }) {
                try note(parent[..<count], path, isNamed: false, isDirectory: true)
            }
            lastParent = parent
        }
        try note(path.names[...], path, isNamed: true, isDirectory: isDirectory)
    }

    private mutating func note(
        _ names: ArraySlice<String>, _ path: TreePath, isNamed: Bool, isDirectory: Bool
    ) throws(TreeError) {
        let exact = hash(names)
        let key = isCaseSensitive ? exact : foldedHash(names)
        guard var before = seen[key] else {
            seen[key] = Seen(exact: exact, isNamed: isNamed, isDirectory: isDirectory)
            return
        }
        guard before.exact == exact else {
            throw .refused(
                entry: "\(path)",
                "the archive has another name that differs from it, or from a directory above it, in case alone"
            )
        }
        guard !(before.isNamed && isNamed) else {
            throw .refused(entry: "\(path)", "the archive has it twice")
        }
        guard before.isDirectory, isDirectory else {
            throw .refused(
                entry: "\(path)", "the archive has it, or a name above it, as a directory and as none")
        }
        before.isNamed = before.isNamed || isNamed
        seen[key] = before
    }

    /// Of the bytes: to Swift, strings that Unicode calls equivalent are equal.
    private func hash(_ names: ArraySlice<String>) -> Int {
        var hasher = Hasher()
        for name in names {
            hasher.combine(name.utf8.count)
            var name = name
            name.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
        return hasher.finalize()
    }

    /// One number for all that a file system without case takes for one path. Hashing a string goes by its
    /// characters, in whatever way Unicode composes them.
    private func foldedHash(_ names: ArraySlice<String>) -> Int {
        var hasher = Hasher()
        for name in names {
            let isPlain = name.utf8.allSatisfy { $0 < 0x80 }
            // Upper case first: it is what makes ss of a sharp s.
            hasher.combine(isPlain ? name.lowercased() : name.uppercased().lowercased())
        }
        return hasher.finalize()
    }
}

extension TreePath {
    /// Whether a link at this path that leads to `target` stays inside of the tree, whatever the tree's other
    /// links are: it is relative, and goes up only at its beginning and not above the tree's root. A `..`
    /// behind a name would go up from wherever that name leads.
    func keepsInside(_ target: [UInt8]) -> Bool {
        guard target.first != UInt8(ascii: "/") else { return false }
        var (ups, hasName) = (0, false)
        for part in target.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
            guard part.elementsEqual("..".utf8) else {
                hasName = true
                continue
            }
            if hasName { return false }
            ups += 1
        }
        return ups < names.count
    }
}
