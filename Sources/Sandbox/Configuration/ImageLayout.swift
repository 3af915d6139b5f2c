/// Where the entries of an image stand, and which of them would get into each other's way.
///
/// The root is made in this order: directories, binds, files, links and devices; then it becomes
/// read-only; then tmpfs, workspace and /proc are mounted over their directories. So nothing can be
/// made inside a bind, and what was made inside a tmpfs would be hidden by it.
struct ImageLayout {
    enum Kind {
        case bind, file, symlink, tmpfs, device, workspace

        var noun: String {
            switch self {
            case .bind: "a bind"
            case .file: "a file"
            case .symlink: "a symbolic link"
            case .tmpfs: "a tmpfs"
            case .device: "a device"
            case .workspace: "the workspace"
            }
        }
    }

    /// What of the host no bind may show, neither itself nor by what contains it: kernel interfaces,
    /// sockets of services, secrets.
    private static let hidden = [
        "/proc", "/sys", "/dev", "/run", "/var/run", "/root", "/boot", "/etc/shadow", "/etc/gshadow",
        "/etc/ssl/private", "/etc/ssh", "/etc/sudoers", "/etc/sudoers.d",
    ]

    /// The kernel's own file systems: nothing of an image stands at them or in them.
    private static let reserved = ["/proc", "/sys"]

    /// Whether the directories beside the entries are those of a stored tree.
    private let overTree: Bool
    private var entries: [(kind: Kind, path: String)] = []

    init(overTree: Bool) { self.overTree = overTree }

    /// Adds the entry `kind` at `path`, which `value` wrote.
    mutating func add(_ kind: Kind, _ path: String, _ value: YAMLValue) throws(ConfigError) {
        for place in ImageLayout.reserved where path == place || isBelow(path, place) {
            throw value.error("\(quoted(path)) is in \(place), which is the kernel's; expected another place")
        }
        if kind == .bind, let secret = ImageLayout.hidden.first(where: { overlaps(path, $0) }) {
            throw value.error("\(quoted(path)) would show \(secret) of the host; bind less")
        }
        // Devices bring /dev with them, a directory of the read-only root.
        if kind != .device, path == "/dev" {
            throw value.error("\(quoted(path)) is made for the devices; expected another place")
        }
        // What stands deeper would need a directory of the image's own at the top, and so hide the
        // tree's: a file in /etc would be all of /etc.
        if overTree, path.utf8.count(where: { $0 == UInt8(ascii: "/") }) > 1, !isBelow(path, "/dev") {
            throw value.error(
                "\(quoted(path)) is inside a directory of the tree; expected a path at the top, such as /tmp, "
                    + "or below /dev")
        }
        for other in entries {
            if other.path == path {
                throw value.error("\(quoted(path)) is also the path of \(other.kind.noun)")
            }
            if isBelow(path, other.path) {
                throw value.error("\(quoted(path)) is inside \(other.path), which is \(other.kind.noun)")
            }
            if isBelow(other.path, path) {
                throw value.error("\(quoted(path)) is above \(other.path), which is \(other.kind.noun)")
            }
        }
        entries.append((kind, path))
    }

    private func overlaps(_ path: String, _ other: String) -> Bool {
        path == other || isBelow(path, other) || isBelow(other, path)
    }
}
