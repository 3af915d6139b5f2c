import CLinux
import Glibc
package import Linux

extension TreeWriter {
    /// Puts a copy of everything in `directory` into the tree: each name opened from the directory it
    /// is in, without following a link, and looked at by its descriptor before it is read.
    ///
    /// What is no file, directory or link is left out and counted, and so is what is mounted below
    /// `directory`: a mount is none of its contents.
    package func copy(_ directory: borrowing FileDescriptor) throws(TreeError) {
        let root = TreePath(names: [])
        let status = try at(root) { () throws(SystemError) in try directory.status() }
        try copy(directory, root, device: status.device)
    }

    private func copy(
        _ directory: borrowing FileDescriptor, _ path: TreePath, device: UInt64
    ) throws(TreeError) {
        let entries = try at(path) { () throws(SystemError) in
            try directory.open(".", O_RDONLY | O_DIRECTORY).entries()
        }
        for entry in entries {
            // Checked like a name in an archive.
            let prefix = path.isRoot ? "" : "\(path)/"
            let place = try TreePath(Array("\(prefix)\(entry.name)".utf8), depth: limits.depth)
            try copy(entry.name, directory, place, device: device)
        }
    }

    private func copy(
        _ name: String, _ parent: borrowing FileDescriptor, _ path: TreePath, device: UInt64
    ) throws(TreeError) {
        // Not readable as it is, only as what it turns out to be.
        let place = try at(path) { () throws(SystemError) in
            Held(try parent.open(name, CLINUX_O_PATH | O_NOFOLLOW))
        }
        let status = try at(path) { () throws(SystemError) in try place.value.status() }
        switch status.kind {
        case .directory:
            try self.directory(path, mode: status.mode)
            guard status.device == device else {
                count.skipped["mount", default: 0] += 1
                return
            }
            let inside = try at(path) { () throws(SystemError) in
                Held(try place.value.open(".", O_RDONLY | O_DIRECTORY))
            }
            try copy(inside.value, path, device: device)
        case .symlink:
            let target = try at(path) { () throws(SystemError) in try parent.target(ofLink: name) }
            guard let target else { throw .refused(entry: "\(path)", "the link's target is not UTF-8") }
            try symlink(path, to: Array(target.utf8))
        case .file: try copyFile(name, parent, path, status)
        case .device, .fifo, .socket: try skip(path, kind: status.kind.rawValue)
        }
    }

    private func copyFile(
        _ name: String, _ parent: borrowing FileDescriptor, _ path: TreePath, _ status: EntryStatus
    ) throws(TreeError) {
        let source = try at(path) { () throws(SystemError) in
            Held(try parent.open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY))
        }
        let opened = try at(path) { () throws(SystemError) in try source.value.status() }
        guard opened.inode == status.inode, opened.kind == .file else {
            throw .refused(entry: "\(path)", "was replaced while it was read")
        }
        try file(path, mode: opened.mode, size: opened.size, modified: opened.modified) {
            (target) throws(TreeError) in
            let (to, from) = (target.number, source.value.number)
            try at(path) { () throws(SystemError) in
                var left = Int(opened.size)
                while left > 0 {
                    let count = try call("sendfile") { clinux_sendfile(to, from, min(left, 1 << 20)) }
                    guard count > 0 else { throw SystemError("sendfile", nil, Errno(rawValue: EIO)) }
                    left -= count
                }
            }
            return opened.size
        }
    }
}
