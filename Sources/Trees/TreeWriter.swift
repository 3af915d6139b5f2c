import CLinux
import Glibc
package import Linux

/// Makes the entries of a tree, by descriptor from its root: no name is ever followed as a link.
///
/// What is there already is replaced: by removal and a new entry, never written through, so that a
/// link, symbolic or hard, cannot turn one entry into another. Directories stay where a directory is
/// asked for. Modes are normalised: the owner may always read and enter, nobody has more than ``permissions``, and
/// there is no setuid, setgid or sticky bit.
package final class TreeWriter {
    let root: FileDescriptor
    /// The permission bits that entries may have.
    private let permissions: UInt32
    package let limits: TreeLimits
    package internal(set) var count = TreeCount()
    /// The directory that the last entry went into, and the way there: archives name a directory's
    /// entries one after the other.
    private var last: (names: [String], directory: Held<FileDescriptor>)?
    /// Modes that files of the directory above were made with, and whether they had them at once: a umask or a
    /// default ACL (acl(5)) takes the same bits of every file of a directory.
    private var modesAtOnce: [UInt32: Bool] = [:]
    /// Hashes of the paths made by this writer, so that a whiteout hides only what lower layers made:
    /// eight bytes for each, where the paths themselves could take gigabytes.
    var own: Set<Int> = []

    /// - Parameters:
    ///   - root: the tree's directory, which stays open.
    ///   - permissions: the bits that entries may have; as it is, nobody but the owner may write.
    package init(_ root: consuming FileDescriptor, limits: TreeLimits, permissions: UInt32 = 0o755) {
        self.root = root
        self.permissions = permissions & 0o777
        self.limits = limits
    }

    // MARK: Entries

    package func directory(_ path: TreePath, mode: UInt32) throws(TreeError) {
        try countEntry(path)
        count.directories += 1
        guard !path.isRoot else { return }
        let parent = try place(of: path)
        try at(path) { () throws(SystemError) in
            do throws(SystemError) {
                try makeDirectory(path.name, in: parent.value, mode: mode)
            } catch {
                // Something that is no directory has the name.
                guard [.notDirectory, .tooManyLinks].contains(error.errno) else { throw error }
                try replace(path.name, in: parent.value)
                try makeDirectory(path.name, in: parent.value, mode: mode)
            }
        }
        own.insert(path.hashValue)
    }

    /// Gives the tree's own directory the mode that an archive has for it.
    package func root(mode: UInt32) throws(TreeError) {
        let number = root.number
        try at(TreePath(names: [])) { () throws(SystemError) in
            _ = try call("fchmod") { fchmod(number, 0o700 | mode & permissions) }
        }
    }

    /// - Parameters:
    ///   - size: in bytes; what `fill` does not write is a hole.
    ///   - modified: seconds since 1970; nil for now.
    ///   - fill: writes the content, and says where the last byte of it ends.
    package func file(
        _ path: TreePath, mode: UInt32, size: UInt64, modified: Int?,
        fill: (borrowing FileDescriptor) throws(TreeError) -> UInt64
    ) throws(TreeError) {
        try countEntry(path)
        try countBytes(size, path)
        count.files += 1
        let parent = try place(of: path)
        let mode = 0o400 | mode & permissions
        let file = try at(path) { () throws(SystemError) in
            try making(path.name, in: parent.value) { () throws(SystemError) in
                Held(
                    try parent.value.open(path.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode))
            }
        }
        let end = try fill(file.value)
        try at(path) { () throws(SystemError) in
            let number = file.value.number
            // Each of these is a call for every file, and most files are as they have to be.
            if end != size { _ = try call("ftruncate") { ftruncate(number, off_t(size)) } }
            try give(file.value, mode)
            if let modified {
                let times = [timespec(tv_sec: modified, tv_nsec: 0), timespec(tv_sec: modified, tv_nsec: 0)]
                _ = try call("futimens") { unsafe futimens(number, times) }
            }
        }
        own.insert(path.hashValue)
    }

    /// Gives a file, which was made with `mode`, what of it it has not got. The first file of each mode in a
    /// directory is looked at.
    private func give(_ file: borrowing FileDescriptor, _ mode: UInt32) throws(SystemError) {
        let isGiven = if let known = modesAtOnce[mode] { known } else { try file.status().mode == mode }
        modesAtOnce[mode] = isGiven
        if isGiven { return }
        let number = file.number
        _ = try call("fchmod") { fchmod(number, mode) }
    }

    /// - Parameter target: any text; nothing here follows it.
    package func symlink(_ path: TreePath, to target: [UInt8]) throws(TreeError) {
        try countEntry(path)
        guard (1...4095).contains(target.count), !target.contains(0) else {
            throw .refused(
                entry: "\(path)",
                "the link's target has \(target.count) bytes; expected 1 to 4095, and no NUL byte")
        }
        guard let text = String(validating: target, as: UTF8.self) else {
            throw .refused(entry: "\(path)", "the link's target is not UTF-8")
        }
        count.symlinks += 1
        let parent = try place(of: path)
        try at(path) { () throws(SystemError) in
            let number = parent.value.number
            _ = try making(path.name, in: parent.value) { () throws(SystemError) in
                try call("symlinkat") { unsafe symlinkat(text, number, path.name) }
            }
        }
        own.insert(path.hashValue)
    }

    /// Another name for a regular file that is in the tree already.
    package func hardlink(_ path: TreePath, to target: TreePath) throws(TreeError) {
        try countEntry(path)
        guard path != target else {
            throw .refused(entry: "\(path)", "is a hard link to itself")
        }
        guard !target.isRoot, !path.isRoot else {
            throw .refused(entry: "\(path)", "is a hard link of the tree's root; expected one of a file")
        }
        count.hardlinks += 1
        let source = try existingPlace(of: target)
        let status = try at(path) { () throws(SystemError) in try source?.value.status(of: target.name) }
        guard let source, let status, status.kind == .file else {
            let what = status.map { "a \($0.kind)" } ?? "not there"
            throw .refused(
                entry: "\(path)",
                "is a hard link to \"\(printable("\(target)"))\", which is \(what); expected a regular file "
                    + "that came before")
        }
        let parent = try place(of: path)
        try at(path) { () throws(SystemError) in
            // The target may be inside what has to go, so the link is made beside it and renamed.
            let spare = ".corral-link-\(count.hardlinks)"
            let (from, to) = (source.value.number, parent.value.number)
            _ = try call("linkat") { unsafe linkat(from, target.name, to, spare, 0) }
            do throws(SystemError) {
                try replace(path.name, in: parent.value)
                // rename(2) of two names of one file does nothing; the name was removed before.
                _ = try call("renameat") { unsafe renameat(to, spare, to, path.name) }
            } catch {
                try? parent.value.removeFile(spare)
                throw error
            }
        }
        own.insert(path.hashValue)
    }

    /// Counts an entry that no tree may have and that is left out.
    package func skip(_ path: TreePath, kind: String) throws(TreeError) {
        try countEntry(path)
        count.skipped[kind, default: 0] += 1
    }

    // MARK: Bounds

    func countEntry(_ path: TreePath) throws(TreeError) {
        guard count.entries < limits.entries else {
            throw .limit(entry: "\(path)", "is one more than the \(limits.entries) entries allowed")
        }
    }

    private func countBytes(_ size: UInt64, _ path: TreePath) throws(TreeError) {
        guard size <= limits.fileBytes else {
            throw .limit(
                entry: "\(path)", "the file has \(size) bytes; expected at most \(limits.fileBytes)")
        }
        guard size <= limits.bytes, count.bytes <= limits.bytes - size else {
            throw .limit(
                entry: "\(path)", "all files together have more than the \(limits.bytes) bytes allowed")
        }
        count.bytes += size
    }

    // MARK: Places

    /// Lets go of the directory that is held, which may be about to be removed.
    func forgetPlace() { last = nil }

    /// Makes `name` by a call that fails where there is something of that name, which is replaced then: nearly
    /// always there is nothing, and not looking first is a call less.
    private func making<Value>(
        _ name: String, in parent: borrowing FileDescriptor, _ make: () throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        do throws(SystemError) {
            return try make()
        } catch {
            guard error.errno == .fileExists else { throw error }
        }
        try replace(name, in: parent)
        return try make()
    }

    /// Removes what stands at `name`.
    private func replace(_ name: String, in parent: borrowing FileDescriptor) throws(SystemError) {
        guard let there = try parent.status(of: name) else { return }
        // Directories that are held may be among what goes.
        if there.kind == .directory { last = nil }
        try parent.removeTree(name)
    }

    private func makeDirectory(
        _ name: String, in parent: borrowing FileDescriptor, mode: UInt32
    ) throws(SystemError) {
        do throws(SystemError) {
            try parent.makeDirectory(name, mode: 0o700)
        } catch {
            if error.errno != .fileExists { throw error }
        }
        let directory = try parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let number = directory.number
        _ = try call("fchmod") { fchmod(number, 0o700 | mode & permissions) }
    }

    /// The directory that `path` is in, made where it is missing.
    func place(of path: TreePath) throws(TreeError) -> Held<FileDescriptor> {
        if let last, last.names.elementsEqual(path.names.dropLast()) { return last.directory }
        var place = try rootPlace(path)
        for (depth, name) in path.names.dropLast().enumerated() {
            if let next = try enter(name, place, path) {
                place = next
                continue
            }
            place = try at(path) { () throws(SystemError) in
                try makeDirectory(name, in: place.value, mode: 0o755)
                return Held(try place.value.open(name, Self.openPlace))
            }
            own.insert(TreePath(names: Array(path.names[...depth])).hashValue)
        }
        last = (Array(path.names.dropLast()), place)
        modesAtOnce = [:]
        return place
    }

    /// The directory that `path` is in; nil where it is not there.
    func existingPlace(of path: TreePath) throws(TreeError) -> Held<FileDescriptor>? {
        if let last, last.names.elementsEqual(path.names.dropLast()) { return last.directory }
        var place = try rootPlace(path)
        for name in path.names.dropLast() {
            guard let next = try enter(name, place, path) else { return nil }
            place = next
        }
        return place
    }

    private func rootPlace(_ path: TreePath) throws(TreeError) -> Held<FileDescriptor> {
        try at(path) { () throws(SystemError) in Held(try root.open(".", Self.openPlace)) }
    }

    /// Opened name by name, each without following a link: openat2(2) would do it in one call, and is
    /// refused in every sandbox that has a directory of the host.
    private func enter(
        _ name: String, _ place: Held<FileDescriptor>, _ path: TreePath
    ) throws(TreeError) -> Held<FileDescriptor>? {
        do throws(SystemError) {
            return Held(try place.value.open(name, Self.openPlace))
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: return nil
            case .notDirectory, .tooManyLinks:
                throw .refused(
                    entry: "\(path)",
                    "\"\(printable(name))\" above it is a file or a symbolic link; expected a directory")
            default: throw .system(error, entry: "\(path)")
            }
        }
    }

    private static let openPlace = CLINUX_O_PATH | O_DIRECTORY | O_NOFOLLOW
}
