import Glibc
package import Linux
package import Trees

/// Applies one archive to a tree, as a layer of an image.
package enum Unpacker {
    /// - Parameters:
    ///   - archive: a tar archive, plain or compressed, read from where the descriptor stands to its end.
    ///   - root: the directory of the tree.
    package static func unpack(
        _ archive: borrowing FileDescriptor, into root: consuming FileDescriptor, limits: TreeLimits
    ) throws(UnpackError) -> UnpackReport {
        // Headers and padding: 512 bytes each, and long names come in entries of their own.
        let (most, overflow) = limits.bytes.addingReportingOverflow(limits.entries * 4096)
        let stream = try PlainStream(descriptor: archive.number, limit: overflow ? .max : most)
        let writer = TreeWriter(root, limits: limits)
        let reader = try TarReader(stream)
        while let entry = try reader.next() { try apply(entry, reader, writer) }
        try stream.finish(end: reader.headerPosition)
        return UnpackReport(
            count: writer.count, compressedBytes: stream.compressedBytes, plainBytes: stream.bytes,
            plainDigest: stream.plainDigest)
    }

    private static func apply(
        _ entry: TarEntry, _ reader: TarReader, _ writer: TreeWriter
    ) throws(UnpackError) {
        do throws(TreeError) {
            let path = try TreePath(entry.path, depth: writer.limits.depth)
            if path.isRoot, entry.kind != .directory {
                throw TreeError.refused(
                    entry: "\(path)", "is the tree's root and no directory; expected a name below it")
            }
            if let whiteout = try Whiteout(path) {
                return try writer.apply(whiteout)
            }
            switch entry.kind {
            case .directory: try writer.directory(path, mode: entry.mode)
            case .symlink: try writer.symlink(path, to: entry.target)
            case .hardlink:
                try writer.hardlink(path, to: try TreePath(entry.target, depth: writer.limits.depth))
            case .unsafe(let kind): try writer.skip(path, kind: kind)
            case .file: break
            }
        } catch {
            throw .tree(error)
        }
        if entry.kind == .file { try file(entry, reader, writer) }
    }

    private static func file(
        _ entry: TarEntry, _ reader: TarReader, _ writer: TreeWriter
    ) throws(UnpackError) {
        var problem: UnpackError?
        do throws(TreeError) {
            let path = try TreePath(entry.path, depth: writer.limits.depth)
            try writer.file(path, mode: entry.mode, size: entry.size, modified: entry.modified) {
                (file) throws(TreeError) in
                do throws(UnpackError) {
                    return try fill(file, entry, path, reader)
                } catch {
                    problem = error
                    throw TreeError.refused(entry: "\(path)", "its content is damaged")
                }
            }
        } catch {
            throw problem ?? .tree(error)
        }
    }

    /// - Returns: where the last byte that it wrote ends.
    private static func fill(
        _ file: borrowing FileDescriptor, _ entry: TarEntry, _ path: TreePath, _ reader: TarReader
    ) throws(UnpackError) -> UInt64 {
        let number = file.number
        var end: UInt64 = 0
        try unsafe reader.content { (piece, offset) throws(UnpackError) in
            guard offset >= 0, UInt64(offset) <= entry.size,
                UInt64(piece.count) <= entry.size - UInt64(offset)
            else { throw .damaged("entry \"\(printable("\(path)"))\" has more content than it says") }
            var done = 0
            while done < piece.count {
                do throws(SystemError) {
                    let rest = unsafe UnsafeRawBufferPointer(rebasing: piece[done...])
                    done += try call("pwrite") {
                        unsafe pwrite(number, rest.baseAddress, rest.count, off_t(offset) + off_t(done))
                    }
                } catch {
                    throw .tree(.system(error, entry: "\(path)"))
                }
            }
            // A piece of nothing, where a hole ends, makes the file no longer.
            if done > 0 { end = max(end, UInt64(offset) + UInt64(done)) }
        }
        return end
    }
}
