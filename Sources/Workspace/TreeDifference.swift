import CLinux
import Glibc
package import Linux
package import Trees

/// What differs between two trees, such as a workspace and a snapshot of it.
///
/// By kind, permissions, size and, where the times leave a doubt, content; a link by where it leads. Owners, times
/// and hard links are no difference. Both trees are walked by descriptor and nothing is followed, so they may be
/// of somebody who changes them meanwhile: what is told is then true of no one moment, and of nothing outside.
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

    /// The most names to compare, of both trees together.
    package var mostNames = 2_000_000
    /// The most bytes of names that are held at once, those of the directories on the way.
    package var mostHeld = 64 << 20
    /// Seconds since 1970: a file of one inode number and of equal times in both trees is believed to be the same
    /// where its times are older than this, such as the moment before a snapshot was made. Within the tick of a
    /// clock a file may change and its times not. Nil compares contents always.
    package var believedBefore: Int?
    /// Names that were not compared: what is mounted, and names that are not UTF-8.
    package private(set) var skipped: UInt64 = 0

    private var names = 0
    /// Bytes of names that are held.
    private var held = 0

    package init(believedBefore: Int? = nil) { self.believedBefore = believedBefore }

    /// Gives `body` each path that differs, a directory before what is in it, names in the order of their bytes.
    /// - Throws: code `limit` for more names than ``mostNames`` or ``mostHeld``, or more than 100 directories inside
    ///   each other; what `body` throws.
    package mutating func visit(
        from old: borrowing FileDescriptor, to new: borrowing FileDescriptor,
        _ body: (Entry) throws(WorkspaceError) -> Void
    ) throws(WorkspaceError) {
        let (before, after) = try at(.root) { () throws(SystemError) in
            (Held(try old.reopen(O_RDONLY | O_DIRECTORY)), Held(try new.reopen(O_RDONLY | O_DIRECTORY)))
        }
        try directories(before, after, .root, body)
    }

    private typealias Body = (Entry) throws(WorkspaceError) -> Void

    /// - Parameters: one of both may be missing: then all that the other has was added, or removed.
    private mutating func directories(
        _ old: Held<FileDescriptor>?, _ new: Held<FileDescriptor>?, _ path: WorkspacePath, _ body: Body
    ) throws(WorkspaceError) {
        guard path.names.count < TreeWalk.levels else {
            throw WorkspaceError(.limit, path, "is more than \(TreeWalk.levels) directories deep")
        }
        let heldAbove = held
        defer { held = heldAbove }
        let (before, after) = (try sortedNames(old, path), try sortedNames(new, path))
        var (left, right) = (before[...], after[...])
        while let name = [left.first, right.first].compactMap({ $0 }).min(by: Self.precedes) {
            let path = path.appending(name)
            let entries = (
                left.first == name ? try Self.entry(name, in: old, path) : nil,
                right.first == name ? try Self.entry(name, in: new, path) : nil
            )
            if left.first == name { left.removeFirst() }
            if right.first == name { right.removeFirst() }
            try compare(entries.0, entries.1, path, body)
        }
    }

    private static func precedes(_ one: String, _ other: String) -> Bool {
        one.utf8.lexicographicallyPrecedes(other.utf8)
    }

    private mutating func sortedNames(
        _ directory: Held<FileDescriptor>?, _ path: WorkspacePath
    ) throws(WorkspaceError) -> [String] {
        guard let directory else { return [] }
        var found: [String] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        var isMore = true
        while isMore {
            var (odd, added) = (0 as UInt64, 0)
            isMore = try at(path) { () throws(SystemError) in
                try directory.value.visitEntries(&buffer) { name, kind in
                    let entry = DirectoryEntry(name, kind: kind)
                    // A text of up to 15 bytes takes 16, a longer one its bytes and 48 more.
                    added += entry.name.utf8.count + 48
                    if entry.oddName == nil { found.append(entry.name) } else { odd += 1 }
                }
            }
            skipped += odd
            guard names + found.count <= mostNames else {
                throw WorkspaceError(.limit, path, "and what was before have more than \(mostNames) names")
            }
            held += added
            guard held <= mostHeld else {
                throw WorkspaceError(
                    .limit, path, "has names of more bytes than the \(mostHeld) that are held at once")
            }
        }
        names += found.count
        return found.sorted(by: Self.precedes)
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

    private mutating func compare(
        _ old: WalkedEntry?, _ new: WalkedEntry?, _ path: WorkspacePath, _ body: Body
    ) throws(WorkspaceError) {
        switch (old, new) {
        case (nil, nil): skipped += 1
        case (let old?, nil):
            try body(Entry(change: .removed, path: "\(path)", kind: old.status.kind, what: []))
        case (nil, let new?):
            try body(Entry(change: .added, path: "\(path)", kind: new.status.kind, what: []))
        case (let old?, let new?):
            let what = try differences(old, new)
            if !what.isEmpty {
                try body(Entry(change: .changed, path: "\(path)", kind: new.status.kind, what: what))
            }
        }
        let (before, after) = (try Self.open(old), try Self.open(new))
        if before != nil || after != nil { try directories(before, after, path, body) }
    }

    private static func open(_ entry: WalkedEntry?) throws(WorkspaceError) -> Held<FileDescriptor>? {
        guard let entry, entry.status.kind == .directory else { return nil }
        return try at(entry.path) { () throws(SystemError) in
            Held(try entry.reference.value.reopen(O_RDONLY | O_DIRECTORY))
        }
    }

    private func differences(_ old: WalkedEntry, _ new: WalkedEntry) throws(WorkspaceError) -> Set<String> {
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

    private func hasSameContent(_ old: WalkedEntry, _ new: WalkedEntry) throws(WorkspaceError) -> Bool {
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
        }
        return true
    }
}
