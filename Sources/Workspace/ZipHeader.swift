import Trees

/// The records of a zip file (APPNOTE.TXT of PKWARE, sections 4.3 and 4.5): contents as they are, sums behind them,
/// modes and links as Unix has them, and the wide forms where a number has no room.
///
/// Sizes are said in front of a content; the sum, which is not known then, stands in a descriptor behind it.
struct ZipHeader: Hashable {
    /// As the archive has it; a directory's ends with a slash.
    var name: String
    var kind: EntryStatus.Kind
    /// Permissions.
    var mode: UInt32
    /// Of the content, in bytes.
    var size: UInt64
    /// Seconds since 1970.
    var modified: Int
    /// Of the local header, from the archive's beginning.
    var offset: UInt64
    /// CRC-32 of the content; 0 until that is known.
    var sum: UInt32 = 0

    /// Sizes and sum behind the content, UTF-8 (4.4.4, bits 3 and 11).
    private static let flags: UInt16 = 1 << 3 | 1 << 11
    /// What 4.5 is needed by.
    private static let version: UInt16 = 45
    private static let full: UInt64 = 0xFFFF_FFFF

    private var isWide: Bool { size >= Self.full }

    /// What stands in front of the content.
    var local: [UInt8] {
        var bytes: [UInt8] = []
        bytes.add(word: 0x0403_4B50)
        addCommon(to: &bytes)
        // 4.4.4: with the flag, zero here. Where the sizes are wide, a field says so of the descriptor too.
        for _ in 0..<2 { bytes.add(word: isWide ? UInt32(Self.full) : 0) }
        bytes.add(half: UInt16(name.utf8.count))
        let extra = isWide ? wide([0, 0]) : []
        bytes.add(half: UInt16(extra.count))
        return bytes + name.utf8 + extra
    }

    /// What stands behind the content.
    var descriptor: [UInt8] {
        var bytes: [UInt8] = []
        bytes.add(word: 0x0807_4B50)
        bytes.add(word: sum)
        for _ in 0..<2 { if isWide { bytes.add(long: size) } else { bytes.add(word: UInt32(size)) } }
        return bytes
    }

    /// The entry of the directory at the archive's end.
    var central: [UInt8] {
        var bytes: [UInt8] = []
        bytes.add(word: 0x0201_4B50)
        // Made by Unix.
        bytes.add(half: 3 << 8 | Self.version)
        addCommon(to: &bytes, sum: sum)
        for _ in 0..<2 { bytes.add(word: UInt32(min(size, Self.full))) }
        bytes.add(half: UInt16(name.utf8.count))
        let extra = wide((isWide ? [size, size] : []) + (offset >= Self.full ? [offset] : []))
        bytes.add(half: UInt16(extra.count))
        // No comment, the first part, no attributes but of Unix and the one of DOS for a directory.
        for _ in 0..<3 { bytes.add(half: 0) }
        let type: UInt32 = kind == .directory ? 0o040000 : kind == .symlink ? 0o120000 : 0o100000
        bytes.add(word: (type | mode & 0o777) << 16 | (kind == .directory ? 0x10 : 0))
        bytes.add(word: UInt32(min(offset, Self.full)))
        return bytes + name.utf8 + extra
    }

    private func addCommon(to bytes: inout [UInt8], sum: UInt32 = 0) {
        bytes.add(half: Self.version)
        bytes.add(half: Self.flags)
        // Stored.
        bytes.add(half: 0)
        let (date, time) = dos
        bytes.add(half: time)
        bytes.add(half: date)
        bytes.add(word: sum)
    }

    /// Extra field 1; nothing where nothing is wide.
    private func wide(_ numbers: [UInt64]) -> [UInt8] {
        if numbers.isEmpty { return [] }
        var bytes: [UInt8] = []
        bytes.add(half: 1)
        bytes.add(half: UInt16(8 * numbers.count))
        for number in numbers { bytes.add(long: number) }
        return bytes
    }

