import API
import Trees
import Wire

/// The lines of an archive one after the other, held against what the store knows of it.
struct ArchiveReading {
    let archive: AuditArchive
    /// Where the next line begins.
    private(set) var offset: Int64
    /// Of the file.
    let size: Int64
    /// Nil: the next line is believed what it says of the record before it.
    private(set) var reached: AuditMark?

    init(archive: AuditArchive, offset: Int64, size: Int64, reached: AuditMark?) {
        self.archive = archive
        self.offset = offset
        self.size = size
        self.reached = reached
    }

    /// Takes the next line, without its end.
    /// - Returns: what is wrong with it; nil where nothing is.
    mutating func take(_ line: [UInt8]) -> (number: Int64, text: String)? {
        let place = "(\(archive.path), byte \(offset))"
        offset += Int64(line.count) + 1
        let expected = (reached?.number ?? archive.before.number) + 1
        if archive.hasEnded, offset == archive.bytes {
            return line == archive.end.endLine.bytes
                ? nil : (archive.end.number, "the line behind it, the last one, was changed \(place)")
        }
        guard line.count <= AuditLineCheck.longestLine, let json = try? JSONTree(parsing: line),
            let record = AuditRecord(json)
        else {
            reached = nil
            return (expected, "what is in its place is no record \(place)")
        }
        let before = reached ?? AuditMark(number: record.number - 1, digest: record.previous)
        reached = record.mark
        guard record.json.bytes == line else { return (record.number, "it was changed \(place)") }
        return record.problem(after: before, SHA256.of).map { ($0.0, "\($0.1) \(place)") }
    }

    /// What is wrong when no whole line is left; nil where nothing is.
    var problemAtEnd: (number: Int64, text: String)? {
        let next = min((reached?.number ?? archive.before.number) + 1, archive.end.number)
        if size < archive.bytes {
            return (
                next, "\(archive.path) was cut off: it has \(size) bytes, and \(archive.bytes) were written"
            )
        }
        if offset < archive.bytes { return (next, "its line has no end (\(archive.path), byte \(offset))") }
        if let reached, reached != archive.end {
            return (archive.end.number, "\(archive.path) ends with record \(reached.number)")
        }
        if size > archive.bytes {
            return (
                archive.end.number, "\(archive.path) has \(size - archive.bytes) bytes more than were written"
            )
        }
        return nil
    }
}
