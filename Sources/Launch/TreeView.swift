package import Sandbox

/// What a launch has to know of a stored tree: which directory it is and what stands at its top.
///
/// The path leads there again in the mount namespace of who mounts it; device and inode tell whether it
/// still is the directory whose owner and permissions were checked.
package struct TreeView: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let name: String
        package let found: HostPath

        package init(name: String, found: HostPath) {
            self.name = name
            self.found = found
        }
    }

    /// What the tree has at /var/run, where many programs expect what is in /run.
    package enum VarRun: Hashable, Sendable {
        /// A link to /run.
        case linked
        /// Nothing, and no /var either.
        case absent
        case other
    }

    package let path: String
    package let device: UInt64
    package let inode: UInt64
    package let entries: [Entry]
    package let varRun: VarRun

    /// The most names at the top: each is a mount, and no file system that somebody would boot or
    /// `docker run` has more than some dozens.
    package static let entryLimit = 256

    package init(path: String, device: UInt64, inode: UInt64, entries: [Entry], varRun: VarRun) {
        self.path = path
        self.device = device
        self.inode = inode
        self.entries = entries
        self.varRun = varRun
    }

    /// The names at the top that are not taken from the tree, because the sandbox has its own.
    package func hidden(by image: Image) -> [String] {
        let paths =
            [image.workspace] + image.files.map(\.path) + image.symlinks.map(\.path) + image.tmpfs.map(\.path)
        return TreeView.reserved + paths.map { String($0.dropFirst().prefix { $0 != "/" }) }
    }

    /// The kernel's, and what belongs to one sandbox whether its image has it or not.
    private static let reserved = ["dev", "proc", "sys", "tmp", "run", "home", "workspace"]
}
