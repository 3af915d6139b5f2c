package import API
import Glibc
import Linux
import Trees
import Wire

/// Where a check of archives goes on: a file by its number, and the byte at which a line of it begins.
package struct ArchivePlace: Hashable, Sendable {
    package var archive: Int64
    package var offset: Int64

    package init(archive: Int64, offset: Int64 = 0) {
        self.archive = archive
        self.offset = offset
    }
}

/// What a check of a part of an archive found.
package struct ArchiveFinding: Hashable, Sendable {
    /// The last record that is as it was written, or that the next part has to follow.
    package var reached: AuditMark
    /// The first record that is not as it was written.
    package var broken: Int64?
    package var problem: String?
    /// Nil: the table goes on behind `reached`.
    package var next: ArchivePlace?

    /// Whether the next part has to follow `reached`; if not, its first line is believed what it says.
    package var isFollowed: Bool { broken == nil }
}

extension StateStore {
    /// Bytes of an archive that one call looks at.
    private static let archivePart = 256 << 10

    /// Where the check of records behind `mark` begins, if that is in an archive.
    /// - Returns: nil where it is the table's; without a `next`, and with a problem, where it is not as marked.
    package func archivePlace(after mark: AuditMark) throws(StoreError) -> ArchiveFinding? {
        let all = try archives()
        guard let last = all.last else { return nil }
        if mark.number == 0 {
            return ArchiveFinding(reached: .beginning, next: ArchivePlace(archive: 1))
        }
        guard mark.number <= last.end.number else { return nil }
        guard
            let archive = all.first(where: { $0.before.number < mark.number && mark.number <= $0.end.number })
        else { return nil }
        let wrong = ArchiveFinding(
            reached: .beginning, broken: mark.number, problem: "it is not the record that was marked")
        if mark.number == archive.end.number {
            guard mark == archive.end else { return wrong }
            let finding = try leave(archive)
            // Where the table goes on right behind it there is nothing to look for in archives.
            return finding.next == nil && finding.reached == mark ? nil : finding
        }
        guard let archives = try place.findArchives(),
            let (file, _) = try place.openArchive(archive.name, in: archives, O_RDONLY)
        else {
            return try leave(archive, (mark.number, absence(archive)))
        }
        guard let (found, offset) = try find(mark.number, file, archive), found == mark else { return wrong }
        return ArchiveFinding(reached: mark, next: ArchivePlace(archive: archive.number, offset: offset))
    }

    /// Checks a part of an archive.
    /// - Parameter mark: what it has to follow; not needed where an archive begins.
    /// - Returns: nil where there is no such archive, nor one behind it.
    package func checkArchive(
        at place: ArchivePlace, after mark: AuditMark?
    ) throws(StoreError) -> ArchiveFinding? {
        let all = try archives()
        guard let index = all.firstIndex(where: { $0.number >= place.archive }) else { return nil }
        let archive = all[index]
        guard archive.number == place.archive else {
            return ArchiveFinding(
                reached: .beginning, broken: archive.before.number,
                problem: "the store does not know of \(AuditArchive.name(place.archive)) any more",
                next: ArchivePlace(archive: archive.number))
        }
        let earlier = index > 0 ? all[index - 1].end : .beginning
        if place.offset == 0, archive.before.number <= earlier.number, archive.before != earlier {
            return try leave(
                archive, (archive.before.number + 1, "\(archive.path) does not follow the archive before"))
        }
        guard let archives = try self.place.findArchives(),
            let (file, size) = try self.place.openArchive(archive.name, in: archives, O_RDONLY)
        else { return try leave(archive, (archive.before.number + 1, absence(archive))) }
        let reading = ArchiveReading(
            archive: archive, offset: place.offset, size: size,
            reached: place.offset == 0 ? archive.before : mark)
        return try follow(reading, file)
    }

    private func follow(
        _ reading: ArchiveReading, _ file: Held<FileDescriptor>
    ) throws(StoreError) -> ArchiveFinding {
        var reading = reading
        let archive = reading.archive
        let most = min(Int64(Self.archivePart), min(reading.size, archive.bytes) - reading.offset)
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try file.value.bytes(at: reading.offset, most: Int(max(0, most)))
        } catch {
            throw .system(error)
        }
        var rest = bytes[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = Array(rest[..<end])
            rest = rest[(end + 1)...]
            if let problem = reading.take(line) {
                if reading.offset >= min(reading.size, archive.bytes) { return try leave(archive, problem) }
                return ArchiveFinding(
                    reached: .beginning, broken: problem.number, problem: problem.text,
                    next: ArchivePlace(archive: archive.number, offset: reading.offset))
            }
        }
        if rest.count < bytes.count, reading.offset < min(reading.size, archive.bytes) {
            return ArchiveFinding(
                reached: reading.reached ?? .beginning,
                next: ArchivePlace(archive: archive.number, offset: reading.offset))
        }
        return try leave(archive, reading.problemAtEnd)
    }

    /// - Returns: that the next archive comes, or the table.
    private func leave(
        _ archive: AuditArchive, _ problem: (number: Int64, text: String)? = nil
    ) throws(StoreError) -> ArchiveFinding {
        let isLast = try lastArchive()?.number == archive.number
        var finding = ArchiveFinding(
            reached: archive.end, broken: problem?.number, problem: problem?.text,
            next: isLast ? nil : ArchivePlace(archive: archive.number + 1))
        if isLast {
            // What was dropped without an archive nobody can check.
            let dropped = try lastDropped()
            if dropped.number > archive.end.number { finding.reached = dropped }
        }
        return finding
    }

    private func absence(_ archive: AuditArchive) -> String {
        "\(place(archive.path)) is not there, which records \(archive.before.number + 1) to "
            + "\(archive.end.number) were put into"
    }

    /// Looks for a record by the beginning of its line.
    /// - Returns: its mark, and where the next line begins.
    private func find(
        _ number: Int64, _ file: Held<FileDescriptor>, _ archive: AuditArchive
    ) throws(StoreError) -> (AuditMark, Int64)? {
        let beginning = Array("{\"seq\":\(number),".utf8)
        var offset: Int64 = 0
        while offset < archive.bytes {
            let part: [UInt8]
            do throws(SystemError) {
                part = try file.value.bytes(at: offset, most: Self.archivePart)
            } catch {
                throw .system(error)
            }
            var rest = part[...]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = rest[..<end]
                rest = rest[(end + 1)...]
                guard line.starts(with: beginning) else { continue }
                guard let json = try? JSONTree(parsing: Array(line)), let record = AuditRecord(json),
                    record.digest
                        == SHA256.of(record.entry.digested(number: number, previous: record.previous))
                else { return nil }
                return (record.mark, offset + Int64(end + 1))
            }
            if rest.count == part.count { return nil }
            offset += Int64(part.count - rest.count)
        }
        return nil
    }
}
