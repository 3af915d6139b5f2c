import Glibc
import Linux
import Trees

/// Some names of a directory, in the order of their bytes.
package struct FilePage: Hashable, Sendable {
    package let entries: [FileEntry]
    /// Where the next page begins; nil when this was the last.
    package let next: ListCursor?
}

/// Where a page of a directory begins: after a name, whether that is still there or not.
///
/// To a client it is opaque: hexadecimal digits, which it gives back as they are.
package struct ListCursor: Hashable, Sendable {
    let name: [UInt8]

    init(after name: [UInt8]) { self.name = name }

    /// - Throws: code `invalid` for what ``description`` never wrote.
    package init(_ text: String) throws(WorkspaceError) {
        var name: [UInt8] = []
        var half: UInt8?
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            default: throw Self.refusal
            }
            if let high = half {
                name.append(high << 4 | digit)
                half = nil
            } else {
                half = digit
            }
            guard name.count <= WorkspacePath.longestName else { throw Self.refusal }
        }
        guard half == nil, !name.isEmpty else { throw Self.refusal }
        self.name = name
    }

    private static var refusal: WorkspaceError {
        WorkspaceError(
            .invalid, .root, "the cursor is none that a listing gave; expected one of a page before")
    }
}

extension ListCursor: CustomStringConvertible {
    package var description: String {
        let digits = Array("0123456789abcdef".unicodeScalars)
        var text = ""
        for byte in name {
            text.unicodeScalars.append(digits[Int(byte >> 4)])
            text.unicodeScalars.append(digits[Int(byte & 15)])
        }
        return text
    }
}

extension WorkspaceFiles {
    /// The most entries of one page.
    package static let longestPage = 1000

    /// Names of the directory `path` that follow `cursor`, at most `limit` of them.
    ///
    /// No directory is ever held whole: each page reads all names and keeps the `limit` smallest that follow,
    /// so it takes the memory of a page and the time of reading the directory. A cursor is a name, so
    /// whatever is there from the first page to the last is listed once, whatever else comes and goes.
    ///
    /// - Parameter limit: from 1 to ``longestPage``.
    /// - Throws: code `invalid` for another limit; `notDirectory`.
    package func list(
        _ path: WorkspacePath, after cursor: ListCursor? = nil, limit: Int = longestPage
    ) throws(WorkspaceError) -> FilePage {
        guard (1...Self.longestPage).contains(limit) else {
            throw WorkspaceError(
                .invalid, path, "a page of \(limit) entries; expected 1 to \(Self.longestPage)")
        }
        let reference = try directory(path)
        let directory = try at(path) { () throws(SystemError) in try reference.reopen(O_RDONLY | O_DIRECTORY)
        }
        // One more than asked for tells whether there is a next page.
        var smallest = SmallestNames(count: limit + 1, after: cursor?.name ?? [])
        try at(path) { () throws(SystemError) in
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while try directory.visitEntries(&buffer, { name, _ in smallest.add(name) }) {}
        }
        let names = smallest.names
        var entries: [FileEntry] = []
        for name in names.prefix(limit) {
            if let entry = try entry(named: name, in: directory, path) { entries.append(entry) }
        }
        let last = names.count > limit ? names[limit - 1] : nil
        return FilePage(entries: entries, next: last.map { ListCursor(after: $0) })
    }

    /// Nil for what is gone since its name was read.
    private func entry(
        named name: [UInt8], in directory: borrowing FileDescriptor, _ path: WorkspacePath
    ) throws(WorkspaceError) -> FileEntry? {
        let shown = DirectoryEntry(name[...], kind: .unknown)
        do throws(SystemError) {
            guard let status = try directory.status(ofEntry: name) else { return nil }
            let isWhole = shown.oddName == nil
            let target = status.kind == .symlink && isWhole ? try directory.target(ofLink: shown.name) : nil
            return FileEntry(name: shown.name, isNameWhole: isWhole, status: status, target: target)
        } catch {
            // Replaced by something that is no link.
            if error.errno == .invalidArgument || error.errno == .noSuchFileOrDirectory { return nil }
            throw WorkspaceError(error, at: path)
        }
    }
}

/// The first of all names that follow one, kept while they come in any order.
struct SmallestNames {
    private(set) var names: [[UInt8]] = []
    private let count: Int
    private let after: [UInt8]

    init(count: Int, after: [UInt8]) {
        self.count = count
        self.after = after
    }

    mutating func add(_ name: ArraySlice<UInt8>) {
        guard after.lexicographicallyPrecedes(name) else { return }
        if names.count == count {
            guard let last = names.last, name.lexicographicallyPrecedes(last) else { return }
            names.removeLast()
        }
        var (low, high) = (0, names.count)
        while low < high {
            let middle = (low + high) / 2
            if names[middle].lexicographicallyPrecedes(name) { low = middle + 1 } else { high = middle }
        }
        names.insert(Array(name), at: low)
    }
}
