import CLinux
import Glibc
package import Linux
package import Trees

/// Unpacks an archive that a client sends into a new directory of a workspace: tar, plain or compressed by gzip
/// or zstd, or zip, which its first bytes tell.
///
/// The archive is taken as a whole or refused as a whole: with any entry that is no regular file, directory or
/// link that stays inside, with any name twice, and with anything that two programs could read in two ways.
package struct WorkspaceUnpacker {
    /// The most bytes that may come out for one of the archive, once `freeBytes` have come out.
    static let ratio: UInt64 = 100
    static let freeBytes: UInt64 = 16 << 20

    private let writer: TreeWriter
    private var ledger: EntryLedger

    /// - Parameters:
    ///   - directory: empty, and nobody else's business; all of it is for the caller to remove after an error.
    ///   - input: the archive, to its end.
    ///   - isCaseSensitive: takes names that differ in case alone.
    package static func unpack(
        _ input: CInt, into directory: consuming FileDescriptor, limits: TreeLimits, isCaseSensitive: Bool
    ) throws(UnpackError) -> TreeCount {
        let archive = ArchiveInput(input)
        let first = try archive.first(4)
        guard !first.isEmpty else { throw .damaged("the archive is empty") }
        let spool: FileDescriptor?
        // Local header, or the end of an archive of nothing.
        if first.starts(with: [0x50, 0x4B]) {
            spool = try Self.spool(archive, beside: directory, most: Self.mostSpooled(limits))
        } else {
            spool = nil
        }
        var unpacker = WorkspaceUnpacker(
            writer: TreeWriter(directory, limits: limits, permissions: 0o777),
            ledger: EntryLedger(isCaseSensitive: isCaseSensitive))
        if let spool {
            try unpacker.zip(spool, size: archive.bytes)
        } else {
            try unpacker.tar(archive)
        }
        return unpacker.writer.count
    }

    // MARK: Tar

    private mutating func tar(_ archive: ArchiveInput) throws(UnpackError) {
        let limits = writer.limits
        // Headers and padding: 512 bytes each, and long names come in entries of their own.
        let (most, overflow) = limits.bytes.addingReportingOverflow(limits.entries * 4096)
        let stream = try PlainStream(
            archive, limit: overflow ? .max : most, ratio: Self.ratio, freeBytes: Self.freeBytes)
        let reader = try TarReader(stream)
        while let entry = try reader.next() {
            let path = try begin(entry)
            if entry.kind == .file {
                unsafe try file(path, entry) { (body) throws(UnpackError) in
                    unsafe try reader.content { (piece, offset) throws(UnpackError) in
                        unsafe try body(piece, offset)
                    }
                }
            }
            try checkRatio(archive.bytes)
        }
        let end = reader.headerPosition
        try stream.finish(end: end)
        try archive.drain()
        guard stream.contentEnd <= end, stream.compressedBytes == archive.bytes else {
            throw .damaged("the archive has other bytes behind its end")
        }
    }

    /// What is a hole costs no bytes of the archive's, and counts like what is there.
    private func checkRatio(_ bytes: UInt64) throws(UnpackError) {
        guard writer.count.bytes <= Self.freeBytes || writer.count.bytes / Self.ratio <= bytes else {
            throw .ratio(
                "the archive unpacks to more than \(Self.ratio) times its size, as an archive bomb does")
        }
    }

    // MARK: Zip

    /// A zip file has to be read at its end first, so it is kept as a file without a name, which the quota of
    /// the workspace counts.
    private static func spool(
        _ archive: ArchiveInput, beside directory: borrowing FileDescriptor, most: UInt64
    ) throws(UnpackError) -> FileDescriptor {
        let file = try openSpool(directory)
        while true {
            let piece = unsafe try archive.next()
            if unsafe piece.isEmpty { return file }
            guard archive.bytes <= most else {
                throw .tree(.limit(entry: "", "the archive has more than \(most) bytes"))
            }
            unsafe try write(piece, to: file.number, at: archive.bytes - UInt64(piece.count), nil)
        }
    }

    private static func openSpool(_ directory: borrowing FileDescriptor) throws(UnpackError) -> FileDescriptor
    {
        do throws(SystemError) {
            return try directory.open(".", CLINUX_O_TMPFILE | O_RDWR, mode: 0o600)
        } catch {
            throw .tree(.system(error, entry: nil))
        }
    }

    /// As large as what it may unpack to, which is more than any archive has, and what each entry adds.
    package static func mostSpooled(_ limits: TreeLimits) -> UInt64 {
        let (most, overflow) = limits.bytes.addingReportingOverflow(limits.entries * 4096)
        return overflow ? .max : most
    }

    private mutating func zip(_ spool: consuming FileDescriptor, size: UInt64) throws(UnpackError) {
        let reader = try ZipReader(spool, size: size, most: writer.limits.entries)
        var total: UInt64 = 0
        for entry in reader.entries {
            let (sum, overflow) = total.addingReportingOverflow(entry.size)
            let isBomb = entry.size > Self.freeBytes && entry.size / Self.ratio > entry.compressed
            total = sum
            guard !overflow, !isBomb, total <= Self.freeBytes || total / Self.ratio <= size else {
                throw .ratio(
                    "the archive unpacks to more than \(Self.ratio) times its size, as an archive bomb does")
            }
        }
        for entry in reader.entries { try unpack(entry, reader) }
    }

    private mutating func unpack(_ entry: ZipEntry, _ reader: ZipReader) throws(UnpackError) {
        var found = TarEntry(
            kind: entry.kind, path: entry.path, target: [], mode: entry.permissions, size: entry.size,
            modified: entry.modified ?? 0)
        switch found.kind {
        case .symlink:
            guard entry.size <= 4095 else {
                throw .damaged(
                    "entry \"\(printable(entry.name))\": the link's target has \(entry.size) bytes; expected at most 4095"
                )
            }
            unsafe try reader.content(of: entry) { (piece) in unsafe found.target += Array(piece) }
        case .directory where entry.size > 0:
            throw .damaged("entry \"\(printable(entry.name))\": is a directory with \(entry.size) bytes")
        default: break
        }
        let path = try begin(found)
        guard found.kind == .file else { return }
        unsafe try file(path, found) { (body) throws(UnpackError) in
            var offset: Int64 = 0
            unsafe try reader.content(of: entry) { (piece) throws(UnpackError) in
                unsafe try body(piece, offset)
                offset += Int64(piece.count)
            }
        }
    }

    // MARK: Entries

    /// Makes what is no file, and checks what is one.
    private mutating func begin(_ entry: TarEntry) throws(UnpackError) -> TreePath {
        do throws(TreeError) {
            let path = try TreePath(entry.path, depth: writer.limits.depth)
            if path.isRoot, entry.kind != .directory {
                throw TreeError.refused(
                    entry: "\(path)", "is the archive's root and no directory; expected a name below it")
            }
            try ledger.add(path, isDirectory: entry.kind == .directory)
            switch entry.kind {
            case .file: break
            case .directory:
                try writer.directory(path, mode: entry.mode)
                if path.isRoot { try writer.root(mode: entry.mode) }
            case .symlink:
                guard path.keepsInside(entry.target) else {
                    let target = printable(String(decoding: entry.target.prefix(4096), as: UTF8.self))
                    throw TreeError.refused(
                        entry: "\(path)",
                        "is a link to \"\(target)\"; expected a relative one that goes up at its beginning alone "
                            + "and not out of the archive")
                }
                try writer.symlink(path, to: entry.target)
            case .hardlink:
                try writer.hardlink(path, to: try TreePath(entry.target, depth: writer.limits.depth))
            case .unsafe(let kind):
                throw TreeError.refused(
                    entry: "\(path)", "is a \(kind); expected files, directories and links alone")
            }
            return path
        } catch {
            throw .tree(error)
        }
    }

    private typealias Content = (UnsafeRawBufferPointer, Int64) throws(UnpackError) -> Void

    private func file(
        _ path: TreePath, _ entry: TarEntry, _ give: ((Content) throws(UnpackError) -> Void)
    ) throws(UnpackError) {
        var problem: UnpackError?
        do throws(TreeError) {
            try writer.file(path, mode: entry.mode, size: entry.size, modified: entry.modified) {
                (file) throws(TreeError) in
                let number = file.number
                var end: UInt64 = 0
                do throws(UnpackError) {
                    unsafe try give { (piece, offset) throws(UnpackError) in
                        guard offset >= 0, UInt64(offset) <= entry.size,
                            UInt64(piece.count) <= entry.size - UInt64(offset)
                        else {
                            throw .damaged(
                                "entry \"\(printable("\(path)"))\" has more content than it says")
                        }
                        unsafe try Self.write(piece, to: number, at: UInt64(offset), "\(path)")
                        // A piece of nothing, where a hole ends, makes the file no longer.
                        if piece.count > 0 { end = max(end, UInt64(offset) + UInt64(piece.count)) }
                    }
                } catch {
                    problem = error
                    throw TreeError.refused(entry: "\(path)", "its content is damaged")
                }
                return end
            }
        } catch {
            throw problem ?? .tree(error)
        }
    }

    private static func write(
        _ piece: UnsafeRawBufferPointer, to file: CInt, at offset: UInt64,
        _ entry: @autoclosure () -> String?
    ) throws(UnpackError) {
        var done = 0
        while done < piece.count {
            let place = done
            done += try systemic(entry()) { () throws(SystemError) in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: piece[place...])
                return try call("pwrite") {
                    unsafe pwrite(file, rest.baseAddress, rest.count, off_t(offset) + off_t(place))
                }
            }
        }
    }
}

extension ZipEntry {
    /// By the mode where there is one; else a name that ends with a slash is a directory's.
    fileprivate var kind: TarEntry.Kind {
        let isDirectory = path.last == UInt8(ascii: "/")
        switch unixMode & 0o170000 {
        case 0o100000: return isDirectory ? .unsafe("file with the name of a directory") : .file
        case 0o040000: return .directory
        case 0o120000: return .symlink
        case 0: return isDirectory ? .directory : .file
        case 0o020000, 0o060000: return .unsafe("device")
        case 0o010000: return .unsafe("fifo")
        case 0o140000: return .unsafe("socket")
        default: return .unsafe("file of an unknown kind")
        }
    }

    fileprivate var permissions: UInt32 {
        let mode = unixMode & 0o777
        return mode != 0 ? mode : kind == .directory ? 0o755 : 0o644
    }
}
