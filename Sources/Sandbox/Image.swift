/// What a sandbox sees as its root: one file of `images/`.
package struct Image: Hashable, Sendable {
    /// A host path that appears at the same path inside, read-only, nosuid and nodev. A symbolic
    /// link on the host becomes the same link inside.
    package struct Bind: Hashable, Sendable {
        package var path: String
        /// Left out, without an error, where the host does not have it.
        package var optional: Bool
        package init(path: String, optional: Bool) {
            self.path = path
            self.optional = optional
        }
    }

    /// A generated file.
    package struct File: Hashable, Sendable {
        package var path: String
        package var mode: UInt32
        package var content: String
        package init(path: String, mode: UInt32, content: String) {
            self.path = path
            self.mode = mode
            self.content = content
        }
    }

    package struct Symlink: Hashable, Sendable {
        package var path: String
        package var target: String
        package init(path: String, target: String) {
            self.path = path
            self.target = target
        }
    }

    /// A memory file system, writable inside.
    package struct Tmpfs: Hashable, Sendable {
        package var path: String
        /// In bytes.
        package var size: UInt64
        /// The most files and directories.
        package var files: UInt32
        package var mode: UInt32
        /// False mounts it noexec.
        package var executable: Bool
        package init(path: String, size: UInt64, files: UInt32, mode: UInt32, executable: Bool) {
            self.path = path
            self.size = size
            self.files = files
            self.mode = mode
            self.executable = executable
        }
    }

    /// A character device of the host's /dev, checked by its numbers before it is bound.
    package struct Device: Hashable, Sendable {
        /// Below /dev, such as `null`.
        package var name: String
        package var major: UInt32
        package var minor: UInt32
        package init(name: String, major: UInt32, minor: UInt32) {
            self.name = name
            self.major = major
            self.minor = minor
        }
    }

    package var name: String
    package var description: String
    package var hostname: String
    /// Where the workspace is; also the default working directory.
    package var workspace: String
    package var binds: [Bind]
    /// The stored tree whose top-level directories appear inside, as the store calls it:
    /// `sha256-` and 64 hexadecimal digits. Nil for a view of the host; an image with one has no binds.
    package var tree: String?
    package var files: [File]
    package var symlinks: [Symlink]
    package var tmpfs: [Tmpfs]
    package var devices: [Device]
    /// Full paths below /proc that are hidden; names that a kernel does not have are skipped.
    package var masked: [String]

    package init(
        name: String, description: String, hostname: String, workspace: String, binds: [Bind], files: [File],
        symlinks: [Symlink], tmpfs: [Tmpfs], devices: [Device], masked: [String], tree: String? = nil
    ) {
        self.name = name
        self.description = description
        self.hostname = hostname
        self.workspace = workspace
        self.binds = binds
        self.tree = tree
        self.files = files
        self.symlinks = symlinks
        self.tmpfs = tmpfs
        self.devices = devices
        self.masked = masked
    }
}
