import CLinux
import Glibc
import Linux
package import Trees

extension WorkspaceFiles {
    /// Copies a file, a link itself, or a directory with all that is in it.
    ///
    /// The copy appears when it is whole; one that fails leaves nothing. Contents are shared where the file
    /// system can (reflink), and holes stay holes. Permissions stay, without setuid, setgid and sticky bit;
    /// times, owners and hard links do not.
    ///
    /// - Parameter replacing: takes the place of a file, or of an empty directory, that is there; else one is
    ///   an error.
    /// - Returns: what the copy has, and what was left out: FIFOs, sockets, devices, mounts, and
    ///   names that are not UTF-8.
    /// - Throws: code `exists`, `noSpace`, `notRegular` where `source` is none of the three, `intoItself`,
    ///   `limit` for more than 100 directories inside each other.
    @discardableResult
    package func copy(
        _ source: WorkspacePath, to target: WorkspacePath, replacing: Bool = false
    ) throws(WorkspaceError) -> TreeCount {
        let reference = Held(try reference(to: source, following: false))
        let status = try at(source) { () throws(SystemError) in try reference.value.status() }
        if source.isDirectory || target.isDirectory, status.kind != .directory {
            throw WorkspaceError(
                .notDirectory, source,
                "is a \(printable(status.kind)); the slash at an end asks for a directory")
        }
        let to = try place(of: target)
        if !replacing, try self.status(at: to, target) != nil {
            throw WorkspaceError(.exists, target, "is there already")
        }
        let entry = WalkedEntry(path: source, status: status, reference: reference)
        var count = TreeCount()
        switch status.kind {
        case .file:
            let replacement = try replace(target, mode: status.mode & 0o777)
            count.files = 1
            count.bytes = try copyContents(of: entry, to: replacement.descriptor)
            try replacement.commit(replacing: replacing)
        case .directory: count = try copyDirectory(entry, to: to, target, replacing: replacing)
        case .symlink:
            count.symlinks = 1
            let spare = spareName()
            try copyLink(entry, to: to.directory, spare)
            try settle(spare, in: to, target, replacing: replacing)
        case .fifo, .socket, .device:
            throw WorkspaceError(
                .notRegular, source,
                "is a \(printable(status.kind)); expected a regular file, a directory or a symbolic link")
        }
        return count
    }

    /// Makes the copy under a name of its own in the directory that it will be in.
    private func copyDirectory(
        _ entry: WalkedEntry, to place: borrowing Place, _ target: WorkspacePath, replacing: Bool
    ) throws(WorkspaceError) -> TreeCount {
        let spare = spareName()
        let count: TreeCount
        do throws(WorkspaceError) {
            let copy = try newDirectory(spare, in: place.directory, target)
            let copier = try TreeCopier(entry, to: copy, target)
            count = try copier.run()
        } catch {
            // What it made is its own; what keeps it from being removed is less than why it failed.
            try? place.directory.removeTree(spare)
            throw error
        }
        try settle(spare, in: place, target, replacing: replacing)
        return count
    }

    /// Gives what was made under a spare name the one it is for, or removes it.
    private func settle(
        _ spare: String, in place: borrowing Place, _ target: WorkspacePath, replacing: Bool
    ) throws(WorkspaceError) {
        let number = place.directory.number
        let name = place.name
        let flags = replacing ? 0 : UInt32(CLINUX_RENAME_NOREPLACE)
        do throws(SystemError) {
            _ = try call("renameat2", on: name) { unsafe clinux_rename(number, spare, number, name, flags) }
        } catch {
            try? place.directory.removeTree(spare)
            throw WorkspaceError(error, at: target)
        }
    }
}

/// Makes a tree that is the same as another one below a new directory.
private struct TreeCopier: ~Copyable {
    private var walk: TreeWalk
    /// The directories that are being filled, and the modes that they get when they are full: one that must
    /// not be written to could not be filled.
    private var targets: [(directory: Held<FileDescriptor>, mode: UInt32)]
    private var count = TreeCount()
    private let ownInode: UInt64
    private let target: WorkspacePath

    init(_ entry: WalkedEntry, to copy: Held<FileDescriptor>, _ target: WorkspacePath) throws(WorkspaceError)
    {
        let inode = try at(target) { () throws(SystemError) in try copy.value.status() }.inode
        walk = try TreeWalk(entry.reference.value, entry.path)
        targets = [(copy, entry.status.mode & 0o777)]
        ownInode = inode
        self.target = target
        count.directories = 1
    }

