/// What processes find at the paths of a sandbox, computed from values alone: what a launch mounts, as
/// an explanation sees it.
///
/// A test compares it with the steps of a launch, and another with what processes in real sandboxes
/// find.
package struct MountView: Hashable, Sendable {
    /// One thing that the sandbox's root, or what is mounted on it, has at a path.
    package enum Thing: Hashable, Sendable {
        /// Of the root itself, which is read-only.
        case directory
        case symlink(target: String)
        /// Made for the sandbox, of the root as well.
        case file(Permissions)
        /// The host's, read-only, with everything below it.
        case boundDirectory
        case boundFile
        case device(major: UInt32, minor: UInt32)
        case tmpfs(Permissions, executable: Bool)
        /// A directory of the host, of the same owner as the processes.
        case workspace(writable: Bool)
        case proc
        /// Hidden by an empty, read-only directory.
        case maskedDirectory
        /// Hidden by the null device.
        case maskedFile
        /// Of the init's, in a tmpfs.
        case socketDirectory
        /// The relay's, made before any process starts.
        case socket
    }

    package struct Entry: Hashable, Sendable {
        package let path: String
        package let thing: Thing
        /// The image's key for it, such as `binds[2]`; nil for what every sandbox has.
        package let key: String?
    }

    /// By path; some dozens, and every directory above each.
    private var found: [String: Entry] = [:]

    /// - Parameters:
    ///   - hostPaths: what stands at the host's paths that the image binds or masks. What was not looked
    ///     at counts as a directory if it is bound, as a file if it is masked.
    ///   - workspace: as the profile and the caller want it.
    ///   - sockets: paths of the relay's.
    ///   - sharesUID: whether the init has the processes' uid, as it has for an ordinary user.
    package init(
        _ image: Image, hostPaths: HostPaths, workspace: WorkspaceKind, sockets: [String] = [],
        sharesUID: Bool = false
    ) {
        add("/", .directory, nil)
        for (index, bind) in image.binds.enumerated() {
            switch hostPaths[bind.path] ?? .directory {
            case .missing: continue
            case .symlink(let target): add(bind.path, .symlink(target: target), "binds[\(index)]")
            case .directory: add(bind.path, .boundDirectory, "binds[\(index)]")
            case .file: add(bind.path, .boundFile, "binds[\(index)]")
            }
        }
        if let tree = hostPaths.tree { add(tree, hiddenBy: image) }
        for (index, file) in image.files.enumerated() {
            let permissions = Permissions(mode: file.mode, isOwner: sharesUID)
            add(file.path, .file(permissions), "files[\(index)]")
        }
        for (index, link) in image.symlinks.enumerated() {
            add(link.path, .symlink(target: link.target), "symlinks[\(index)]")
        }
        for (index, device) in image.devices.enumerated() {
            let thing = Thing.device(major: device.major, minor: device.minor)
            add("/dev/\(device.name)", thing, "devices[\(index)]")
        }
        for (index, tmpfs) in image.tmpfs.enumerated() {
            let permissions = Permissions(mode: tmpfs.mode, isOwner: sharesUID)
            add(tmpfs.path, .tmpfs(permissions, executable: tmpfs.executable), "tmpfs[\(index)]")
        }
        add(image.workspace, workspace.thing, "workspace")
        add("/proc", .proc, nil)
        for (index, path) in image.masked.enumerated() {
            switch hostPaths[path] ?? .file {
            case .missing: continue
            // Not by add: what is above it is the kernel's.
            case .directory: found[path] = Entry(path: path, thing: .maskedDirectory, key: "masked[\(index)]")
            case .file, .symlink: found[path] = Entry(path: path, thing: .maskedFile, key: "masked[\(index)]")
            }
        }
        for socket in sockets { add(socket: socket, image, hostPaths) }
    }

    package subscript(path: String) -> Entry? { found[path] }

    /// In alphabetical order.
    package var entries: [Entry] { found.values.sorted { $0.path < $1.path } }

    private mutating func add(_ path: String, _ thing: Thing, _ key: String?) {
        if path != "/" { addDirectories(above: path, .directory) }
        found[path] = Entry(path: path, thing: thing, key: key)
    }

    /// What is at the top of a stored tree.
    private mutating func add(_ tree: TreeView, hiddenBy image: Image) {
        let taken = tree.hidden(by: image)
        for entry in tree.entries where !taken.contains(entry.name) {
            switch entry.found {
            case .missing: continue
            case .symlink(let target): add("/\(entry.name)", .symlink(target: target), "tree")
            case .directory: add("/\(entry.name)", .boundDirectory, "tree")
            case .file: add("/\(entry.name)", .boundFile, "tree")
            }
        }
        guard tree.varRun != .other, !taken.contains("var") else { return }
        // Not by add where it is the tree's own: what else is in /var is the tree's, too.
        if tree.varRun == .absent { addDirectories(above: "/var/run", .directory) }
        found["/var/run"] = Entry(path: "/var/run", thing: .symlink(target: "/run"), key: "tree")
    }

    private mutating func addDirectories(above path: String, _ thing: Thing) {
        let above = parent(of: path)
        guard found[above] == nil else { return }
        addDirectories(above: above, thing)
        found[above] = Entry(path: above, thing: thing, key: nil)
    }

    /// A socket, behind the image's links: `/var/run/x` is `/run/x`.
    private mutating func add(socket: String, _ image: Image, _ hostPaths: HostPaths) {
        let path = image.followingLinks(socket, hostPaths)
        addDirectories(above: path, .socketDirectory)
        found[path] = Entry(path: path, thing: .socket, key: nil)
    }
}

