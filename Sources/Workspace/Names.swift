import CLinux
import Glibc
import Linux
import Trees

/// What changes names: making directories, moving, removing.
extension WorkspaceFiles {
    /// Makes a directory.
    /// - Parameters:
    ///   - parents: makes those above it as well, with the same mode, and has one that is there already be
    ///     no error.
    ///   - mode: permissions, whatever the umask.
    /// - Throws: code `exists`, `notFound`, `notDirectory`; `invalid` for a mode beyond 0777.
    package func makeDirectory(
        _ path: WorkspacePath, parents: Bool = false, mode: UInt32 = 0o755
    ) throws(WorkspaceError) {
        try checkMode(mode, path)
        guard parents else { return try makeOneDirectory(path, mode: mode) }
        var above = WorkspacePath.root
        for name in path.names {
            above = above.appending(name)
            do throws(WorkspaceError) {
                try makeOneDirectory(above, mode: mode)
            } catch {
                guard error.code == .exists else { throw error }
                // A directory, or a link to one below the workspace.
                _ = try directory(above)
            }
        }
    }

    private func makeOneDirectory(_ path: WorkspacePath, mode: UInt32) throws(WorkspaceError) {
        let place = try place(of: path)
        try at(path) { () throws(SystemError) in
            try place.directory.makeDirectory(place.name, mode: 0o700)
            // mkdirat(2) applies the umask. What stands there may be another one by now, so not by name.
            let made = try place.directory.open(
                place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: .workspace)
            let number = made.number
            _ = try call("fchmod") { fchmod(number, mode) }
        }
    }

    /// Gives what `source` names the name `target`: a file, a directory with all in it, a link itself.
    /// - Parameter replacing: takes the place of a file, or of an empty directory, that is there; else one is
    ///   an error.
    /// - Throws: code `exists`, `notEmpty`, `isDirectory`, `notDirectory`, `intoItself`.
    package func move(
        _ source: WorkspacePath, to target: WorkspacePath, replacing: Bool = false
    ) throws(WorkspaceError) {
        let from = try place(of: source)
        let to = try place(of: target)
        guard let status = try status(at: from, source) else {
            throw WorkspaceError(.notFound, source, "is not there")
        }
        if target.isDirectory, status.kind != .directory {
            throw WorkspaceError(
                .notDirectory, target, "has a slash at its end, but \"\(source)\" is no directory")
        }
        try rename(from, to: to, target, flags: replacing ? 0 : UInt32(CLINUX_RENAME_NOREPLACE))
    }

    func rename(
        _ from: borrowing Place, to: borrowing Place, _ target: WorkspacePath, flags: UInt32
    ) throws(WorkspaceError) {
        let (source, directory) = (from.directory.number, to.directory.number)
        let (old, new) = (from.name, to.name)
        do throws(SystemError) {
            _ = try call("renameat2", on: old) { unsafe clinux_rename(source, old, directory, new, flags) }
        } catch {
            // The only thing that rename(2) calls invalid of two names that are each one name.
            if error.errno == .invalidArgument {
                throw WorkspaceError(
                    .intoItself, target, "is inside of what would be moved there", cause: error)
            }
            throw WorkspaceError(error, at: target)
        }
    }

    /// Removes a file, a link itself, or a directory.
    /// - Parameter recursive: takes all that is in a directory too, and what has not the name is no error.
    ///   Memory and descriptors stay bounded, however deep or full the directory is; nothing is entered that
    ///   is mounted below.
    /// - Throws: code `notEmpty`, `busy` for a mount, or where somebody else adds names all the time. Some of
    ///   what was to be removed may be gone then.
    package func remove(_ path: WorkspacePath, recursive: Bool = false) throws(WorkspaceError) {
        let place = try place(of: path)
        guard let status = try status(at: place, path) else {
            if recursive { return }
            throw WorkspaceError(.notFound, path, "is not there")
        }
        try at(path) { () throws(SystemError) in
            if status.kind != .directory {
                try place.directory.removeFile(place.name)
            } else if recursive {
                try place.directory.removeTree(place.name)
            } else {
                try place.directory.removeDirectory(place.name)
            }
        }
    }
}
