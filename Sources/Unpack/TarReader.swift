import CArchive
import Trees

/// One entry of an archive, as it says.
struct TarEntry {
    enum Kind: Hashable {
        case file, directory, symlink
        case hardlink
        /// What no tree may have: `device`, `fifo`, `socket` or `other`.
        case unsafe(String)
    }

    var kind: Kind
    var path: [UInt8]
    /// The target of a link.
    var target: [UInt8]
    var mode: UInt32
    /// In bytes; what the archive does not hold of it is a hole.
    var size: UInt64
    /// Seconds since 1970.
    var modified: Int
}

/// The entries of a tar archive, one after the other.
final class TarReader {
    private let archive: LibArchive
    private let stream: PlainStream

    init(_ stream: PlainStream) throws(UnpackError) {
        self.stream = stream
        archive = try LibArchive()
        unsafe archive_read_support_format_tar(archive.handle)
        let client = unsafe Unmanaged.passUnretained(stream).toOpaque()
        let result = unsafe archive_read_open(archive.handle, client, nil, readPlainStream, nil)
        guard result == ARCHIVE_OK else { throw failure("is no tar archive") }
    }

    /// - Returns: nil at the end of the archive.
    func next() throws(UnpackError) -> TarEntry? {
        var entry: OpaquePointer?
        let result = unsafe archive_read_next_header(archive.handle, &entry)
        if result == ARCHIVE_EOF { return nil }
        // A warning is about names that are not ASCII, which come as they are.
        guard result == ARCHIVE_OK || result == ARCHIVE_WARN, let entry = unsafe entry else {
            throw failure("is no tar archive, or is cut short or damaged")
        }
        let size = unsafe archive_entry_size(entry)
        guard size >= 0 else { throw .damaged("an entry of the archive has a negative size") }
        var found = TarEntry(
            kind: unsafe kind(of: entry), path: unsafe bytes(archive_entry_pathname(entry)), target: [],
            mode: unsafe archive_entry_mode(entry) & 0o7777, size: UInt64(size),
            modified: unsafe archive_entry_mtime(entry))
        if let target = unsafe archive_entry_hardlink(entry) {
            found.kind = .hardlink
            found.target = unsafe bytes(target)
        } else if found.kind == .symlink {
            found.target = unsafe bytes(archive_entry_symlink(entry))
        }
        return found
    }

    /// Where the header began that was looked for last, in the uncompressed bytes: at the end of the
    /// archive, where the last entry's content is over.
    var headerPosition: UInt64 { UInt64(max(0, unsafe archive_read_header_position(archive.handle))) }

    /// Gives each piece of the current entry's content, with its offset.
    func content(_ body: (UnsafeRawBufferPointer, Int64) throws(UnpackError) -> Void) throws(UnpackError) {
        while true {
            var start: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            let result = unsafe archive_read_data_block(archive.handle, &start, &count, &offset)
            if result == ARCHIVE_EOF { return }
            guard result == ARCHIVE_OK else { throw failure("is cut short or damaged") }
            unsafe try body(UnsafeRawBufferPointer(start: start, count: count), offset)
        }
    }

    private func kind(of entry: OpaquePointer) -> TarEntry.Kind {
        // AE_IF* of archive_entry.h are the S_IF* of the kernel.
        switch unsafe archive_entry_filetype(entry) {
        case 0o100000: .file
        case 0o040000: .directory
        case 0o120000: .symlink
        case 0o020000, 0o060000: .unsafe("device")
        case 0o010000: .unsafe("fifo")
        case 0o140000: .unsafe("socket")
        default: .unsafe("other")
        }
    }

    private func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text = unsafe text else { return [] }
        return unsafe Array(String.UTF8View.bytes(of: text))
    }

    private func failure(_ what: String) -> UnpackError {
        stream.failure ?? .damaged("the archive \(what): \(archive.problem)")
    }
}

extension String.UTF8View {
    /// The bytes of a C string, which need not be UTF-8.
    fileprivate static func bytes(of text: UnsafePointer<CChar>) -> [UInt8] {
        var bytes: [UInt8] = []
        var next = unsafe text
        while unsafe next.pointee != 0 {
            bytes.append(UInt8(bitPattern: unsafe next.pointee))
            unsafe next += 1
        }
        return bytes
    }
}

/// Gives libarchive the stream's next bytes.
private func readPlainStream(
    _: OpaquePointer?, _ client: UnsafeMutableRawPointer?,
    _ start: UnsafeMutablePointer<UnsafeRawPointer?>?
) -> Int {
    guard let client = unsafe client, let start = unsafe start else { return Int(ARCHIVE_FATAL) }
    let stream = unsafe Unmanaged<PlainStream>.fromOpaque(client).takeUnretainedValue()
    do throws(UnpackError) {
        let piece = unsafe try stream.next()
        unsafe start.pointee = piece.baseAddress
        return piece.count
    } catch {
        // The stream keeps the error itself.
        return Int(ARCHIVE_FATAL)
    }
}
