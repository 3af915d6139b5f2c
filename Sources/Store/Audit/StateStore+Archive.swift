import API
import Glibc
import Linux
import Wire

// Old audit records go from the table into files. First the file gets them and is on the device, then one
// transaction drops them from the table and records how far the file got: killed in between, the file is longer
// than recorded, and what is too much of it is in the table still and goes from the file.
extension StateStore {
    /// The most bytes behind the recorded end of a file that are looked at.
    private static let mostSurplus = 8 << 20

    /// Puts records into the archive that they go on from, or into a new one.
    /// - Parameter records: some, the oldest of the table.
    /// - Returns: what is to be recorded in the transaction that drops them.
    func archive(
        _ records: [AuditRecord], usualSize: Int64 = AuditArchive.usualSize
    ) throws(StoreError) -> AuditArchive {
        let archives = try place.openArchives()
        let begun = try archiveFor(records, in: archives)
        var archive = begun.archive
        let file = begun.file
        var bytes: [UInt8] = []
        for record in records {
            bytes += record.json.bytes
            bytes.append(UInt8(ascii: "\n"))
            archive.end = record.mark
        }
        if archive.bytes + Int64(bytes.count) >= usualSize {
            bytes += archive.end.endLine.bytes
            bytes.append(UInt8(ascii: "\n"))
            archive.hasEnded = true
        }
        let offset = archive.bytes
        try place.system { () throws(SystemError) in
            try file.value.append(bytes, at: offset)
            // Of a new file the name.
            if offset == 0 { _ = try call("fsync", on: StorePlace.archives) { fsync(archives.number) } }
        }
        archive.bytes += Int64(bytes.count)
        return archive
    }

    private func archiveFor(
        _ records: [AuditRecord], in archives: borrowing FileDescriptor
    ) throws(StoreError) -> (archive: AuditArchive, file: Held<FileDescriptor>) {
        let last = try lastArchive()
        let before =
            records.first.map { AuditMark(number: $0.number - 1, digest: $0.previous) } ?? .beginning
        // Where records were dropped without one in between, or the file is not what it was, there is a new one.
        if let last, !last.hasEnded, last.end == before,
            let (file, size) = try place.openArchive(last.name, in: archives, O_RDWR),
            try trim(file, to: last.bytes, from: size)
        {
            return (last, file)
        }
        let number = (last?.number ?? 0) + 1
        let archive = AuditArchive(number: number, before: before, end: before, bytes: 0, hasEnded: false)
        if let (file, size) = try place.openArchive(archive.name, in: archives, O_RDWR) {
            if try trim(file, to: 0, from: size) { return (archive, file) }
            try place.setApart(archive.name, in: archives)
        }
        return (archive, try place.makeArchive(archive.name, in: archives))
    }

    /// Takes away what is in a file behind `bytes`, if all of it is in the table still.
    /// - Returns: whether the file is as long as it is to be now.
    private func trim(
        _ file: Held<FileDescriptor>, to bytes: Int64, from size: Int64
    ) throws(StoreError) -> Bool {
        guard size >= bytes, size - bytes <= Self.mostSurplus else { return false }
        if size == bytes { return true }
        let surplus: [UInt8]
        do throws(SystemError) {
            surplus = try file.value.bytes(at: bytes, most: Int(size - bytes))
        } catch {
            throw .system(error)
        }
        for line in surplus.split(separator: UInt8(ascii: "\n")) {
            // What is no whole record is one that was not written to its end.
            guard let json = try? JSONTree(parsing: Array(line)), let record = AuditRecord(json) else {
                continue
            }
            guard try auditDigest(of: record.number) == record.digest else { return false }
        }
        try place.system { () throws(SystemError) in
            _ = try call("ftruncate") { ftruncate(file.value.number, Int(bytes)) }
            _ = try call("fsync") { fsync(file.value.number) }
        }
        return true
    }

    /// Takes away what a daemon that was killed while it archived had written for nothing.
    func settleArchives() throws(StoreError) {
        guard let archives = try place.findArchives(), let last = try lastArchive(), !last.hasEnded,
            let (file, size) = try place.openArchive(last.name, in: archives, O_RDWR), size > last.bytes
        else { return }
        _ = try trim(file, to: last.bytes, from: size)
    }
}
