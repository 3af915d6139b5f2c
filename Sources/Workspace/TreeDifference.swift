import CLinux
import Glibc
package import Linux
package import Trees

/// What differs between two trees, such as a workspace and a snapshot of it, a page at a time.
///
/// By kind, permissions, size and, where the times leave a doubt, content; a link by where it leads. Owners, times
/// and hard links are no difference. Both trees are walked by descriptor and nothing is followed, so they may be
/// of somebody who changes them meanwhile: what is told is then true of no one moment, and of nothing outside.
///
/// Takes a bounded amount of memory, of descriptors and, but for a single large file or directory, of time,
/// whatever the trees: of each directory on the way some names are held, and the others are read again when these are done.
package struct TreeDifference {
    package enum Change: String, Hashable, Sendable {
        case added, removed, changed
    }

    /// One path that differs.
    package struct Entry: Hashable, Sendable {
        package let change: Change
        package let path: String
        /// In the new tree; of what was removed, in the old one.
        package let kind: EntryStatus.Kind
        /// What of it changed: `kind`, `mode`, `content`, `target`; empty for what was added or removed.
        package let what: Set<String>
    }

    /// Some of the paths that differ; there may be none in it, and others behind it.
    package struct Page: Hashable, Sendable {
        package var entries: [Entry] = []
        /// Names in this part that were not compared: what is mounted, and names that are not UTF-8.
        package var skipped: UInt64 = 0
        /// The path that was compared last, behind which the next page begins; nil at the end.
        package var next: WorkspacePath?
    }

    /// When a page is full; at least one name is compared all the same.
    package struct Bounds: Hashable, Sendable {
        package var entries = 1000
        /// Bytes of their paths.
        package var text = 1 << 20
        package var compared = 50_000
        /// Bytes of contents that were read of each tree.
        package var content: UInt64 = 256 << 20
        /// In nanoseconds.
        package var time: BootTime = 2_000_000_000
        /// Names that are held at once, but for 64 of each directory on the way.
        package var held = 40_000

        package init() {}
    }

    private let bounds: Bounds
    private let believedBefore: Int?
    private let began = Timer.now
    private var page = Page()
    private var isFull = false
    private var compared = 0
    private var text = 0
    private var content: UInt64 = 0
    private var held = 0

    /// - Parameter believedBefore: seconds since 1970: a file of one inode number and of equal times in both trees is
    ///   believed to be the same where its times are older than this, such as the moment before a snapshot was made.
    ///   Within the tick of a clock a file may change and its times not. Nil compares contents always.
    private init(believedBefore: Int?, _ bounds: Bounds) {
        self.believedBefore = believedBefore
        self.bounds = bounds
    }

    /// The paths that differ, a directory before what is in it, names in the order of their bytes.
    /// - Parameter cursor: `next` of the page before, whether it is still there or not.
    /// - Throws: code `limit` for more than 100 directories inside each other, and for a path that is longer than
    ///   one can say; `denied` for what its owner may not read.
    package static func page(
        from old: borrowing FileDescriptor, to new: borrowing FileDescriptor, believedBefore: Int? = nil,
        after cursor: WorkspacePath? = nil, _ bounds: Bounds = Bounds()
    ) throws(WorkspaceError) -> Page {
        let (before, after) = try at(.root) { () throws(SystemError) in
            (Held(try old.reopen(O_RDONLY | O_DIRECTORY)), Held(try new.reopen(O_RDONLY | O_DIRECTORY)))
        }
        var difference = TreeDifference(believedBefore: believedBefore, bounds)
        try difference.directories(before, after, .root, (cursor?.names ?? [])[...])
        if !difference.isFull { difference.page.next = nil }
        return difference.page
    }

    /// - Parameters:
    ///   - old: one of both may be missing: then all that the other has was added, or removed.
    ///   - cursor: names down to where the page before ended; this directory's own come first.
    private mutating func directories(
        _ old: Held<FileDescriptor>?, _ new: Held<FileDescriptor>?, _ path: WorkspacePath,
        _ cursor: ArraySlice<String>
    ) throws(WorkspaceError) {
        guard path.names.count < TreeWalk.levels else {
            throw WorkspaceError(.limit, path, "is more than \(TreeWalk.levels) directories deep")
        }
        var start: [UInt8] = []
        if let name = cursor.first {
            // Compared on the page before, but for what is in it.
            let path = path.appending(name)
            let (before, after) = (
                try Self.entry(name, in: old, path), try Self.entry(name, in: new, path)
            )
            try descend(before, after, path, cursor.dropFirst())
            start = Array(name.utf8)
        }
        var (left, right) = (OrderedNames(old, after: start), OrderedNames(new, after: start))
        while !isFull {
            try fill(&left, path)
            try fill(&right, path)
            guard let name = [left.first, right.first].compactMap({ $0 }).min(by: Self.precedes) else {
                break
            }
            let (isOld, isNew) = (left.first == name, right.first == name)
            if isOld { left.removeFirst(&held) }
            if isNew { right.removeFirst(&held) }
            try compare(name, isOld ? old : nil, isNew ? new : nil, path)
        }
        held -= left.count + right.count
    }

    private static func precedes(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.lexicographicallyPrecedes(other)
    }

    private mutating func fill(_ names: inout OrderedNames, _ path: WorkspacePath) throws(WorkspaceError) {
        guard names.count == 0, !names.isOver else { return }
        // A part of what may still be held: those above have had theirs, and those below get some as well.
        let count = max(64, (bounds.held - held) / 4)
        try at(path) { () throws(SystemError) in try names.fill(count) }
        held += names.count
    }

    /// One name, and then what is in it.
    private mutating func compare(
        _ name: [UInt8], _ old: Held<FileDescriptor>?, _ new: Held<FileDescriptor>?, _ above: WorkspacePath
    ) throws(WorkspaceError) {
        guard let name = String(validating: name, as: UTF8.self) else {
            page.skipped += 1
            return
        }
        let path = above.appending(name)
        guard path.description.utf8.count <= WorkspacePath.longest else {
            throw WorkspaceError(
                .limit, above, "has a path in it of more than \(WorkspacePath.longest) bytes")
        }
        let (before, after) = (try Self.entry(name, in: old, path), try Self.entry(name, in: new, path))
        if let entry = try difference(before, after, path) {
            page.entries.append(entry)
            text += entry.path.utf8.count
        }
        compared += 1
        page.next = path
        isFull =
            page.entries.count >= bounds.entries || text >= bounds.text || compared >= bounds.compared
            || content >= bounds.content || Timer.now - began >= bounds.time
        if !isFull { try descend(before, after, path, []) }
    }

    private mutating func descend(
        _ old: WalkedEntry?, _ new: WalkedEntry?, _ path: WorkspacePath, _ cursor: ArraySlice<String>
    ) throws(WorkspaceError) {
        let (before, after) = (try Self.open(old), try Self.open(new))
        if before != nil || after != nil { try directories(before, after, path, cursor) }
    }

    /// A reference, and what it refers to; nil for what is gone, or is not to be looked at.
    private static func entry(
        _ name: String, in directory: Held<FileDescriptor>?, _ path: WorkspacePath
    ) throws(WorkspaceError) -> WalkedEntry? {
        guard let directory else { return nil }
        do throws(SystemError) {
            let reference = Held(
                try directory.value.open(name, CLINUX_O_PATH | O_NOFOLLOW, resolve: .workspace))
            return WalkedEntry(path: path, status: try reference.value.status(), reference: reference)
        } catch {
            if [.noSuchFileOrDirectory, .crossesDevice].contains(error.errno) { return nil }
            throw WorkspaceError(error, at: path)
        }
    }

    private mutating func difference(
        _ old: WalkedEntry?, _ new: WalkedEntry?, _ path: WorkspacePath
    ) throws(WorkspaceError) -> Entry? {
        switch (old, new) {
        case (nil, nil):
            page.skipped += 1
            return nil
        case (let old?, nil):
            return Entry(change: .removed, path: "\(path)", kind: old.status.kind, what: [])
        case (nil, let new?): return Entry(change: .added, path: "\(path)", kind: new.status.kind, what: [])
        case (let old?, let new?):
            let what = try differences(old, new)
            if what.isEmpty { return nil }
            return Entry(change: .changed, path: "\(path)", kind: new.status.kind, what: what)
        }
    }

    private static func open(_ entry: WalkedEntry?) throws(WorkspaceError) -> Held<FileDescriptor>? {
        guard let entry, entry.status.kind == .directory else { return nil }
        return try at(entry.path) { () throws(SystemError) in
            Held(try entry.reference.value.reopen(O_RDONLY | O_DIRECTORY))
        }
    }

    private mutating func differences(_ old: WalkedEntry, _ new: WalkedEntry) throws(WorkspaceError) -> Set<
        String
    > {
        var what: Set<String> = []
        guard old.status.kind == new.status.kind else { return ["kind"] }
        // A link's own are always the same.
        if old.status.mode != new.status.mode, new.status.kind != .symlink { what.insert("mode") }
        switch new.status.kind {
        case .file: if try !hasSameContent(old, new) { what.insert("content") }
        case .symlink: if try old.target() != new.target() { what.insert("target") }
        case .directory, .fifo, .socket, .device: break
        }
        return what
    }

    private mutating func hasSameContent(_ old: WalkedEntry, _ new: WalkedEntry) throws(WorkspaceError)
        -> Bool
    {
        let (before, after) = (old.status, new.status)
        if before.size != after.size { return false }
        if let believedBefore, before.inode == after.inode, before.changed < believedBefore,
            (before.changed, before.changedNanoseconds) == (after.changed, after.changedNanoseconds),
            (before.modified, before.modifiedNanoseconds) == (after.modified, after.modifiedNanoseconds)
        {
            return true
        }
        let one = WorkspaceFile(descriptor: try old.open(), status: before, path: old.path)
        let other = WorkspaceFile(descriptor: try new.open(), status: after, path: new.path)
        var offset: UInt64 = 0
        // As far as both were long: whoever makes one longer meanwhile does not keep us here.
        while offset < before.size {
            let most = Int(min(1 << 20, before.size - offset))
            let (left, right) = (
                try one.bytes(from: offset, count: most), try other.bytes(from: offset, count: most)
            )
            if left != right { return false }
            if left.isEmpty { break }
            offset += UInt64(left.count)
            content += UInt64(left.count)
        }
        return true
    }
}

/// The names of a directory in the order of their bytes, some at a time.
private struct OrderedNames {
    private let directory: Held<FileDescriptor>?
    private var names: ArraySlice<[UInt8]> = []
    private var last: [UInt8]
    /// Whether there are none behind those that are held.
    private(set) var isOver: Bool

    init(_ directory: Held<FileDescriptor>?, after last: [UInt8]) {
        self.directory = directory
        self.last = last
        isOver = directory == nil
    }

    var first: [UInt8]? { names.first }
    var count: Int { names.count }

    mutating func removeFirst(_ held: inout Int) {
        names.removeFirst()
        held -= 1
    }

    /// Reads the whole directory, and keeps the next names, at most `count`.
    mutating func fill(_ count: Int) throws(SystemError) {
        guard let directory else { return }
        var smallest = SmallestNames(count: count, after: last)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        try directory.value.rewindEntries()
        while try directory.value.visitEntries(&buffer, { name, _ in smallest.add(name) }) {}
        names = smallest.names[...]
        isOver = names.count < count
        last = names.last ?? last
    }
}
