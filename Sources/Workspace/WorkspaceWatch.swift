import Glibc
package import Linux

/// Tells what happens to the names of one directory of a workspace, as long as it lives (inotify(7)).
///
/// It stays with the directory, wherever that is moved; what is in directories below is not told.
package struct WorkspaceWatch: ~Copyable, Sendable {
    /// Readable when ``next()`` has something; for an event loop.
    package let descriptor: FileDescriptor
    let path: WorkspacePath
}

/// Something that happened in a directory.
package struct WatchEvent: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        case created, changed, attributes, removed, movedAway, movedHere
        /// The directory itself was removed; nothing more will come.
        case gone
        /// More happened than the kernel keeps: some events are missing, and what is there has to be listed.
        case overflow
    }
    package let kind: Kind
    /// In the directory; empty where the event is of the directory itself. Bytes that are not UTF-8 are
    /// replaced.
    package let name: String
    package let isDirectory: Bool
    /// The same, and not 0, in the two events of one move.
    package let move: UInt32
}

extension WorkspaceFiles {
    /// Begins to watch the directory `path`.
    /// - Throws: code `limit` when this user watches too much already (inotify(7), "/proc interfaces").
    package func watch(_ path: WorkspacePath) throws(WorkspaceError) -> WorkspaceWatch {
        let reference = try directory(path)
        // What is watched is named by a path alone, so by that of the reference that is held.
        let place = "/proc/self/fd/\(reference.number)"
        let events =
            IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF
            | IN_ONLYDIR | IN_EXCL_UNLINK
        let watch = try at(path) { () throws(SystemError) in
            let watch = FileDescriptor(
                owning: try call("inotify_init1") {
                    inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
                })
            let number = watch.number
            _ = try call("inotify_add_watch", on: place) {
                unsafe inotify_add_watch(number, place, UInt32(bitPattern: events))
            }
            return watch
        }
        return WorkspaceWatch(descriptor: watch, path: path)
    }
}

extension WorkspaceWatch {
    /// What happened since the last call, at most some hundred events; none when nothing did. Never waits.
    package borrowing func next() throws(WorkspaceError) -> [WatchEvent] {
        var buffer = [UInt8](repeating: 0, count: 1 << 13)
        var room = buffer.mutableSpan
        let count: Int
        do throws(SystemError) {
            count = try descriptor.read(into: &room)
        } catch {
            if error.errno == .wouldBlock { return [] }
            throw WorkspaceError(error, at: path)
        }
        return watchEvents(in: buffer[..<count])
    }
}

/// Reads records of struct inotify_event: watch, mask, cookie and length of 4 bytes each, and the name with
/// NUL bytes behind it.
func watchEvents(in records: ArraySlice<UInt8>) -> [WatchEvent] { watchRecords(in: records).map(\.event) }

/// The same, each with the number of the watch that it is of.
func watchRecords(in records: ArraySlice<UInt8>) -> [(watch: Int32, event: WatchEvent)] {
    func word(_ bytes: ArraySlice<UInt8>, _ place: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[bytes.startIndex + place + $1]) << (8 * $1) }
    }
    var events: [(watch: Int32, event: WatchEvent)] = []
    var rest = records
    while rest.count >= 16 {
        let (mask, cookie, length) = (word(rest, 4), word(rest, 8), Int(word(rest, 12)))
        guard rest.count >= 16 + length else { break }
        let start = rest.startIndex
        let name = rest.dropFirst(16).prefix(length).prefix { $0 != 0 }
        rest = rest.dropFirst(16 + length)
        guard let kind = WatchEvent.Kind(mask: mask) else { continue }
        let watch = Int32(bitPattern: word(records[start...], 0))
        events.append(
            (
                watch,
                WatchEvent(
                    kind: kind, name: String(decoding: name, as: UTF8.self),
                    isDirectory: mask & UInt32(bitPattern: Int32(bitPattern: UInt32(IN_ISDIR))) != 0,
                    move: cookie
                )
            ))
    }
    return events
}

extension WatchEvent.Kind {
    /// Nil for what tells nothing new: IN_IGNORED follows a removal.
    fileprivate init?(mask: UInt32) {
        switch mask & 0xFFFF {
        case UInt32(IN_CREATE): self = .created
        case UInt32(IN_MODIFY): self = .changed
        case UInt32(IN_ATTRIB): self = .attributes
        case UInt32(IN_DELETE): self = .removed
        case UInt32(IN_MOVED_FROM): self = .movedAway
        case UInt32(IN_MOVED_TO): self = .movedHere
        case UInt32(IN_DELETE_SELF): self = .gone
        case UInt32(IN_Q_OVERFLOW): self = .overflow
        default: return nil
        }
    }
}
