import Glibc
package import Linux
import Trees

/// Tells what happens to the names of a directory and, where that is asked for, of all directories below it.
///
/// Each directory is watched by a reference that was resolved below the workspace, so a name that is swapped for a
/// link leads nowhere; what is then told is told of that directory, under the path that it was found by. A
/// directory that comes later is watched from then on, and what is in it by then is told as made. The calls
/// open directories, so they are not for an event loop's thread; the descriptor is.
package struct TreeWatch: ~Copyable, Sendable {
    /// Readable when ``next(_:)`` has something.
    package let descriptor: FileDescriptor
    /// The directories, by the number of their watch.
    private var paths: [Int32: WorkspacePath] = [:]
    private let top: WorkspacePath
    private let isRecursive: Bool

    /// The most directories of one watch.
    package static let mostDirectories = 1000
    /// The most names that are told of one directory that comes with a tree in it, together with those below.
    package static let mostTold = 10_000

    private static let events = UInt32(
        bitPattern: IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO
            | IN_DELETE_SELF
            | IN_ONLYDIR | IN_EXCL_UNLINK)

    /// Something that happened.
    package struct Event: Hashable, Sendable {
        package let kind: WatchEvent.Kind
        /// Below the workspace; of what a name was put for that is not UTF-8, as text alone.
        package let path: String
        package let isDirectory: Bool
        /// The same, and not 0, in the two events of one move.
        package let move: UInt32
    }

    fileprivate init(_ top: WorkspacePath, isRecursive: Bool) throws(WorkspaceError) {
        self.top = top
        self.isRecursive = isRecursive
        descriptor = try at(top) { () throws(SystemError) in
            FileDescriptor(
                owning: try call("inotify_init1") { inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC)) })
        }
    }

    /// What happened since the last call; none when nothing did. Never waits for something to happen.
    package mutating func next(_ files: WorkspaceFiles) throws(WorkspaceError) -> [Event] {
        var buffer = [UInt8](repeating: 0, count: 1 << 13)
        var room = buffer.mutableSpan
        let count: Int
        do throws(SystemError) {
            count = try descriptor.read(into: &room)
        } catch {
            if error.errno == .wouldBlock { return [] }
            throw WorkspaceError(error, at: top)
        }
        var events: [Event] = []
        for (watch, event) in watchRecords(in: buffer[..<count]) {
            try take(watch, event, files, &events)
        }
        return events
    }

    private mutating func take(
        _ watch: Int32, _ event: WatchEvent, _ files: WorkspaceFiles, _ events: inout [Event]
    ) throws(WorkspaceError) {
        if event.kind == .overflow {
            events.append(Event(kind: .overflow, path: "\(top)", isDirectory: true, move: 0))
            return
        }
        // Of one that was let go of since.
        guard let directory = paths[watch] else { return }
        if event.kind == .gone {
            paths[watch] = nil
            // The directory above tells of the others.
            if directory != top { return }
        }
        let path = event.name.isEmpty ? directory : directory.appending(event.name)
        events.append(
            Event(kind: event.kind, path: "\(path)", isDirectory: event.isDirectory, move: event.move))
        guard isRecursive, event.isDirectory, !event.name.isEmpty else { return }
        switch event.kind {
        case .movedAway, .removed: forget(below: path)
        case .created, .movedHere:
            do throws(WorkspaceError) {
                try add(path, files, telling: Self.mostTold, &events)
            } catch {
                // It may be gone again, or another one; too many are told, and not silently left out.
                if error.code == .limit {
                    events.append(Event(kind: .overflow, path: "\(path)", isDirectory: true, move: 0))
                }
            }
        default: break
        }
    }

    /// What was below a name that is another one's now.
    private mutating func forget(below path: WorkspacePath) {
        let number = descriptor.number
        for (watch, directory) in paths where directory.names.starts(with: path.names) {
            _ = inotify_rm_watch(number, watch)
            paths[watch] = nil
        }
    }

    /// Watches a directory and, where that is asked for, those below it.
    /// - Parameters:
    ///   - most: how many of the names that are there already are told; if there are more, an overflow says so.
    ///     Whoever moves a million files in must not make a million events of them at once.
    fileprivate mutating func add(
        _ path: WorkspacePath, _ files: WorkspaceFiles, following: Bool = false, telling most: Int,
        _ events: inout [Event]
    ) throws(WorkspaceError) {
        let reference = try files.reference(to: path, following: following)
        try add(reference, path)
        guard isRecursive else { return }
        var walk = try TreeWalk(reference, path)
        var told = 0
        while let step = try walk.next() {
            guard case .entry(let entry) = step else { continue }
            let isDirectory = entry.status.kind == .directory
            if told < most {
                events.append(
                    Event(kind: .created, path: "\(entry.path)", isDirectory: isDirectory, move: 0))
            } else if told == most, most > 0 {
                events.append(Event(kind: .overflow, path: "\(path)", isDirectory: true, move: 0))
            }
            told += 1
            if isDirectory { try add(entry.reference.value, entry.path) }
        }
    }

    private mutating func add(
        _ reference: borrowing FileDescriptor, _ path: WorkspacePath
    ) throws(WorkspaceError) {
        guard paths.count < Self.mostDirectories else {
            throw WorkspaceError(
                .limit, path,
                "is one more than the \(Self.mostDirectories) directories that are watched at once")
        }
        // What is watched is named by a path alone, so by that of the reference that is held, which needs /proc.
        let place = "/proc/self/fd/\(reference.number)"
        let number = descriptor.number
        let watch = try at(path) { () throws(SystemError) in
            try call("inotify_add_watch", on: place) {
                unsafe inotify_add_watch(number, place, Self.events)
            }
        }
        paths[watch] = path
    }
}

extension WorkspaceFiles {
    /// Begins to watch the directory `path`, and those below it.
    /// - Throws: code `limit` for more than ``TreeWatch/mostDirectories``, and when this user watches too much
    ///   already (inotify(7), "/proc interfaces").
    package func watchTree(_ path: WorkspacePath, recursive: Bool) throws(WorkspaceError) -> TreeWatch {
        // Whatever it is: following it as the last name, and a directory.
        _ = try directory(path)
        var watch = try TreeWatch(path, isRecursive: recursive)
        var there: [TreeWatch.Event] = []
        try watch.add(path, self, following: true, telling: 0, &there)
        return watch
    }
}
