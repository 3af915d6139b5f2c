import Glibc
import Linux

/// How a layer says that something of the layers below is gone (OCI image specification, "Whiteouts").
package enum Whiteout: Hashable, Sendable {
    /// The name of this directory entry is hidden.
    case entry(TreePath)
    /// Everything that the layers below have in this directory is hidden.
    case directory(TreePath)
    /// Bookkeeping of the aufs file system, which means nothing in a tree.
    case bookkeeping(TreePath)

    /// - Returns: nil for a path that is no whiteout.
    package init?(_ path: TreePath) throws(TreeError) {
        let name = path.name
        guard name.hasPrefix(".wh.") else { return nil }
        if name == ".wh..wh..opq" {
            self = .directory(path.parent)
        } else if name.hasPrefix(".wh..wh.") {
            self = .bookkeeping(path)
        } else {
            let hidden = String(name.dropFirst(4))
            guard !["", ".", ".."].contains(hidden) else {
                throw .refused(entry: "\(path)", "the whiteout names no entry")
            }
            self = .entry(path.parent.appending(hidden))
        }
    }
}

extension TreeWriter {
    /// Hides what lower layers have there; nothing happens where they have nothing.
    package func apply(_ whiteout: Whiteout) throws(TreeError) {
        switch whiteout {
        case .bookkeeping(let path): try skip(path, kind: "other")
        case .entry(let path):
            try countEntry(path)
            count.whiteouts += 1
            guard let parent = try existingPlace(of: path) else { return }
            try hide(path, in: parent)
        case .directory(let path):
            try countEntry(path)
            count.whiteouts += 1
            guard let inside = try existingPlace(of: path.appending("x")) else { return }
            try hideAll(in: path, inside)
        }
    }

    /// Removes the entry, but for what this layer itself has put there: order means nothing.
    private func hide(_ path: TreePath, in parent: Held<FileDescriptor>) throws(TreeError) {
        let status = try at(path) { () throws(SystemError) in try parent.value.status(of: path.name) }
        guard let status else { return }
        if status.kind == .directory {
            let directory = try at(path) { () throws(SystemError) in
                Held(try parent.value.open(path.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
            }
            try hideAll(in: path, directory)
        }
        guard !own.contains(path.hashValue) else { return }
        forgetPlace()
        try at(path) { () throws(SystemError) in
            do throws(SystemError) {
                if status.kind == .directory {
                    try parent.value.removeDirectory(path.name)
                } else {
                    try parent.value.removeFile(path.name)
                }
            } catch {
                // Something of this layer is in there.
                if error.errno.rawValue != ENOTEMPTY { throw error }
            }
        }
    }

    private func hideAll(in path: TreePath, _ directory: Held<FileDescriptor>) throws(TreeError) {
        let entries = try at(path) { () throws(SystemError) in
            try directory.value.open(".", O_RDONLY | O_DIRECTORY).entries()
        }
        for entry in entries { try hide(path.appending(entry.name), in: directory) }
    }
}