/// Where a workspace comes from and whether it can be written to.
package enum WorkspaceKind: Hashable, Sendable {
    /// A memory file system that is gone afterwards.
    case ephemeral
    /// An empty directory of the read-only root.
    case emptyReadOnly
    /// A directory of the host.
    case hostDirectory(writable: Bool)

    package init(_ workspace: Filesystem.Workspace, hostDirectory: Bool) {
        switch (workspace, hostDirectory) {
        case (_, true): self = .hostDirectory(writable: workspace == .writable)
        case (.writable, false): self = .ephemeral
        case (.readOnly, false): self = .emptyReadOnly
        }
    }

    fileprivate var thing: MountView.Thing {
        switch self {
        case .ephemeral: .tmpfs(Permissions(mode: 0o755, isOwner: true), executable: true)
        case .emptyReadOnly: .directory
        case .hostDirectory(let writable): .workspace(writable: writable)
        }
    }
}

/// What a file's mode lets the sandbox's processes do.
package struct Permissions: Hashable, Sendable {
    package let mode: UInt32
    /// Whether the processes' uid owns the file. Its group is never theirs.
    package let isOwner: Bool

    package init(mode: UInt32, isOwner: Bool) {
        self.mode = mode
        self.isOwner = isOwner
    }

    private var bits: UInt32 { isOwner ? mode >> 6 : mode }
    package var read: Bool { bits & 4 != 0 }
    package var write: Bool { bits & 2 != 0 }
    /// Executing a file; going through a directory.
    package var execute: Bool { bits & 1 != 0 }
    /// Only who owns a file in this directory, or the directory itself, may remove it.
    package var isSticky: Bool { mode & 0o1000 != 0 && !isOwner }
}

extension Image {
    /// A socket's path behind the image's links: `/var/run/x` is `/run/x`.
    package func followingLinks(_ path: String, _ hostPaths: HostPaths) -> String {
        for link in symlinks where isBelow(path, link.path) && link.target.hasPrefix("/") {
            return link.target + path.dropFirst(link.path.count)
        }
        let link = "/var/run"
        guard let tree = hostPaths.tree, tree.varRun != .other, isBelow(path, link) else { return path }
        return "/run" + path.dropFirst(link.count)
    }
}

/// The directory of a path that is absolute and in normal form; that of `/` is `/`.
package func parent(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return "/" }
    return String(path[..<slash])
}
