import Glibc
import Linux
package import Trees

/// A tree of a workspace as a tar file, made piece by piece while it is read.
///
/// It has regular files, directories and symbolic links, as they are at the moment when each is come to; what
/// else there is, and what is mounted below, is left out and counted. A file that is cut while it is read
/// is filled up with zeros, because its size has been said by then; holes are zeros as well. Takes a bounded
/// amount of memory and of descriptors, whatever the tree.
package struct TarStream: ~Copyable {
    /// What was put in so far, and what was left out.
    package private(set) var count = TreeCount()
    private let limits: TreeLimits
    private let hasLinks: Bool
    /// What was left out since ``takeLeftOut()``, where somebody asks.
    private var leftOut: [LeftOut]?
    private let base: WorkspacePath
    private let prefix: String
    private var first: WalkedEntry?
    private var walk = TreeWalk()
    private var content: Content?
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    private var hasEnded = false

    private struct Content {
        let path: WorkspacePath
        let file: Held<FileDescriptor>
        /// What has been promised and not been given yet.
        var left: UInt64
        /// Zeros behind it, up to a whole block.
        let padding: Int
    }

    /// A name that is not in the archive, and why: what it is, `mount`, or `name` for one that is not UTF-8.
    package struct LeftOut: Hashable, Sendable {
        package let path: String
        package let kind: String
    }

    fileprivate init(
        _ entry: WalkedEntry, prefix: String, limits: TreeLimits, hasLinks: Bool, tellsLeftOut: Bool
    ) {
        first = entry
        self.hasLinks = hasLinks
        leftOut = tellsLeftOut ? [] : nil
        base = entry.path
        self.prefix = prefix
        self.limits = limits
    }

    /// What follows of the archive, some 64 KiB; empty when all of it was given.
    /// - Throws: code `limit` when the tree has more than may be put into one archive. What was given before
    ///   is no whole archive then.
    package mutating func next() throws(WorkspaceError) -> [UInt8] {
        var piece: [UInt8] = []
        piece.reserveCapacity(2 * buffer.count)
        while piece.count < buffer.count, !hasEnded {
            if content != nil {
                try addContent(to: &piece)
            } else if let entry = first {
                first = nil
                if entry.status.kind == .directory { walk = try TreeWalk(entry.reference.value, entry.path) }
                try add(entry, to: &piece)
            } else {
                switch try walk.next() {
                case .entry(let entry): try add(entry, to: &piece)
                case .skip(let kind, let path): skip(kind, path)
                case .leave: break
                case nil:
                    piece += [UInt8](repeating: 0, count: 2 * TarHeader.block)
                    hasEnded = true
                }
            }
        }
        return piece
    }

    private mutating func add(_ entry: WalkedEntry, to piece: inout [UInt8]) throws(WorkspaceError) {
        guard count.entries < limits.entries else {
            throw WorkspaceError(
                .limit, entry.path, "is one more than the \(limits.entries) entries allowed")
        }
        let names = [prefix] + entry.path.names.dropFirst(base.names.count)
        var header = TarHeader(
            name: names.joined(separator: "/"), kind: entry.status.kind, mode: entry.status.mode,
            modified: entry.status.modified)
        switch entry.status.kind {
        case .directory:
            count.directories += 1
            header.name += "/"
        case .symlink:
            guard hasLinks else { return skip("link", entry.path) }
            guard let target = try entry.target() else { return skip("target", entry.path) }
            count.symlinks += 1
            header.target = target
        case .file:
            header.size = try begin(entry)
        case .fifo, .socket, .device:
            return skip(entry.status.kind.rawValue, entry.path)
        }
        piece += header.bytes
    }

    private mutating func skip(_ kind: String, _ path: WorkspacePath) {
        count.skipped[kind, default: 0] += 1
        leftOut?.append(LeftOut(path: "\(path)", kind: kind))
    }

    /// What was left out since this was asked last, where the archive was begun to tell it.
    package mutating func takeLeftOut() -> [LeftOut] {
        let told = leftOut ?? []
        if leftOut != nil { leftOut = [] }
        return told
    }

    /// - Returns: the size of the content that will follow.
    private mutating func begin(_ entry: WalkedEntry) throws(WorkspaceError) -> UInt64 {
        let file = Held(try entry.open())
        let size = try at(entry.path) { () throws(SystemError) in try file.value.status() }.size
        guard size <= limits.fileBytes, size <= limits.bytes, count.bytes <= limits.bytes - size else {
            throw WorkspaceError(
                .limit, entry.path,
                "has \(size) bytes; expected at most \(limits.fileBytes) in one file and \(limits.bytes) in all"
            )
        }
        count.files += 1
        count.bytes += size
        let block = UInt64(TarHeader.block)
        content = Content(
            path: entry.path, file: file, left: size, padding: Int((block - size % block) % block))
        return size
    }

    private mutating func addContent(to piece: inout [UInt8]) throws(WorkspaceError) {
        guard var content else { return }
        if content.left > 0 {
            let most = Int(min(content.left, UInt64(buffer.count)))
            let read = try at(content.path) { () throws(SystemError) in
                var room = buffer.mutableSpan
                return try content.file.value.read(into: &room)
            }
            // What came behind the promised size is not part of it.
            let some = read > 0 ? min(read, most) : most
            if read > 0 {
                piece += buffer[..<some]
            } else {
                piece += [UInt8](repeating: 0, count: some)
            }
            content.left -= UInt64(some)
        }
        if content.left == 0 {
            piece += [UInt8](repeating: 0, count: content.padding)
            self.content = nil
        } else {
            self.content = content
        }
    }
}

extension WorkspaceFiles {
    /// What `path` leads to as a tar file: a directory with all that is in it, a file, or a link itself.
    /// - Parameters:
    ///   - prefix: the name of `path` in the archive; nil for its own, which is `.` for the workspace.
    ///   - limits: on entries and bytes; holes count. The depth is bounded by 100.
    ///   - links: false leaves symbolic links out.
    ///   - tellsLeftOut: keeps what is left out for ``TarStream/takeLeftOut()``.
    /// - Throws: code `notRegular` for a FIFO, a socket or a device.
    package func archive(
        _ path: WorkspacePath, as prefix: String? = nil, limits: TreeLimits = TreeLimits(),
        links: Bool = true,
        tellsLeftOut: Bool = false
    ) throws(WorkspaceError) -> TarStream {
        let reference = Held(try reference(to: path, following: false))
        let status = try at(path) { () throws(SystemError) in try reference.value.status() }
        switch status.kind {
        case .directory: break
        case .file, .symlink:
            if path.isDirectory {
                throw WorkspaceError(
                    .notDirectory, path,
                    "is a \(printable(status.kind)); the slash at its end asks for a directory")
            }
        case .fifo, .socket, .device:
            throw WorkspaceError(
                .notRegular, path,
                "is a \(printable(status.kind)); expected a regular file, a directory or a symbolic link")
        }
        let name = prefix ?? (path.isRoot ? "." : path.name)
        return TarStream(
            WalkedEntry(path: path, status: status, reference: reference), prefix: name, limits: limits,
            hasLinks: links, tellsLeftOut: tellsLeftOut)
    }
}
