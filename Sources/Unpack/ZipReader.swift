import CLinux
import CZlib
import Glibc
import Linux
import Trees

/// The entries of a zip file and their contents.
final class ZipReader {
    private let file: FileDescriptor
    private let size: UInt64
    private let buffer = ZipBuffer()
    let entries: [ZipEntry]

    /// Checks everything that the file says of itself, and no content yet.
    /// - Parameters:
    ///   - file: which can be read at any place.
    ///   - most: entries.
    init(_ file: consuming FileDescriptor, size: UInt64, most: UInt64) throws(UnpackError) {
        self.file = file
        self.size = size
        let tail = min(size, UInt64(ZipEnd.size + ZipEnd.locatorSize + ZipEnd.size64))
        let end = try ZipEnd(
            try Self.bytes(self.file, at: size - tail, count: Int(tail)), fileSize: size)
        guard end.entries <= most else {
            throw .tree(.limit(entry: "", "the archive has \(end.entries) entries; expected at most \(most)"))
        }
        // An entry has 46 bytes and a name; what else there may be is of no use here.
        guard end.directorySize <= min(end.entries * 4400 + 1, 256 << 20) else {
            throw .damaged(
                "the zip archive's directory has \(end.directorySize) bytes, too many for its entries")
        }
        let directory = try Self.bytes(
            self.file, at: end.directoryOffset, count: Int(end.directorySize))
        entries = try ZipDirectory.entries(directory, end)
        try checkPlaces(upTo: end.directoryOffset)
    }

    private static func bytes(
        _ file: borrowing FileDescriptor, at offset: UInt64, count: Int
    ) throws(UnpackError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        let number = file.number
        while done < count {
            let some: Int
            do throws(SystemError) {
                let place = done
                some = try call("pread") {
                    unsafe bytes.withUnsafeMutableBytes { room in
                        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: room[place...])
                        return unsafe pread(
                            number, rest.baseAddress, rest.count, off_t(offset) + off_t(place))
                    }
                }
            } catch {
                throw .tree(.system(error, entry: nil))
            }
            guard some > 0 else { throw .damaged("the zip archive is cut short") }
            done += some
        }
        return bytes
    }

    /// Each content follows the one before, and the header in front of it says what the directory says.
    private func checkPlaces(upTo end: UInt64) throws(UnpackError) {
        var place: UInt64 = 0
        for (index, entry) in entries.enumerated() {
            let next = index + 1 < entries.count ? entries[index + 1].offset : end
            guard entry.offset == place, next <= end, next - min(next, place) >= 30 else {
                throw Self.disagrees(entry, "begins where another one is, or where nothing says that it does")
            }
            let header = try Self.bytes(file, at: place, count: 30)
            let lengths = (Int(header.half(26)), Int(header.half(28)))
            let whole = UInt64(30 + lengths.0 + lengths.1)
            guard header.word(0) == 0x0403_4B50, whole <= next - place,
                next - place - whole >= entry.compressed
            else { throw Self.disagrees(entry, "its header is damaged, or it overlaps with another one") }
            let names = try Self.bytes(file, at: place + 30, count: lengths.0 + lengths.1)
            try check(entry, header, Array(names.prefix(lengths.0)), Array(names.dropFirst(lengths.0)))
            try checkDescriptor(
                entry, at: place + whole + entry.compressed, room: next - place - whole - entry.compressed)
            place = next
        }
        guard place == end else {
            throw .damaged("the zip archive has bytes in front of its directory that belong to nothing")
        }
    }

    private func check(
        _ entry: ZipEntry, _ header: [UInt8], _ name: [UInt8], _ extra: [UInt8]
    ) throws(UnpackError) {
        let method: UInt16 = entry.method == .stored ? 0 : 8
        guard name == entry.path, header.half(6) == entry.flags, header.half(8) == method else {
            throw Self.disagrees(entry, "the header in front of it and the directory disagree")
        }
        var says = (UInt64(header.word(18)), UInt64(header.word(22)))
        if says.0 == 0xFFFF_FFFF || says.1 == 0xFFFF_FFFF {
            // APPNOTE 4.5.3: here both are in it, the size first.
            guard let field = ZipDirectory.zip64(extra), field.count >= 16 else {
                throw Self.disagrees(entry, "the zip64 field of the header in front of it is damaged")
            }
            says = (field.long(8), field.long(0))
        }
        let isSaid = (header.word(14), says.0, says.1) == (entry.crc, entry.compressed, entry.size)
        let isLeftOut = entry.hasDescriptor && header.word(14) == 0 && says == (0, 0)
        guard isSaid || isLeftOut else {
            throw Self.disagrees(entry, "the header in front of it and the directory disagree")
        }
    }

    /// APPNOTE 4.3.9: with or without a signature, sizes of four or of eight bytes.
    private func checkDescriptor(
        _ entry: ZipEntry, at place: UInt64, room: UInt64
    ) throws(UnpackError) {
        guard entry.hasDescriptor else {
            if room == 0 { return }
            throw Self.disagrees(entry, "\(room) bytes behind it belong to nothing")
        }
        guard [12, 16, 20, 24].contains(room) else {
            throw Self.disagrees(entry, "what follows it is no data descriptor")
        }
        var bytes = try Self.bytes(file, at: place, count: Int(room))
        if room % 8 == 0 {
            guard bytes.word(0) == 0x0807_4B50 else {
                throw Self.disagrees(entry, "what follows it is no data descriptor")
            }
            bytes.removeFirst(4)
        }
        let isLong = bytes.count == 20
        let says = (
            isLong ? bytes.long(4) : UInt64(bytes.word(4)), isLong ? bytes.long(12) : UInt64(bytes.word(8))
        )
        guard bytes.word(0) == entry.crc, says == (entry.compressed, entry.size) else {
            throw Self.disagrees(entry, "the descriptor behind it and the directory disagree")
        }
    }

    private static func disagrees(_ entry: ZipEntry, _ why: String) -> UnpackError {
        .damaged("entry \"\(printable(entry.name))\": \(why)")
    }

    // MARK: Content

    /// Gives each piece of an entry's content, and holds all of it against what was said of it.
    func content(
        of entry: ZipEntry, _ body: (UnsafeRawBufferPointer) throws(UnpackError) -> Void
    ) throws(UnpackError) {
        let header = try Self.bytes(file, at: entry.offset, count: 30)
        let start = entry.offset + 30 + UInt64(header.half(26)) + UInt64(header.half(28))
        var sum: UInt = 0
        var done: UInt64 = 0
        func take(_ piece: UnsafeRawBufferPointer) throws(UnpackError) {
            done += UInt64(piece.count)
            guard done <= entry.size else {
                throw Self.disagrees(entry, "has more than the \(entry.size) bytes that it says")
            }
            sum = unsafe crc32(sum, piece.baseAddress?.assumingMemoryBound(to: UInt8.self), uInt(piece.count))
            unsafe try body(piece)
        }
        switch entry.method {
        case .stored:
            unsafe try pieces(start, entry.compressed) { (piece) throws(UnpackError) in unsafe try take(piece)
            }
        case .deflated: unsafe try inflated(entry, start, take)
        }
        guard done == entry.size, UInt32(truncatingIfNeeded: sum) == entry.crc else {
            throw Self.disagrees(
                entry, "its content has \(done) bytes or another sum; expected \(entry.size) bytes")
        }
    }

    private func pieces(
        _ start: UInt64, _ count: UInt64, _ body: (UnsafeRawBufferPointer) throws(UnpackError) -> Void
    ) throws(UnpackError) {
        var done: UInt64 = 0
        let number = file.number
        while done < count {
            let most = unsafe Int(min(count - done, UInt64(buffer.input.count)))
            let some: Int
            do throws(SystemError) {
                some = try call("pread") {
                    unsafe pread(number, buffer.input.baseAddress, most, off_t(start + done))
                }
            } catch {
                throw .tree(.system(error, entry: nil))
            }
            guard some > 0 else { throw .damaged("the zip archive is cut short") }
            done += UInt64(some)
            unsafe try body(UnsafeRawBufferPointer(rebasing: buffer.input[..<some]))
        }
    }

    private func inflated(
        _ entry: ZipEntry, _ start: UInt64, _ body: (UnsafeRawBufferPointer) throws(UnpackError) -> Void
    ) throws(UnpackError) {
        let inflater = try ZipInflater()
        unsafe try pieces(start, entry.compressed) { (piece) throws(UnpackError) in
            guard unsafe try inflater.inflate(piece, buffer.output, body) else {
                throw Self.disagrees(
                    entry, "its content is damaged, or is not all of its \(entry.compressed) bytes")
            }
        }
        guard inflater.isComplete else { throw Self.disagrees(entry, "its content is cut short") }
    }
}

