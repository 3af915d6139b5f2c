import CLinux
import Glibc
package import Linux
import Trees

/// A tree that is made in a directory of its own, beside where it will be, and gets its place when it is whole.
///
/// Whoever is inside sees the directory and may do to it what they like; what they come to is their own
/// workspace, with their own files. What fills it needs nothing but ``directory``.
package struct Arrival: ~Copyable, Sendable {
    /// Where the tree is made; its mode is 0700 and sticky, until whoever fills it gives it another one.
    package let directory: FileDescriptor
    /// A reference (O_PATH) to the directory that has the new one.
    private let parent: FileDescriptor
    private let spare: String
    /// What the new directory will be called; nil where its names go into `parent`, which was there before.
    private let name: String?
    private let path: WorkspacePath

    fileprivate init(
        _ directory: consuming FileDescriptor, in parent: consuming FileDescriptor, _ spare: String,
        name: String?, _ path: WorkspacePath
    ) {
        self.directory = directory
        self.parent = parent
        self.spare = spare
        self.name = name
        self.path = path
    }

    /// Gives the tree its place: all at once where nothing was there, else name by name, once it is known that
    /// each of them has room.
    /// - Parameters:
    ///   - replacing: takes the place of files and links that are there; directories are gone into.
    ///   - lasting: whether all of the file system is on its device afterwards.
    /// - Throws: code `exists`, `isDirectory` or `notDirectory` for a name that is taken, and then nothing has
    ///   changed; anything else that somebody brings about meanwhile, and then some names may be in their places.
    package consuming func commit(replacing: Bool = false, lasting: Bool = false) throws(WorkspaceError) {
        do throws(WorkspaceError) {
            if let name {
                try moveWhole(to: name)
            } else {
                try Merge(replacing: replacing, isTrial: true).run(
                    from: directory, to: parent, path, level: 0)
                try Merge(replacing: replacing, isTrial: false).run(
                    from: directory, to: parent, path, level: 0)
                try? parent.removeTree(spare)
            }
            if lasting {
                // Of the same file system, and open for more than reference, which `parent` is not.
                let number = directory.number
                try at(path) { () throws(SystemError) in _ = try call("syncfs") { clinux_syncfs(number) } }
            }
        } catch {
            try? parent.removeTree(spare)
            throw error
        }
    }

    /// Removes the tree.
    package consuming func discard() { try? parent.removeTree(spare) }

    private borrowing func moveWhole(to name: String) throws(WorkspaceError) {
        let (made, number) = (directory.number, parent.number)
        let (own, there) = try at(path) { () throws(SystemError) in
            let own = try directory.status()
            let mode = own.mode & 0o1000 == 0 ? own.mode & 0o777 : 0o755
            _ = try call("fchmod") { fchmod(made, mode) }
            return (own, try parent.status(of: spare))
        }
        guard own.inode == there?.inode, own.device == there?.device else {
            throw WorkspaceError(.busy, path, "was taken away while it was made")
        }
        try at(path) { () throws(SystemError) in
            _ = try call("renameat2", on: name) {
                unsafe clinux_rename(number, spare, number, name, UInt32(CLINUX_RENAME_NOREPLACE))
            }
        }
    }
}

extension WorkspaceFiles {
    /// Begins a tree that will be at `path`: a new directory, or one that is there, to which the tree's names come.
    /// - Throws: code `notFound` where the directory above is missing, `notDirectory`.
    package func receive(at path: WorkspacePath) throws(WorkspaceError) -> Arrival {
        let spare = spareName()
        do throws(WorkspaceError) {
            let there = try directory(path)
            let made = try newDirectory(spare, in: there, path)
            return Arrival(made, in: there, spare, name: nil, path)
        } catch {
            guard error.code == .notFound, !path.isRoot else { throw error }
        }
        let place = try place(of: path)
        // A link that leads nowhere stands there.
        if try status(at: place, path) != nil {
            throw WorkspaceError(.notDirectory, path, "is there, and is no directory")
        }
        let made = try newDirectory(spare, in: place.directory, path)
        let name = place.name
        let parent = try at(path) { () throws(SystemError) in try place.directory.duplicate() }
        return Arrival(made, in: parent, spare, name: name, path)
    }

    private func newDirectory(
        _ name: String, in parent: borrowing FileDescriptor, _ path: WorkspacePath
    ) throws(WorkspaceError) -> FileDescriptor {
        try at(path) { () throws(SystemError) in
            try parent.makeDirectory(name, mode: 0o1700)
            return try parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: .workspace)
        }
    }
}

/// Moves the names of one directory into another, and what is in directories that both have likewise.
private struct Merge {
    let replacing: Bool
    /// Looks whether it could be done, and moves nothing.
    let isTrial: Bool

    /// - Parameter level: directories inside each other so far, at most ``TreeWalk/levels``.
    func run(
        from source: borrowing FileDescriptor, to target: borrowing FileDescriptor, _ path: WorkspacePath,
        level: Int
    ) throws(WorkspaceError) {
        guard level < TreeWalk.levels else {
            throw WorkspaceError(.limit, path, "is more than \(TreeWalk.levels) directories deep")
        }
        try at(path) { () throws(SystemError) in try source.rewindEntries() }
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        var isMore = true
        while isMore {
            // Only some at a time: somebody may add names as fast as we take them.
            var names: [DirectoryEntry] = []
            isMore = try at(path) { () throws(SystemError) in
                try source.visitEntries(&buffer) { names.append(DirectoryEntry($0, kind: $1)) }
            }
            for entry in names where entry.oddName == nil {
                try one(entry.name, from: source, to: target, path, level)
            }
        }
    }

    private func one(
        _ name: String, from source: borrowing FileDescriptor, to target: borrowing FileDescriptor,
        _ path: WorkspacePath, _ level: Int
    ) throws(WorkspaceError) {
        let path = path.appending(name)
        let (own, there) = try at(path) { () throws(SystemError) in
            (try source.status(of: name), try target.status(of: name))
        }
        // Taken away, and so not ours any more.
        guard let own else { return }
        if let there {
            switch (own.kind == .directory, there.kind == .directory) {
            case (true, true): return try merge(name, from: source, to: target, path, level)
            case (true, false): throw WorkspaceError(.notDirectory, path, "is there, and is no directory")
            case (false, true): throw WorkspaceError(.isDirectory, path, "is there, and is a directory")
            case (false, false):
                if !replacing { throw WorkspaceError(.exists, path, "is there already") }
            }
        }
        if isTrial { return }
        let (from, to) = (source.number, target.number)
        let flags = replacing ? 0 : UInt32(CLINUX_RENAME_NOREPLACE)
        try at(path) { () throws(SystemError) in
            _ = try call("renameat2", on: name) { unsafe clinux_rename(from, name, to, name, flags) }
        }
    }

    private func merge(
        _ name: String, from source: borrowing FileDescriptor, to target: borrowing FileDescriptor,
        _ path: WorkspacePath, _ level: Int
    ) throws(WorkspaceError) {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        let (from, to) = try at(path) { () throws(SystemError) in
            (
                Held(try source.open(name, flags, resolve: .workspace)),
                Held(try target.open(name, CLINUX_O_PATH | O_DIRECTORY | O_NOFOLLOW, resolve: .workspace))
            )
        }
        try run(from: from.value, to: to.value, path, level: level + 1)
    }
}
