// The directory of a zip file: what is told of its entries is what stands in it.

import Unpack

/// Input: a whole zip file.
func checkZipDirectory(_ bytes: [UInt8]) throws(FuzzFailure) {
    let end: ZipEnd
    let entries: [ZipEntry]
    let directory: [UInt8]
    do throws(UnpackError) {
        end = try ZipEnd(bytes, fileSize: UInt64(bytes.count))
        // What the reader looks at before it takes memory for it.
        let (offset, size) = (end.directoryOffset, end.directorySize)
        guard offset <= bytes.count, size <= UInt64(bytes.count) - offset else {
            throw .damaged("the directory is not in the file")
        }
        directory = Array(bytes[Int(offset)..<Int(offset + size)])
        entries = try ZipDirectory.entries(directory, end)
    } catch {
        let text = "\(error)"
        return try hold(!text.isEmpty && !text.contains("\n"), "the error is not one line: \(text)")
    }
    try hold(
        UInt64(entries.count) == end.entries, "\(entries.count) entries, and the end says \(end.entries)")
    let names = entries.reduce(0) { $0 + $1.path.count }
    try hold(entries.count * 46 + names <= directory.count, "more names than there is room for")
    var last: UInt64 = 0
    for entry in entries {
        try hold(entry.offset >= last, "the entries are not in the order of their contents")
        last = entry.offset
        try hold(entry.flags & 0x2061 == 0, "an encrypted entry was taken")
        try hold(contains(directory, entry.path), "a name that does not stand there")
        // From 1980 to the end of 2107, with hours up to 31 and minutes up to 63: what MS-DOS can say.
        if let time = entry.modified {
            try hold((315_532_800...4_354_848_242).contains(time), "the time \(time)")
        }
    }
    // The same bytes say the same.
    try hold((try? ZipDirectory.entries(directory, end)) == entries, "read again it is another directory")
}

private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    part.isEmpty || bytes.indices.contains { bytes[$0...].starts(with: part) }
}
