import CLinux
import InitPlan
import Sandbox

/// The steps that make an image's root tree: directories, links, generated files, binds and
/// devices. Mounts that belong to one sandbox (proc, tmpfs, workspace) come later, from the init.
///
/// A tree's names are somebody else's words, so descriptions, which are printed, have no control
/// characters in them.
struct RootSteps {
    private let image: Image
    private let hostPaths: HostPaths
    /// Of everything that is shown of the host's or of a tree.
    private let attributes: UInt64
    /// Directories; some dozens.
    private var made = ["/"]
    private(set) var list = StepList()

    init(
        image: Image, hostPaths: HostPaths, without: Ablation = [], into list: consuming StepList
    ) {
        self.image = image
        self.hostPaths = hostPaths
        attributes = UInt64(without.kept(CLINUX_MOUNT_RDONLY | CLINUX_MOUNT_NOSUID | CLINUX_MOUNT_NODEV))
        self.list = list
    }

    /// - Throws: ``LaunchError/imagePathMissing(image:path:)`` for a bind that the host lacks.
    /// - Parameter mounts: those that the caller adds; the root has the places for some of them.
    static func add(
        _ image: Image, _ hostPaths: HostPaths, _ mounts: MountPlacements, terminal: Bool = false,
        without: Ablation = [], to list: consuming StepList
    ) throws(LaunchError) -> StepList {
        var steps = RootSteps(image: image, hostPaths: hostPaths, without: without, into: list)
        for bind in image.binds { try steps.bind(bind) }
        if let name = image.tree {
            guard let tree = hostPaths.tree else { throw .imageTreeMissing(image: image.name, tree: name) }
            steps.tree(tree)
        }
        for file in image.files { steps.file(file.path, file.mode, file.content) }
        for link in image.symlinks { steps.symlink(link.path, link.target) }
        for tmpfs in image.tmpfs { steps.directory(tmpfs.path) }
        for device in image.devices { steps.device(device) }
        if terminal { steps.terminal() }
        steps.directory("/proc")
        steps.directory(image.workspace)
        for mount in mounts.list where mount.ground == .root {
            if mount.prepared.isFile {
                steps.file(mount.target, 0o444, "")
            } else {
                steps.directory(mount.target)
            }
        }
        return steps.list
    }

    private mutating func bind(_ bind: Image.Bind) throws(LaunchError) {
        switch hostPaths[bind.path] ?? .missing {
        case .missing where bind.optional: return
        case .missing: throw .imagePathMissing(image: image.name, path: bind.path)
        case .symlink(let target): symlink(bind.path, target)
        case .directory:
            directory(bind.path)
            mount(bind.path)
        case .file:
            file(bind.path, 0o444, "")
            mount(bind.path)
        }
    }

    private mutating func mount(_ path: String) {
        list.add(.bindPath, "bind \(path), read-only, nosuid, nodev") { [attributes] fields in
            fields.text(path)
            fields.text(path)
            fields.integer(attributes)
            fields.integer(1)
        }
    }

    /// Everything at the top of a stored tree but what is the sandbox's own.
    private mutating func tree(_ tree: TreeView) {
        let taken = tree.hidden(by: image)
        for entry in tree.entries where !taken.contains(entry.name) {
            let path = "/\(entry.name)"
            switch entry.found {
            case .missing: continue
            case .symlink(let target): symlink(path, target)
            case .directory:
                directory(path)
                mount(path, entry.name, of: tree, isDirectory: true)
            case .file:
                file(path, 0o444, "")
                mount(path, entry.name, of: tree, isDirectory: false)
            }
        }
        // Where programs look for the sockets in /run, and no tree says otherwise.
        if tree.varRun == .absent, !taken.contains("var") { symlink("/var/run", "/run") }
    }

    private mutating func mount(_ path: String, _ name: String, of tree: TreeView, isDirectory: Bool) {
        list.add(.bindTree, "tree \(shown(path)), read-only, nosuid, nodev") { [attributes] fields in
            fields.text(path)
            fields.text(tree.path)
            fields.integer(tree.device)
            fields.integer(tree.inode)
            fields.text(name)
            fields.integer(isDirectory ? 1 : 0)
            fields.integer(attributes)
        }
    }

    private mutating func device(_ device: Image.Device) {
        let path = "/dev/\(device.name)"
        file(path, 0o444, "")
        list.add(.device, "device \(path) (\(device.major):\(device.minor))") { fields in
            fields.text(path)
            fields.text(device.name)
            fields.integer(UInt64(device.major))
            fields.integer(UInt64(device.minor))
        }
    }

    /// Where the init mounts its devpts, and where programs look for what makes terminals.
    private mutating func terminal() {
        directory("/dev/pts")
        if !image.symlinks.contains(where: { $0.path == "/dev/ptmx" }) { symlink("/dev/ptmx", "pts/ptmx") }
    }

    private mutating func file(_ path: String, _ mode: UInt32, _ content: String) {
        parents(of: path)
        list.add(.file, "file \(shown(path))") { fields in
            fields.text(path)
            fields.integer(UInt64(mode))
            fields.text(content)
        }
    }

    private mutating func symlink(_ path: String, _ target: String) {
        parents(of: path)
        list.add(.symlink, "link \(shown(path)) -> \(shown(target))") { fields in
            fields.text(path)
            fields.text(target)
        }
    }

    private mutating func directory(_ path: String) {
        parents(of: path)
        if made.contains(path) { return }
        made.append(path)
        list.add(.directory, "directory \(shown(path))") { fields in
            fields.text(path)
            fields.integer(0o755)
        }
    }

    private mutating func parents(of path: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else { return }
        directory(String(path[..<slash]))
    }
}
