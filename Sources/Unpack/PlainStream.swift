import CArchive
import Trees

/// The bytes of an archive without their compression (plain, gzip or zstd), counted on their way, and digested
/// where it is a layer's.
///
/// A class, because libarchive holds it while it reads the archive that these bytes are.
@safe final class PlainStream {
    /// The most bytes that may come out for one that went in, once `freeBytes` have come out. gzip
    /// makes at most 1032 of one; text and programs make less than 20.
    static let ratio: UInt64 = 200
    static let freeBytes: UInt64 = 64 << 20
    private let ratio: UInt64
    private let freeBytes: UInt64
    /// POSIX ustar: an archive ends in two blocks of zeros.
    private static let endMarker = 1024

    private let source: LibArchive
    /// Held here while libarchive reads it.
    private let input: ArchiveInput?
    private let limit: UInt64
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)
    private var digest = SHA256()
    private var zerosAtEnd = 0
    /// Where the last byte that is not zero ends.
    private(set) var contentEnd: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    private(set) var failure: UnpackError?

    /// - Parameters:
    ///   - descriptor: what to read, from where it stands.
    ///   - limit: the most bytes to give, uncompressed.
    init(descriptor: CInt, limit: UInt64) throws(UnpackError) {
        (ratio, freeBytes, input) = (Self.ratio, Self.freeBytes, nil)
        source = try LibArchive()
        self.limit = limit
        support()
        try begin(unsafe archive_read_open_fd(source.handle, descriptor, 1 << 16))
    }

    /// - Parameters:
    ///   - input: what to read.
    ///   - limit: the most bytes to give, uncompressed.
    ///   - ratio: the most bytes that may come out for one that went in, once `freeBytes` have come out.
    init(
        _ input: ArchiveInput, limit: UInt64, ratio: UInt64, freeBytes: UInt64
    ) throws(UnpackError) {
        (self.ratio, self.freeBytes, self.input) = (ratio, freeBytes, input)
        source = try LibArchive()
        self.limit = limit
        support()
        let client = unsafe Unmanaged.passUnretained(input).toOpaque()
        try begin(unsafe archive_read_open(source.handle, client, nil, readInput, nil))
    }

    private func support() {
        unsafe archive_read_support_filter_gzip(source.handle)
        unsafe archive_read_support_filter_zstd(source.handle)
        unsafe archive_read_support_format_raw(source.handle)
    }

    /// - Parameter result: of opening.
    private func begin(_ result: Int32) throws(UnpackError) {
        var entry: OpaquePointer?
        guard result == ARCHIVE_OK, unsafe archive_read_next_header(source.handle, &entry) == ARCHIVE_OK
        else {
            throw input?.failure ?? .damaged("the archive is empty or cannot be read: \(source.problem)")
        }
        // The last one is the reading of the descriptor itself.
        guard unsafe archive_filter_count(source.handle) <= 2 else {
            throw .damaged("the archive is compressed more than once")
        }
    }

    deinit { unsafe buffer.deallocate() }

    /// Bytes that were read of the descriptor.
    var compressedBytes: UInt64 {
        UInt64(max(0, unsafe archive_filter_bytes(source.handle, -1)))
    }

    /// The next bytes, valid until the next call; empty at the end. ``failure`` says what went wrong.
    func next() throws(UnpackError) -> UnsafeRawBufferPointer {
        let count = unsafe archive_read_data(source.handle, buffer.baseAddress, buffer.count)
        guard count >= 0 else {
            throw failed(input?.failure ?? .damaged("the archive is cut short or damaged: \(source.problem)"))
        }
        let piece = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
        bytes += UInt64(count)
        // Of what a client sends nobody asks for a digest, and processors without instructions for it take long.
        if input == nil { unsafe digest.update(Span(_unsafeBytes: piece)) }
        unsafe countZeros(piece)
        guard bytes <= limit else {
            throw failed(.ratio("the archive unpacks to more than the \(limit) bytes allowed"))
        }
        guard bytes <= freeBytes || bytes / ratio <= compressedBytes else {
            throw failed(
                .ratio(
                    "the archive unpacks to more than \(ratio) times its size (\(bytes) bytes from "
                        + "\(compressedBytes)), as an archive bomb does"))
        }
        return unsafe piece
    }

    /// Reads what is left and checks that the archive was whole.
    /// - Parameter end: where the last entry's content is over. An archive in an archive ends in zeros
    ///   too, so what comes behind it has to be the marker.
    func finish(end: UInt64) throws(UnpackError) {
        while unsafe !(try next()).isEmpty {}
        guard zerosAtEnd >= Self.endMarker, bytes >= end, bytes - end >= UInt64(Self.endMarker) else {
            throw .damaged("the archive is cut short: it has no end marker")
        }
    }

    /// Of all bytes so far of a layer.
    var plainDigest: String {
        let digest = digest
        return digest.finish()
    }

    private func failed(_ error: UnpackError) -> UnpackError {
        failure = error
        return error
    }

    private func countZeros(_ piece: UnsafeRawBufferPointer) {
        let zeros = unsafe piece.reversed().prefix(Self.endMarker).prefix { $0 == 0 }.count
        if zeros < min(piece.count, Self.endMarker) {
            contentEnd = bytes - UInt64(zeros)
        } else if zeros < piece.count, let last = unsafe piece.lastIndex(where: { $0 != 0 }) {
            contentEnd = bytes - UInt64(piece.count - last - 1)
        }
        zerosAtEnd = zeros == piece.count ? min(zerosAtEnd + zeros, Self.endMarker) : zeros
    }
}

/// Gives libarchive the input's next bytes.
private func readInput(
    _: OpaquePointer?, _ client: UnsafeMutableRawPointer?,
    _ start: UnsafeMutablePointer<UnsafeRawPointer?>?
) -> Int {
    guard let client = unsafe client, let start = unsafe start else { return Int(ARCHIVE_FATAL) }
    let input = unsafe Unmanaged<ArchiveInput>.fromOpaque(client).takeUnretainedValue()
    do throws(UnpackError) {
        let piece = unsafe try input.next()
        unsafe start.pointee = piece.baseAddress
        return piece.count
    } catch {
        // The input keeps the error itself.
        return Int(ARCHIVE_FATAL)
    }
}