    /// UTC, in steps of two seconds from 1980 to 2107; what is outside is the first or the last of it.
    private var dos: (date: UInt16, time: UInt16) {
        let seconds = min(max(modified, 315_532_800), 4_354_819_198)
        let (days, second) = (seconds / 86_400, seconds % 86_400)
        // Years that begin in March, of an era of 400 of them.
        let shifted = days + 719_468
        let (era, ofEra) = (shifted / 146_097, shifted % 146_097)
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let march = (5 * ofYear + 2) / 153
        let (day, month) = (ofYear - (153 * march + 2) / 5 + 1, march < 10 ? march + 3 : march - 9)
        let whole = era * 400 + year + (month <= 2 ? 1 : 0)
        return (
            UInt16((whole - 1980) << 9 | month << 5 | day),
            UInt16((second / 3600) << 11 | (second / 60 % 60) << 5 | second % 60 / 2)
        )
    }

    /// What ends an archive.
    /// - Parameters:
    ///   - count: of entries.
    ///   - offset: where the directory begins.
    ///   - size: of the directory.
    static func end(count: UInt64, offset: UInt64, size: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        if count >= 0xFFFF || offset >= full || size >= full {
            bytes.add(word: 0x0606_4B50)
            bytes.add(long: 44)
            bytes.add(half: 3 << 8 | version)
            bytes.add(half: version)
            for _ in 0..<2 { bytes.add(word: 0) }
            for _ in 0..<2 { bytes.add(long: count) }
            bytes.add(long: size)
            bytes.add(long: offset)
            bytes.add(word: 0x0706_4B50)
            bytes.add(word: 0)
            bytes.add(long: offset + size)
            bytes.add(word: 1)
        }
        bytes.add(word: 0x0605_4B50)
        for _ in 0..<2 { bytes.add(half: 0) }
        for _ in 0..<2 { bytes.add(half: UInt16(min(count, 0xFFFF))) }
        bytes.add(word: UInt32(min(size, full)))
        bytes.add(word: UInt32(min(offset, full)))
        bytes.add(half: 0)
        return bytes
    }
}

extension [UInt8] {
    // Little-endian, as everything in a zip file.
    fileprivate mutating func add(half: UInt16) {
        for shift in [0, 8] as [UInt16] { append(UInt8(half >> shift & 0xFF)) }
    }
    fileprivate mutating func add(word: UInt32) {
        for shift in [0, 8, 16, 24] as [UInt32] { append(UInt8(word >> shift & 0xFF)) }
    }
    fileprivate mutating func add(long: UInt64) {
        add(word: UInt32(truncatingIfNeeded: long))
        add(word: UInt32(truncatingIfNeeded: long >> 32))
    }
}

/// CRC-32 as zip has it (APPNOTE 4.4.7), eight bytes at a time.
struct ZipSum {
    /// `tables[k][b]`: what byte b does to the sum from k bytes further on.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var sum = UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? 0xEDB8_8320 ^ sum >> 1 : sum >> 1 }
            tables[byte] = sum
        }
        for place in 256..<8 * 256 {
            let before = tables[place - 256]
            tables[place] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()

    private var state: UInt32 = 0xFFFF_FFFF

    var value: UInt32 { ~state }

    mutating func add(_ bytes: Span<UInt8>) {
        let tables = Self.tables.span
        var sum = state
        var place = 0
        while bytes.count - place >= 8 {
            let low =
                sum
                ^ (UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
                    | UInt32(bytes[place + 3]) << 24)
            let first = tables[7 * 256 + Int(low & 0xFF)] ^ tables[6 * 256 + Int(low >> 8 & 0xFF)]
            let second = tables[5 * 256 + Int(low >> 16 & 0xFF)] ^ tables[4 * 256 + Int(low >> 24)]
            let third = tables[3 * 256 + Int(bytes[place + 4])] ^ tables[2 * 256 + Int(bytes[place + 5])]
            sum = first ^ second ^ third ^ tables[256 + Int(bytes[place + 6])] ^ tables[Int(bytes[place + 7])]
            place += 8
        }
        while place < bytes.count {
            sum = tables[Int((sum ^ UInt32(bytes[place])) & 0xFF)] ^ sum >> 8
            place += 1
        }
        state = sum
    }
}
