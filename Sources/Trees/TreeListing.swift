import CLinux
import Glibc
package import Linux

/// What a tree is, as a name: the SHA-256 of its canonical listing.
///
/// For each entry, in the order of the bytes of its path, one record of fields that end in NUL, and a
/// newline: kind (`d`, `f` or `l`), mode in octal, size in bytes, SHA-256 of the content or the link's
/// target, path. Directories have size 0 and no content, links mode 0. Times and owners are not part of it.
///
/// Reading a tree also checks it: what ``TreeWriter`` would not have made is refused, whoever made
/// it.
package struct TreeListing: Hashable, Sendable {
    /// 64 hexadecimal digits.
    package let digest: String
    package let count: TreeCount

    /// - Parameter root: the tree's directory.
    package init(of root: borrowing FileDescriptor, limits: TreeLimits) throws(TreeError) {
        let path = TreePath(names: [])
        let status = try at(path) { () throws(SystemError) in try root.status() }
        var reader = TreeReader(limits: limits, device: status.device)
        try reader.directory(root, path)
        count = reader.count
        digest = reader.finish()
    }
}

private struct TreeReader: ~Copyable {
    private let limits: TreeLimits
    private let device: UInt64
    private var digest = SHA256()
    private(set) var count = TreeCount()
    private var buffer = [UInt8](repeating: 0, count: 1 << 18)

    init(limits: TreeLimits, device: UInt64) {
        self.limits = limits
        self.device = device
    }

    consuming func finish() -> String { digest.finish() }

    mutating func directory(_ directory: borrowing FileDescriptor, _ path: TreePath) throws(TreeError) {
        var names = try at(path) { () throws(SystemError) in
            try directory.open(".", O_RDONLY | O_DIRECTORY).entries().map(\.name)
        }
        names.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for name in names { try entry(name, directory, path.appending(name)) }
    }

    private mutating func entry(
        _ name: String, _ parent: borrowing FileDescriptor, _ path: TreePath
    ) throws(TreeError) {
        guard count.entries < limits.entries else {
            throw .limit(entry: "\(path)", "is one more than the \(limits.entries) entries allowed")
        }
        guard path.names.count <= limits.depth else {
            throw .refused(entry: "\(path)", "is more than \(limits.depth) directories deep")
        }
        let found = try at(path) { () throws(SystemError) in try parent.status(of: name) }
        guard let status = found else { throw .refused(entry: "\(path)", "has a name that is not UTF-8") }
        if let problem = problem(status) { throw .refused(entry: "\(path)", problem) }
        switch status.kind {
        case .directory:
            count.directories += 1
            record("d", status.mode, 0, "", path)
            let directory = try at(path) { () throws(SystemError) in
                Held(try parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
            }
            try self.directory(directory.value, path)
        case .symlink:
            count.symlinks += 1
            let target = try at(path) { () throws(SystemError) in try parent.target(ofLink: name) }
            guard let target else { throw .refused(entry: "\(path)", "the link's target is not UTF-8") }
            record("l", 0, UInt64(target.utf8.count), target, path)
        default:
            count.files += 1
            let content = try content(name, parent, path)
            record("f", status.mode, content.size, content.digest, path)
        }
    }

    private func problem(_ status: EntryStatus) -> String? {
        switch status.kind {
        case .symlink: return nil
        case .directory, .file: break
        default: return "is a \(status.kind); expected a file, a directory or a symbolic link"
        }
        guard status.device == device else { return "is on another device" }
        guard status.mode & ~0o755 == 0 else {
            return "has the mode \(String(status.mode, radix: 8)); expected none of the bits but 755"
        }
        return nil
    }

    private mutating func content(
        _ name: String, _ parent: borrowing FileDescriptor, _ path: TreePath
    ) throws(TreeError) -> (size: UInt64, digest: String) {
        let file = try at(path) { () throws(SystemError) in
            Held(try parent.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
        }
        var sum = SHA256()
        var size: UInt64 = 0
        while true {
            var room = buffer.mutableSpan
            let read = try at(path) { () throws(SystemError) in try file.value.read(into: &room) }
            if read == 0 { break }
            size += UInt64(read)
            sum.update(buffer.span.extracting(0..<read))
            guard size <= limits.fileBytes, count.bytes + size <= limits.bytes else {
                throw .limit(
                    entry: "\(path)", "is more than the \(limits.bytes) bytes allowed for all files")
            }
        }
        count.bytes += size
        return (size, sum.finish())
    }

    private mutating func record(
        _ kind: String, _ mode: UInt32, _ size: UInt64, _ content: String, _ path: TreePath
    ) {
        digest.update("\(kind)\0\(String(mode, radix: 8))\0\(size)\0\(content)\0\(path)\0\n")
    }
}
