import CLinux
import Glibc
package import Linux
package import Trees

/// The files below one directory that is held, for those outside of the sandbox that it belongs to.
///
/// Whoever is inside may make links, rename, and swap names as fast as it can: every path is resolved by
/// the kernel below the held directory (openat2(2): RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS and
/// RESOLVE_NO_XDEV), and what is then done is done by descriptor. A link on the way is followed as long as
/// it leads below the workspace; the last name is followed by what reads and by nothing that writes.
///
/// Calls block for as long as the file system takes, so they are not for an event loop's thread; any
/// number of threads may make them at once.
package final class WorkspaceFiles: Sendable {
    let root: FileDescriptor

    /// - Parameter directory: the workspace's; a reference (O_PATH) will do, as will a detached mount.
    /// - Throws: code `notDirectory` for anything else.
    package init(_ directory: consuming FileDescriptor) throws(WorkspaceError) {
        root = directory
        let status: EntryStatus
        do throws(SystemError) {
            status = try root.status()
        } catch {
            throw WorkspaceError(error, at: .root)
        }
        guard status.kind == .directory else {
            throw WorkspaceError(.notDirectory, .root, "is a \(printable(status.kind)); expected a directory")
        }
    }

    /// What `path` is; a link itself and not what it leads to.
    package func entry(_ path: WorkspacePath) throws(WorkspaceError) -> FileEntry {
        let reference = try reference(to: path, following: false)
        let status = try at(path) { () throws(SystemError) in try reference.status() }
        if path.isDirectory, status.kind != .directory {
            throw WorkspaceError(
                .notDirectory, path,
                "is a \(printable(status.kind)); the slash at its end asks for a directory")
        }
        let isLink = status.kind == .symlink
        // Of the link that is held, whatever its name means by now.
        let target = try at(path) { () throws(SystemError) in isLink ? try reference.target(ofLink: "") : nil
        }
        return FileEntry(
            name: path.isRoot ? "." : path.name, isNameWhole: true, status: status, target: target)
    }
}

/// One name in a workspace.
package struct FileEntry: Hashable, Sendable {
    /// Bytes that are not UTF-8 are replaced.
    package let name: String
    /// False where bytes of the name were replaced: no path leads to it, only to what it is in.
    package let isNameWhole: Bool
    package let status: EntryStatus
    /// Where a symbolic link leads, at most 4,095 bytes, as whoever made it wrote it; nil for anything else
    /// and where it is not UTF-8.
    package let target: String?
}

// MARK: Places

extension Resolve {
    /// What every path of a client's is resolved by.
    static let workspace: Resolve = [.beneath, .noMagicLinks, .noCrossing]
}

/// A name, and the directory that it is in.
struct Place: ~Copyable {
    /// A reference (O_PATH).
    let directory: FileDescriptor
    let name: String
}

extension WorkspaceFiles {
    /// A reference (O_PATH) to what `path` leads to, which opens nothing: a FIFO does not wait, a device
    /// does nothing.
    func reference(to path: WorkspacePath, following: Bool) throws(WorkspaceError) -> FileDescriptor {
        try at(path) { () throws(SystemError) in
            try root.open(
                path.description, CLINUX_O_PATH | (following ? 0 : O_NOFOLLOW), resolve: .workspace)
        }
    }

    /// A reference (O_PATH) to the directory that `path` leads to.
    func directory(_ path: WorkspacePath) throws(WorkspaceError) -> FileDescriptor {
        try at(path) { () throws(SystemError) in
            try root.open(path.description, CLINUX_O_PATH | O_DIRECTORY, resolve: .workspace)
        }
    }

    /// Where `path` is, or would be.
    /// - Throws: code `isRoot` for the workspace's own directory, which is in nothing.
    func place(of path: WorkspacePath) throws(WorkspaceError) -> Place {
        guard !path.isRoot else {
            throw WorkspaceError(.isRoot, path, "is the workspace itself; expected a name in it")
        }
        do throws(WorkspaceError) {
            return Place(directory: try directory(path.parent), name: path.name)
        } catch {
            // Told for the path that was asked for; what is wrong with its directory is said.
            throw WorkspaceError(
                error.code, path, "the directory \"\(printable(error.path))\" \(error.problem)",
                cause: error.cause)
        }
    }

    /// What stands at a place; nil where nothing does.
    func status(at place: borrowing Place, _ path: WorkspacePath) throws(WorkspaceError) -> EntryStatus? {
        let status: EntryStatus?
        do throws(SystemError) {
            status = try place.directory.status(of: place.name)
        } catch {
            throw WorkspaceError(error, at: path)
        }
        if path.isDirectory, let status, status.kind != .directory {
            throw WorkspaceError(
                .notDirectory, path,
                "is a \(printable(status.kind)); the slash at its end asks for a directory")
        }
        return status
    }
}

extension FileDescriptor {
    /// Opens what this reference (O_PATH) refers to, and nothing that came to its name since. Not for links.
    borrowing func reopen(_ flags: CInt) throws(SystemError) -> FileDescriptor {
        try FileDescriptor.open("/proc/self/fd/\(number)", flags)
    }
}