    consuming func run() throws(WorkspaceError) -> TreeCount {
        while let step = try walk.next() {
            switch step {
            case .leave:
                guard let done = targets.popLast() else { break }
                let number = done.directory.value.number
                _ = try at(target) { () throws(SystemError) in
                    try call("fchmod") { fchmod(number, done.mode) }
                }
            case .skip(let kind, _): count.skipped[kind, default: 0] += 1
            case .entry(let entry): try copy(entry)
            }
        }
        return count
    }

    private mutating func copy(_ entry: WalkedEntry) throws(WorkspaceError) {
        guard let into = targets.last?.directory else { return }
        let name = entry.path.name
        switch entry.status.kind {
        case .directory:
            // The walk stays on one mount, so an inode's number says which it is.
            if entry.status.inode == ownInode {
                throw WorkspaceError(.intoItself, target, "is inside of what would be copied there")
            }
            count.directories += 1
            targets.append((try newDirectory(name, in: into.value, entry.path), entry.status.mode & 0o777))
        case .file:
            let file = try at(entry.path) { () throws(SystemError) in
                Held(try into.value.open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600))
            }
            count.files += 1
            count.bytes += try copyContents(of: entry, to: file.value)
            let number = file.value.number
            let mode = entry.status.mode & 0o777
            _ = try at(entry.path) { () throws(SystemError) in try call("fchmod") { fchmod(number, mode) } }
        case .symlink:
            count.symlinks += 1
            try copyLink(entry, to: into.value, name)
        case .fifo, .socket, .device: count.skipped[entry.status.kind.rawValue, default: 0] += 1
        }
    }
}

private func newDirectory(
    _ name: String, in parent: borrowing FileDescriptor, _ path: WorkspacePath
) throws(WorkspaceError) -> Held<FileDescriptor> {
    try at(path) { () throws(SystemError) in
        try parent.makeDirectory(name, mode: 0o700)
        return Held(try parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: .workspace))
    }
}

private func copyLink(
    _ entry: WalkedEntry, to directory: borrowing FileDescriptor, _ name: String
) throws(WorkspaceError) {
    guard let target = try entry.target() else {
        throw WorkspaceError(.notRegular, entry.path, "is a symbolic link to a path that is not UTF-8")
    }
    let number = directory.number
    try at(entry.path) { () throws(SystemError) in
        _ = try call("symlinkat", on: name) { unsafe symlinkat(target, number, name) }
    }
}

/// - Returns: the size of the copy, in bytes.
private func copyContents(
    of entry: WalkedEntry, to target: borrowing FileDescriptor
) throws(WorkspaceError) -> UInt64 {
    let source = try entry.open()
    let (from, to) = (source.number, target.number)
    return try at(entry.path) { () throws(SystemError) in
        if (try? call("ioctl(FICLONE)") { clinux_share_contents(to, from) }) != nil {
            return try target.status().size
        }
        // As large as it is now: who makes it longer meanwhile gets no more copied, who cuts it less.
        var size = Int64(clamping: try source.status().size)
        var offset: Int64 = 0
        while offset < size, let data = try nextData(from, offset, size) {
            offset = data.lowerBound
            while offset < data.upperBound {
                let count = Int(min(data.upperBound - offset, 1 << 30))
                let place = offset
                let copied = try call("copy_file_range") { clinux_copy_range(from, to, place, count) }
                if copied == 0 { size = offset }
                offset += Int64(copied)
                if copied == 0 { break }
            }
        }
        let end = off_t(size)
        _ = try call("ftruncate") { ftruncate(to, end) }
        return UInt64(size)
    }
}

/// The next bytes that are no hole; nil when only a hole follows.
private func nextData(_ file: CInt, _ offset: Int64, _ size: Int64) throws(SystemError) -> Range<Int64>? {
    do throws(SystemError) {
        let start = try call("lseek(SEEK_DATA)") { clinux_next_data(file, offset) }
        guard start < size else { return nil }
        let end = try call("lseek(SEEK_HOLE)") { clinux_next_hole(file, start) }
        return start..<max(start, min(end, size))
    } catch {
        if error.errno == .noDeviceOrAddress { return nil }
        throw error
    }
}