/// Memory for what is read and for what comes of it.
@safe private final class ZipBuffer {
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 17, alignment: 16)

    deinit {
        unsafe input.deallocate()
        unsafe output.deallocate()
    }
}

/// zlib's state for one content. On the heap, because zlib keeps a pointer back to it.
@safe private final class ZipInflater {
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    /// The data's own end was met.
    private(set) var isComplete = false

    init() throws(UnpackError) {
        unsafe stream.initialize(to: z_stream())
        guard unsafe czlib_begin(stream) == Z_OK else { throw .damaged("zlib has no memory") }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deinitialize(count: 1)
        unsafe stream.deallocate()
    }

    /// - Returns: false for what is damaged, or goes on behind its end.
    func inflate(
        _ piece: UnsafeRawBufferPointer, _ room: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws(UnpackError) -> Void
    ) throws(UnpackError) -> Bool {
        if isComplete { return false }
        unsafe stream.pointee.next_in = UnsafeMutablePointer(
            mutating: piece.baseAddress?.assumingMemoryBound(to: UInt8.self))
        unsafe stream.pointee.avail_in = uInt(piece.count)
        repeat {
            unsafe stream.pointee.next_out = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
            unsafe stream.pointee.avail_out = uInt(room.count)
            let result = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
            let count = unsafe room.count - Int(stream.pointee.avail_out)
            if count > 0 { unsafe try body(UnsafeRawBufferPointer(rebasing: room[..<count])) }
            switch result {
            case Z_STREAM_END:
                isComplete = true
                return unsafe stream.pointee.avail_in == 0
            case Z_OK: continue
            // Nothing to do: all that there was is used up.
            case Z_BUF_ERROR: return true
            default: return false
            }
        } while unsafe stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
        return true
    }
}
