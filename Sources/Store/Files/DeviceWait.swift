import API
import Glibc
import Linux

/// A wait for the device to have everything that was recorded before ``StateStore/beginSync()`` gave it.
///
/// To wait is all that takes long about it, and is for any thread, so that what records can go on meanwhile.
package struct DeviceWait: Sendable {
    let log: DeviceLog
    /// As many of what outlasts a loss of power, and the last audit record among them.
    let covers: UInt64
    let audit: AuditMark?

    /// Waits.
    /// - Returns: why the device has not got all of it; for ``StateStore/endSync(_:_:)`` in any case.
    package func wait() -> StoreError? { log.wait() }
}

/// sqlite's log, opened once more: what gets to the device is the file, whoever asks (fdatasync(2)).
///
/// It is the one file of a database that sqlite has no locks on, which closing it would end; and it has this name for
/// as long as the database is open.
final class DeviceLog: Sendable {
    private let file: FileDescriptor
    private let path: String

    init(_ file: consuming FileDescriptor, _ path: String) {
        self.file = file
        self.path = path
    }

    func wait() -> StoreError? {
        let number = file.number
        do throws(SystemError) {
            _ = try call("fdatasync", on: path) { fdatasync(number) }
            return nil
        } catch {
            return error.errno == .noSpace ? .full(path: path) : .system(error)
        }
    }
}

extension StateStore {
    /// Waits until everything that was recorded is on the device, unless all that it lacks are steps of what
    /// lives (``Change/isStep``).
    /// - Throws: where that is not to be had. Everything stays recorded as far as this machine lives.
    package func sync() throws(StoreError) {
        guard let wait = try beginSync() else { return }
        try endSync(wait, wait.wait())
    }

    /// What has to be waited for; nil where the device lacks nothing that outlasts a loss of power.
    package func beginSync() throws(StoreError) -> DeviceWait? {
        guard isBehind else { return nil }
        // A device that failed once may have lost pages of the log that the kernel still shows, and calls
        // written from then on: they are written once more, to another place.
        if hasFailed { try database.checkpoint() }
        return DeviceWait(log: try openLog(), covers: recorded, audit: head.reached)
    }

    /// Takes note of how a wait ended.
    /// - Parameter problem: what it returned.
    /// - Throws: `problem`, or what stopped the head of the audit records from being written.
    package func endSync(_ wait: DeviceWait, _ problem: StoreError?) throws(StoreError) {
        if let problem {
            hasFailed = true
            throw problem
        }
        // One that did not go by another thread may have come after this one was begun, and be over.
        guard wait.covers > durable else { return }
        try writeHead(upTo: wait.audit)
        (durable, hasFailed) = (wait.covers, false)
    }

    private func openLog() throws(StoreError) -> DeviceLog {
        if let log { return log }
        let name = "\(StorePlace.name)-wal"
        let opened = DeviceLog(try place.openLog(name), place(name))
        // It may be new, and its name not on the device yet.
        try place.synchronise()
        log = opened
        return opened
    }
}
