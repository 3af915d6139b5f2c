import Trees

/// The blocks that stand before an entry's content in a tar file (pax(1) of POSIX: "ustar Interchange Format"
/// and "pax Extended Header").
///
/// What the fields of ustar have no room for stands in an extended header of its own. Owners are 0, and
/// their names are empty: they are the sandbox's and mean nothing elsewhere.
struct TarHeader: Hashable {
    static let block = 512

    /// As the archive has it; a directory's ends with a slash.
    var name: String
    var kind: EntryStatus.Kind
    /// Permissions.
    var mode: UInt32
    /// Of the content that follows, in bytes.
    var size: UInt64 = 0
    /// Seconds since 1970.
    var modified: Int
    /// Where a symbolic link leads.
    var target: String = ""

    /// Whole blocks; the content follows, padded with zeros to whole blocks.
    var bytes: [UInt8] {
        var records: [UInt8] = []
        if !fits(name, 100) { records += record("path", name) }
        if !fits(target, 100) { records += record("linkpath", target) }
        if size > Self.largest { records += record("size", "\(size)") }
        if modified < 0 || modified > Int(Self.largest) { records += record("mtime", "\(modified)") }
        let own = ustar(
            name, type: kind == .directory ? "5" : kind == .symlink ? "2" : "0", size: size, target: target)
        if records.isEmpty { return own }
        return ustar("pax-header", type: "x", size: UInt64(records.count), target: "") + padded(records) + own
    }

    /// What 11 octal digits can say.
    private static let largest: UInt64 = 1 << 33 - 1

    /// ASCII alone: ustar says nothing about what other bytes mean, pax says UTF-8.
    private func fits(_ text: String, _ room: Int) -> Bool {
        text.utf8.count <= room && text.utf8.allSatisfy { $0 < 0x80 }
    }

    /// One `length key=value` line, whose length counts its own digits.
    private func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = Array(" \(key)=\(value)\n".utf8)
        var length = rest.count
        while length != rest.count + "\(length)".utf8.count { length = rest.count + "\(length)".utf8.count }
        return Array("\(length)".utf8) + rest
    }

    private func padded(_ bytes: [UInt8]) -> [UInt8] {
        bytes + [UInt8](repeating: 0, count: (Self.block - bytes.count % Self.block) % Self.block)
    }

    private func ustar(_ name: String, type: Character, size: UInt64, target: String) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: Self.block)
        func put(_ bytes: some Collection<UInt8>, _ place: Int, _ room: Int) {
            for (index, byte) in bytes.prefix(room).enumerated() { block[place + index] = byte }
        }
        func octal(_ value: UInt64, _ place: Int, _ room: Int) {
            let digits = String(min(value, Self.largest), radix: 8)
            put(
                "\(String(repeating: "0", count: max(0, room - 1 - digits.utf8.count)))\(digits)".utf8, place,
                room)
        }
        put(name.utf8, 0, 100)
        octal(UInt64(mode & 0o777), 100, 8)
        octal(0, 108, 8)
        octal(0, 116, 8)
        octal(size, 124, 12)
        octal(UInt64(max(0, modified)), 136, 12)
        put(String(type).utf8, 156, 1)
        put(target.utf8, 157, 100)
        put("ustar\0".utf8, 257, 6)
        put("00".utf8, 263, 2)
        octal(0, 329, 8)
        octal(0, 337, 8)
        // The sum of all bytes, with spaces where the sum will be.
        put("        ".utf8, 148, 8)
        let sum = block.reduce(0) { $0 + UInt64($1) }
        octal(sum, 148, 7)
        block[154] = 0
        return block
    }
}
