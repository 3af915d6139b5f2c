import Trees

// What a zip file says that it has (APPNOTE.TXT of PKWARE, sections 4.3 and 4.4), as a pure function of its bytes.
//
// A zip file says most things twice, in front of each content and in its directory, and programs differ in
// which they believe. Here both must say the same, contents must follow each other without gaps or overlaps,
// and nothing may stand before, between or behind: what one program would see is what every other one sees.

/// One entry of a zip file's directory.
package struct ZipEntry: Hashable {
    package enum Method: Hashable { case stored, deflated }

    package var path: [UInt8]
    package var method: Method
    package var flags: UInt16
    var crc: UInt32
    package var compressed: UInt64
    package var size: UInt64
    /// Of its local header, from the file's beginning.
    package var offset: UInt64
    /// As stat(2) has it, with the type; 0 where the file was made by a system without modes.
    var unixMode: UInt32
    /// Seconds since 1970; nil where there is none that can be told.
    package var modified: Int?

    /// APPNOTE 4.4.4, bit 3: sizes and sum follow the content.
    var hasDescriptor: Bool { flags & 8 != 0 }
    var name: String { String(decoding: path, as: UTF8.self) }
}

/// Where a zip file's directory is.
package struct ZipEnd: Hashable {
    static let size = 22
    static let size64 = 56
    static let locatorSize = 20

    package var entries: UInt64
    package var directorySize: UInt64
    package var directoryOffset: UInt64

    /// - Parameters:
    ///   - tail: the last bytes of the file, ``size`` of them and those of the zip64 records before, or all.
    ///   - fileSize: of the whole.
    package init(_ tail: [UInt8], fileSize: UInt64) throws(UnpackError) {
        let end = tail.count - Self.size
        guard end >= 0, tail.word(end) == 0x0605_4B50, tail.half(end + 20) == 0 else {
            throw .damaged(
                "the zip archive is cut short, or has a comment or other bytes behind its end")
        }
        guard tail.half(end + 4) == 0, tail.half(end + 6) == 0, tail.half(end + 8) == tail.half(end + 10)
        else { throw .damaged("the zip archive is one of several parts") }
        entries = UInt64(tail.half(end + 10))
        directorySize = UInt64(tail.word(end + 12))
        directoryOffset = UInt64(tail.word(end + 16))
        var start = fileSize - UInt64(Self.size)
        if entries == 0xFFFF || directorySize == 0xFFFF_FFFF || directoryOffset == 0xFFFF_FFFF {
            start = try read64(tail, end, fileSize)
        }
        let (sum, overflow) = directoryOffset.addingReportingOverflow(directorySize)
        guard !overflow, sum == start else {
            throw .damaged("the zip archive's directory is not where it says, or other bytes follow it")
        }
    }

    /// - Returns: where the first of the records at the end begins.
    private mutating func read64(_ tail: [UInt8], _ end: Int, _ fileSize: UInt64) throws(UnpackError)
        -> UInt64
    {
        let (locator, record) = (end - Self.locatorSize, end - Self.locatorSize - Self.size64)
        guard record >= 0, tail.word(locator) == 0x0706_4B50, tail.word(record) == 0x0606_4B50,
            tail.long(record + 4) == UInt64(Self.size64 - 12), tail.word(locator + 4) == 0,
            tail.word(locator + 16) <= 1, tail.word(record + 16) == 0, tail.word(record + 20) == 0,
            tail.long(record + 24) == tail.long(record + 32)
        else { throw .damaged("the zip archive's zip64 end is missing or damaged") }
        let start = fileSize - UInt64(tail.count - record)
        guard tail.long(locator + 8) == start else {
            throw .damaged("the zip archive's zip64 end is not where it says")
        }
        let says = (tail.long(record + 32), tail.long(record + 40), tail.long(record + 48))
        guard entries == 0xFFFF || entries == says.0, directorySize == 0xFFFF_FFFF || directorySize == says.1,
            directoryOffset == 0xFFFF_FFFF || directoryOffset == says.2
        else { throw .damaged("the zip archive's two ends disagree") }
        (entries, directorySize, directoryOffset) = says
        return start
    }
}

