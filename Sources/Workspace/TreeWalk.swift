import CLinux
import Glibc
import Linux
import Trees

/// Goes through a tree entry by entry, a directory before what is in it, however large it is: it holds the
/// directories on the way to where it stands, and some names of each.
///
/// Each entry is a reference (O_PATH) that was resolved in its own directory, without following it, and
/// what is told of it is told of that reference.
struct TreeWalk: ~Copyable {
    enum Step {
        case entry(WalkedEntry)
        /// The directory entered last is done.
        case leave
        /// Left out: `mount` for what is on another one, `name` for a name that is not UTF-8.
        case skip(String, WorkspacePath)
    }

    /// The most directories inside each other.
    static let levels = 100

    private final class Level {
        let directory: FileDescriptor
        let path: WorkspacePath
        /// The names read ahead, last first.
        var names: [DirectoryEntry] = []

        init(_ directory: consuming FileDescriptor, _ path: WorkspacePath) {
            self.directory = directory
            self.path = path
        }
    }

    private var levels: [Level] = []
    private var buffer = [UInt8](repeating: 0, count: 1 << 14)

    /// Goes nowhere.
    init() {}

    /// Begins in the directory that `reference` refers to.
    init(_ reference: borrowing FileDescriptor, _ path: WorkspacePath) throws(WorkspaceError) {
        try enter(reference, path)
    }

    /// Nil after the first directory has been left.
    mutating func next() throws(WorkspaceError) -> Step? {
        // A loop: somebody who takes names away as fast as they are read must not make a call inside a call of each.
        while let level = levels.last {
            if level.names.isEmpty {
                var names: [DirectoryEntry] = []
                _ = try at(level.path) { () throws(SystemError) in
                    try level.directory.visitEntries(&buffer) { names.append(DirectoryEntry($0, kind: $1)) }
                }
                level.names = names.reversed()
            }
            guard let name = level.names.popLast() else {
                levels.removeLast()
                return .leave
            }
            if let step = try step(name, in: level) { return step }
        }
        return nil
    }

    /// - Returns: nil for what is gone since its name was read.
    private mutating func step(_ name: DirectoryEntry, in level: Level) throws(WorkspaceError) -> Step? {
        let path = level.path.appending(name.name)
        if name.oddName != nil { return .skip("name", path) }
        let reference: Held<FileDescriptor>
        do throws(SystemError) {
            reference = Held(
                try level.directory.open(name.name, CLINUX_O_PATH | O_NOFOLLOW, resolve: .workspace))
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: return nil
            case .crossesDevice: return .skip("mount", path)
            default: throw WorkspaceError(error, at: path)
            }
        }
        let status = try at(path) { () throws(SystemError) in try reference.value.status() }
        if status.kind == .directory {
            guard levels.count < Self.levels else {
                throw WorkspaceError(
                    .limit, path, "is more than \(Self.levels) directories deep; expected no more than that")
            }
            try enter(reference.value, path)
        }
        return .entry(WalkedEntry(path: path, status: status, reference: reference))
    }

    private mutating func enter(
        _ reference: borrowing FileDescriptor, _ path: WorkspacePath
    ) throws(WorkspaceError) {
        let directory = try at(path) { () throws(SystemError) in try reference.reopen(O_RDONLY | O_DIRECTORY)
        }
        levels.append(Level(directory, path))
    }
}

/// What a walk came to.
struct WalkedEntry {
    let path: WorkspacePath
    let status: EntryStatus
    let reference: Held<FileDescriptor>

    /// Where the link leads; nil where that is not UTF-8.
    func target() throws(WorkspaceError) -> String? {
        try at(path) { () throws(SystemError) in try reference.value.target(ofLink: "") }
    }

    /// The regular file, to be read.
    func open() throws(WorkspaceError) -> FileDescriptor {
        try at(path) { () throws(SystemError) in
            try reference.value.reopen(O_RDONLY | O_NONBLOCK | O_NOCTTY)
        }
    }
}
