import API
import Glibc
import Linux

/// The number and digest of the last audit record that got to the device, in a file beside the database.
///
/// Whoever cuts the end off the records, or puts an older copy of the database in the place of this one, leaves a
/// head that is ahead of it. The file is written after each wait for the device and not waited for itself: after a
/// loss of power it may be behind the records, and never ahead.
struct AuditHead {
    /// As it was written last, or found.
    var written = AuditMark.beginning
    /// The last record that was appended, whether it is on the device or not.
    var reached: AuditMark?
    /// Records have to follow this one where the database has fewer.
    var missing: AuditMark?
    var file: Held<FileDescriptor>?

    /// Bytes of the file: twenty digits, a colon, a digest and the end of the line.
    static let size = 20 + 1 + 64 + 1

    static func text(_ mark: AuditMark) -> [UInt8] {
        let digits = String(mark.number)
        let zeros = String(repeating: "0", count: 20 - digits.utf8.count)
        return Array("\(zeros)\(digits):\(mark.digest)\n".utf8)
    }

    /// Nil for what is none.
    static func read(_ bytes: [UInt8]) -> AuditMark? {
        guard bytes.count == size, let mark = AuditMark(String(decoding: bytes.dropLast(), as: UTF8.self)),
            text(mark) == bytes
        else { return nil }
        return mark
    }
}

extension StateStore {
    /// Looks at the head before anything is recorded, and keeps it open.
    /// - Parameter isNew: whether records are older than heads are.
    /// - Returns: what it shows to be gone.
    func openHead(isNew: Bool) throws(StoreError) -> String? {
        let file = try place.openOwn(StorePlace.auditHead)
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try file.readOnce(limit: AuditHead.size + 1)
        } catch {
            throw .system(error)
        }
        head.file = Held(file)
        do throws(StoreError) {
            return try compare(AuditHead.read(bytes), isMissing: bytes.isEmpty, isNew: isNew)
        } catch {
            // Of a large file nobody has looked at them before. What is recorded next fails as well.
            guard case .damaged(_, let problem) = error else { throw error }
            return "they cannot be read (\(problem))"
        }
    }

    private func compare(
        _ found: AuditMark?, isMissing: Bool, isNew: Bool
    ) throws(StoreError) -> String? {
        let last = try lastAuditMark()
        guard let found else {
            // What was never written to has no records to answer for.
            let isLost = !isMissing || (!isNew && last.number > 0)
            head.reached = last
            try writeHead(upTo: last)
            return isLost ? "the file \(StorePlace.auditHead) was removed or changed" : nil
        }
        head.written = found
        if found.number > last.number {
            head.missing = found
            return "records \(last.number + 1) to \(found.number) are missing"
        }
        guard found.number > 0, let digest = try auditDigest(of: found.number) else { return nil }
        return digest == found.digest
            ? nil : "record \(found.number) is not the one that was written"
    }

    /// To be called when what was appended is on the device.
    /// - Parameter reached: the last of that.
    func writeHead(upTo reached: AuditMark?) throws(StoreError) {
        guard let reached, reached != head.written, let file = head.file else { return }
        let bytes = AuditHead.text(reached)
        let count = unsafe bytes.span.withUnsafeBufferPointer { buffer in
            unsafe pwrite(file.value.number, buffer.baseAddress, buffer.count, 0)
        }
        guard count == bytes.count else {
            let number = count < 0 ? errno : EIO
            if number == ENOSPC { throw .full(path: place(StorePlace.auditHead)) }
            throw .system(SystemError("pwrite", place(StorePlace.auditHead), Errno(rawValue: number)))
        }
        head.written = reached
    }
}