package enum ZipDirectory {
    /// The entries of a directory, in the order of their contents.
    /// - Parameters:
    ///   - bytes: the whole directory.
    ///   - end: what the file's end says of it.
    package static func entries(_ bytes: [UInt8], _ end: ZipEnd) throws(UnpackError) -> [ZipEntry] {
        var entries: [ZipEntry] = []
        var place = 0
        while place < bytes.count {
            let (entry, next) = try entry(bytes, place)
            entries.append(entry)
            place = next
        }
        guard UInt64(entries.count) == end.entries else {
            throw .damaged(
                "the zip archive's directory has \(entries.count) entries, and its end says \(end.entries)")
        }
        entries.sort { $0.offset < $1.offset }
        return entries
    }

    private static func entry(_ bytes: [UInt8], _ at: Int) throws(UnpackError) -> (ZipEntry, Int) {
        let short = UnpackError.damaged("the zip archive's directory is damaged")
        guard bytes.count - at >= 46, bytes.word(at) == 0x0201_4B50 else { throw short }
        let lengths = [28, 30, 32].map { Int(bytes.half(at + $0)) }
        let next = at + 46 + lengths.reduce(0, +)
        guard next <= bytes.count else { throw short }
        let path = Array(bytes[(at + 46)..<(at + 46 + lengths[0])])
        let name = printable(String(decoding: path, as: UTF8.self))
        let extra = Array(bytes[(at + 46 + lengths[0])..<(at + 46 + lengths[0] + lengths[1])])
        let flags = bytes.half(at + 8)
        // Encrypted, patched, strongly encrypted, masked: APPNOTE 4.4.4.
        guard flags & 0x2061 == 0 else { throw .damaged("entry \"\(name)\": is encrypted, or a patch") }
        guard bytes.half(at + 34) == 0 else { throw .damaged("entry \"\(name)\": is in another part") }
        let method: ZipEntry.Method
        switch bytes.half(at + 10) {
        case 0: method = .stored
        case 8: method = .deflated
        case let other:
            throw .damaged("entry \"\(name)\": is compressed by method \(other); expected 0 or 8 (deflate)")
        }
        var entry = ZipEntry(
            path: path, method: method, flags: flags, crc: bytes.word(at + 16),
            compressed: UInt64(bytes.word(at + 20)), size: UInt64(bytes.word(at + 24)),
            offset: UInt64(bytes.word(at + 42)), unixMode: 0,
            modified: time(bytes.half(at + 14), bytes.half(at + 12)))
        try widen(&entry, extra, name)
        // APPNOTE 4.4.2: 3 is Unix, 19 Darwin; elsewhere the upper half means nothing.
        if [3, 19].contains(bytes[at + 5]) { entry.unixMode = bytes.word(at + 38) >> 16 }
        return (entry, next)
    }

    /// Numbers that had no room stand in an extra field (APPNOTE 4.5.3), in this order.
    private static func widen(_ entry: inout ZipEntry, _ extra: [UInt8], _ name: String) throws(UnpackError) {
        guard [entry.size, entry.compressed, entry.offset].contains(0xFFFF_FFFF) else { return }
        guard let field = zip64(extra) else {
            throw .damaged("entry \"\(name)\": its zip64 field is missing or damaged")
        }
        var place = 0
        func next(_ value: UInt64) throws(UnpackError) -> UInt64 {
            guard value == 0xFFFF_FFFF else { return value }
            guard field.count - place >= 8 else {
                throw .damaged("entry \"\(name)\": its zip64 field is too short")
            }
            defer { place += 8 }
            return field.long(place)
        }
        entry.size = try next(entry.size)
        entry.compressed = try next(entry.compressed)
        entry.offset = try next(entry.offset)
    }

    /// The field 1 of an extra field's list; nil where it is not there or the list is damaged.
    static func zip64(_ extra: [UInt8]) -> [UInt8]? {
        var place = 0
        while extra.count - place >= 4 {
            let length = Int(extra.half(place + 2))
            guard extra.count - place - 4 >= length else { return nil }
            if extra.half(place) == 1 { return Array(extra[(place + 4)..<(place + 4 + length)]) }
            place += 4 + length
        }
        return nil
    }

    /// MS-DOS has years from 1980, steps of two seconds and no zone; it is taken for UTC.
    static func time(_ date: UInt16, _ time: UInt16) -> Int? {
        let (year, month, day) = (Int(date >> 9) + 1980, Int(date >> 5 & 15), Int(date & 31))
        guard (1...12).contains(month), (1...31).contains(day) else { return nil }
        // Days since 1970, with years that begin in March.
        let from = month > 2 ? year : year - 1
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let days = from * 365 + from / 4 - from / 100 + from / 400 + ofYear - 719_468
        return days * 86_400 + Int(time >> 11) * 3600 + Int(time >> 5 & 63) * 60 + Int(time & 31) * 2
    }
}

extension [UInt8] {
    // Little-endian, as everything in a zip file.
    func half(_ place: Int) -> UInt16 { UInt16(self[place]) | UInt16(self[place + 1]) << 8 }
    func word(_ place: Int) -> UInt32 { UInt32(half(place)) | UInt32(half(place + 2)) << 16 }
    func long(_ place: Int) -> UInt64 { UInt64(word(place)) | UInt64(word(place + 4)) << 32 }
}
