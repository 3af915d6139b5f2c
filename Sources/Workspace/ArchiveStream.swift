import Glibc
import Linux
package import Trees

/// A tree of a workspace as a tar or a zip file, made piece by piece while it is read.
///
/// It has regular files, directories and symbolic links, as they are at the moment when each is come to; what
/// else there is, and what is mounted below, is left out and counted. A file that is cut while it is read
/// is filled up with zeros, because its size has been said by then; holes are zeros as well. Takes a bounded
/// amount of memory and of descriptors, whatever the tree: of a zip file the directory at its end is kept, of which
/// there is a most.
package struct ArchiveStream: ~Copyable {
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
    private let format: Format
    /// Bytes that were given, for a zip file's offsets.
    private var given: UInt64 = 0
    private var directory: [UInt8] = []
    private var directoryCount: UInt64 = 0

    package enum Format: String, Hashable, Sendable, CaseIterable {
        case tar, zip
    }

    /// Bytes of a zip file's directory, at most; each entry takes its name and 46 to 74.
    private static let mostDirectory = 64 << 20

    private struct Content {
        let path: WorkspacePath
        let file: Held<FileDescriptor>
        /// What has been promised and not been given yet.
        var left: UInt64
        /// Zeros behind it, up to a whole block of a tar file.
        let padding: Int
        /// What a zip file says of it behind it.
        var header: ZipHeader?
        var sum = ZipSum()
    }

    /// A name that is not in the archive, and why: what it is, `mount`, or `name` for one that is not UTF-8.
    package struct LeftOut: Hashable, Sendable {
        package let path: String
        package let kind: String
    }

    fileprivate init(
        _ entry: WalkedEntry, _ format: Format, prefix: String, limits: TreeLimits, hasLinks: Bool,
        tellsLeftOut: Bool
    ) {
        self.format = format
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
                    piece += ending(at: given + UInt64(piece.count))
                    hasEnded = true
                }
            }
        }
        given += UInt64(piece.count)
        return piece
    }

    private func ending(at offset: UInt64) -> [UInt8] {
        switch format {
        case .tar: [UInt8](repeating: 0, count: 2 * TarHeader.block)
        case .zip:
            directory
                + ZipHeader.end(count: directoryCount, offset: offset, size: UInt64(directory.count))
        }
    }

    private mutating func add(_ entry: WalkedEntry, to piece: inout [UInt8]) throws(WorkspaceError) {
        guard count.entries < limits.entries else {
            throw WorkspaceError(
                .limit, entry.path, "is one more than the \(limits.entries) entries allowed")
        }
        let names = [prefix] + entry.path.names.dropFirst(base.names.count)
        var target = ""
        var size: UInt64 = 0
        switch entry.status.kind {
        case .directory: count.directories += 1
        case .symlink:
            guard hasLinks else { return skip("link", entry.path) }
            guard let found = try entry.target() else { return skip("target", entry.path) }
            count.symlinks += 1
            target = found
        case .file: size = try begin(entry)
        case .fifo, .socket, .device:
            return skip(entry.status.kind.rawValue, entry.path)
        }
        var name = names.joined(separator: "/")
        if entry.status.kind == .directory { name += "/" }
        switch format {
        case .tar:
            piece +=
                TarHeader(
                    name: name, kind: entry.status.kind, mode: entry.status.mode, size: size,
                    modified: entry.status.modified, target: target
                ).bytes
        case .zip: try addZip(entry, name, size, Array(target.utf8), to: &piece)
        }
    }

    /// - Parameters:
    ///   - size: of the content that will follow.
    ///   - target: the content of a link.
    private mutating func addZip(
        _ entry: WalkedEntry, _ name: String, _ size: UInt64, _ target: [UInt8], to piece: inout [UInt8]
    ) throws(WorkspaceError) {
        // What is meant by `./` is the place where it is unpacked.
        let name = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
        if name.isEmpty { return }
        guard directory.count < Self.mostDirectory, name.utf8.count <= Int(UInt16.max) else {
            throw WorkspaceError(
                .limit, entry.path, "is too much for a zip file's directory; a tar file has room for it")
        }
        var header = ZipHeader(
            name: name, kind: entry.status.kind, mode: entry.status.mode, size: size,
            modified: entry.status.modified, offset: given + UInt64(piece.count))
        if entry.status.kind == .symlink { header.size = UInt64(target.count) }
        piece += header.local
        if entry.status.kind == .file {
            content?.header = header
            return
        }
        var sum = ZipSum()
        sum.add(target.span)
        header.sum = sum.value
        piece += target
        finish(header, to: &piece)
    }

    private mutating func finish(_ header: ZipHeader, to piece: inout [UInt8]) {
        piece += header.descriptor
        directory += header.central
        directoryCount += 1
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
            let start = piece.count
            if read > 0 {
                piece += buffer[..<some]
            } else {
                piece += [UInt8](repeating: 0, count: some)
            }
            if format == .zip { content.sum.add(piece.span.extracting(start...)) }
            content.left -= UInt64(some)
        }
        if content.left == 0 {
            switch format {
            case .tar: piece += [UInt8](repeating: 0, count: content.padding)
            case .zip:
                if var header = content.header {
                    header.sum = content.sum.value
                    finish(header, to: &piece)
                }
            }
            self.content = nil
        } else {
            self.content = content
        }
    }
}

extension WorkspaceFiles {
    /// What `path` leads to as a tar or a zip file: a directory with all that is in it, a file, or a link itself.
    /// - Parameters:
    ///   - format: of the archive.
    ///   - prefix: the name of `path` in the archive; nil for its own, which is `.` for the workspace.
    ///   - limits: on entries and bytes; holes count. The depth is bounded by 100.
    ///   - links: false leaves symbolic links out.
    ///   - tellsLeftOut: keeps what is left out for ``ArchiveStream/takeLeftOut()``.
    /// - Throws: code `notRegular` for a FIFO, a socket or a device.
    package func archive(
        _ path: WorkspacePath, _ format: ArchiveStream.Format = .tar, as prefix: String? = nil,
        limits: TreeLimits = TreeLimits(),
        links: Bool = true,
        tellsLeftOut: Bool = false
    ) throws(WorkspaceError) -> ArchiveStream {
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
        return ArchiveStream(
            WalkedEntry(path: path, status: status, reference: reference), format, prefix: name,
            limits: limits,
            hasLinks: links, tellsLeftOut: tellsLeftOut)
    }
}
