import API
import Glibc
import Linux
import Service
import Sessions
import Synchronization
import Wire
import Workspace

// What happens to names in a workspace, as it happens.

extension Daemon {
    func watchFiles(_ request: Request) throws(ServiceError) -> Reply {
        let query = try QueryReader(request, route("watchFiles").query)
        let path = try query.path() ?? .root
        let isRecursive = query.flag("recursive")
        let owner = try fileOwner(request)
        let (all, own) = (watches.count, watches.values.count { $0 == owner })
        guard all < FileWatch.most, own < FileWatch.mostOfOne else {
            throw ServiceError(
                .limit, "\(owner) is watched by \(own) clients, \(all) watch in all",
                hint: "at most \(FileWatch.mostOfOne) and \(FileWatch.most) may")
        }
        return try withFiles(of: owner) { (files) throws(ServiceError) in
            try filed { () throws(WorkspaceError) in
                WatchedFiles(files, try files.watchTree(path, recursive: isRecursive))
            }
        } _: { daemon, watched in
            FileWatch(daemon, owner, watched).response()
        }
    }
}

/// A watch, for one thread after the other.
private final class WatchedFiles: Sendable {
    private let files: WorkspaceFiles
    private let watch: Mutex<TreeWatch>
    let number: CInt

    init(_ files: WorkspaceFiles, _ watch: consuming sending TreeWatch) {
        self.files = files
        number = watch.descriptor.number
        self.watch = Mutex(watch)
    }

    func next() throws(WorkspaceError) -> [TreeWatch.Event] {
        let files = files
        let result = watch.withLock { watch -> Result<[TreeWatch.Event], WorkspaceError> in
            do throws(WorkspaceError) {
                return .success(try watch.next(files))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    func duplicate() throws(SystemError) -> FileDescriptor {
        let copy = number
        return FileDescriptor(
            owning: try call("fcntl(F_DUPFD_CLOEXEC)") { fcntl(copy, F_DUPFD_CLOEXEC, 3) })
    }
}

/// One client's watch: the descriptor is on the loop, what it says is read on a thread, since directories are
/// opened for it. It ends with the client, with the directory, and with what that is in.
private final class FileWatch: EventHandler {
    /// At once, and of these for one session or workspace. Root's kernel lets a user have 128 (inotify(7)).
    static let most = 64
    static let mostOfOne = 8

    private unowned let daemon: Daemon
    private let owner: FileOwner
    private let watched: WatchedFiles
    private var stream: EventStream?
    /// The same as the watch's, for the loop.
    private var descriptor: Held<FileDescriptor>?
    private var token: EventLoop.Token?

    init(_ daemon: Daemon, _ owner: FileOwner, _ watched: WatchedFiles) {
        self.daemon = daemon
        self.owner = owner
        self.watched = watched
    }

    func response() -> Response {
        do throws(SystemError) {
            descriptor = Held(try watched.duplicate())
        } catch {
            return .error(ServiceError(.limit, "nothing more can be watched: \(error)"))
        }
        // Held by the stream, and cut off from it when that ends.
        let stream = EventStream { [self] in over() }
        self.stream = stream
        daemon.watches[ObjectIdentifier(self)] = owner
        daemon.whenEnded(owner, self) { [weak self] in self?.stream?.end() }
        arm()
        return stream.response()
    }

    private func arm() {
        guard let descriptor, stream != nil, token == nil else { return }
        token = try? daemon.loop.add(descriptor.value, for: .readable, handler: self)
        if token == nil { stream?.end() }
    }

    private func disarm() {
        if let token, let descriptor { daemon.loop.remove(descriptor.value, token) }
        token = nil
    }

    func ready(_ token: EventLoop.Token, _ events: Events) {
        disarm()
        let watched = watched
        do throws(ServiceError) {
            try daemon.jobs?.run(for: owner) { () throws(ServiceError) in
                try filed { () throws(WorkspaceError) in try watched.next() }
            } then: { [self] result in
                told(result)
            }
        } catch {
            stream?.end()
        }
    }

    private func told(_ result: Result<[TreeWatch.Event], ServiceError>) {
        guard let stream else { return }
        guard case .success(let events) = result else { return stream.end() }
        for event in events {
            stream.send(event: event.kind.name, data: event.json.description)
            if event.kind == .gone { return stream.end() }
        }
        arm()
    }

    private func over() {
        disarm()
        stream = nil
        descriptor = nil
        daemon.watches[ObjectIdentifier(self)] = nil
        daemon.forgetEnd(of: owner, self)
    }
}

extension WatchEvent.Kind {
    /// As the API has it.
    fileprivate var name: String {
        switch self {
        case .movedAway: "moved-away"
        case .movedHere: "moved-here"
        case .created, .changed, .attributes, .removed, .gone, .overflow: rawValue
        }
    }
}

extension TreeWatch.Event {
    fileprivate var json: JSONText {
        .object { object in
            object.add("type", kind.name)
            object.add("path", path)
            object.add("directory", isDirectory)
            if move != 0 { object.add("move", UInt64(move)) }
        }
    }
}
