package import Sandbox

/// Where the mounts that a caller adds go in an image's root, in the order in which they are made: what
/// is inside another comes after it.
package struct MountPlacements: Hashable, Sendable {
    struct Placement: Hashable, Sendable {
        let prepared: PreparedMount
        /// Among the mounts of the host's, in the caller's order; nil for a memory file system.
        let handedOver: Int?
        let ground: Ground

        var target: String { prepared.mount.target }
    }

    /// What a mount is put on.
    enum Ground: Hashable, Sendable {
        /// A directory or file of the root's own, made together with it.
        case root
        /// A directory or file in a memory file system of the sandbox, behind these directories.
        case memory(directories: [String])
        /// What is there already, in something that Corral makes nothing in.
        case existing
        /// Nothing: the image's memory file system there is left out.
        case replaced
    }

    package static let none = MountPlacements()

    private(set) var list: [Placement] = []

    private init() {}

    /// - Parameter workspace: as the profile and the caller want it.
    package init(
        _ mounts: [PreparedMount], image: Image, hostPaths: HostPaths, workspace: WorkspaceKind,
        sockets: [String]
    ) throws(MountError) {
        if mounts.isEmpty { return }
        let view = MountView(image, hostPaths: hostPaths, workspace: workspace, sockets: sockets)
        var number = 0
        var numbered: [(prepared: PreparedMount, handedOver: Int?)] = []
        for prepared in mounts {
            numbered.append((prepared, prepared.found == nil ? nil : number))
            if prepared.found != nil { number += 1 }
        }
        numbered.sort { Self.depth($0.prepared) < Self.depth($1.prepared) }
        for (prepared, handedOver) in numbered {
            let ground = try ground(for: prepared, image, view)
            list.append(Placement(prepared: prepared, handedOver: handedOver, ground: ground))
        }
    }

    private static func depth(_ prepared: PreparedMount) -> Int {
        prepared.mount.target.utf8.count { $0 == UInt8(ascii: "/") }
    }

    /// The image without the memory file systems in whose place there are others.
    func replacing(in image: Image) -> Image {
        let replaced = list.filter { $0.ground == .replaced }.map(\.target)
        if replaced.isEmpty { return image }
        var image = image
        image.tmpfs.removeAll { replaced.contains($0.path) }
        return image
    }

    // MARK: Checks

    private func ground(
        for prepared: PreparedMount, _ image: Image, _ view: MountView
    ) throws(MountError) -> Ground {
        let target = prepared.mount.target
        if list.contains(where: { $0.target == target }) { throw .twice(target) }
        for path in ["/proc", "/sys", "/dev", "/run"] where target == path || isBelow(target, path) {
            throw .target(target, "\(path) is the sandbox's own, with all below it")
        }
        if target == image.workspace {
            throw .target(target, "it is the workspace; --workspace DIR gives a directory for it")
        }
        if let inside = view.entries.first(where: { isBelow($0.path, target) }) {
            throw .target(target, "the image has \(inside.path) in it")
        }
        let above = try groundAbove(target, view)
        guard let there = view[target] else { return above }
        switch there.thing {
        case .tmpfs where !prepared.isFile: return .replaced
        case .boundDirectory where there.key == "tree" && !prepared.isFile: return .existing
        case .symlink(let link):
            throw .target(target, "the image has a link there, to \(shown(link)); give the path behind it")
        default: throw .target(target, "the image has something of its own there")
        }
    }

    /// What the directory that is to hold the target is part of.
    private func groundAbove(_ target: String, _ view: MountView) throws(MountError) -> Ground {
        var ground = Ground.root
        for path in directories(above: target) {
            let added = list.first { $0.target == path }
            if let added {
                ground = added.prepared.found == nil ? .memory(directories: []) : .existing
                if added.prepared.isFile { throw .target(target, "\(path) is a file") }
                continue
            }
            guard let entry = view[path] else {
                if case .memory(let directories) = ground {
                    ground = .memory(directories: directories + [path])
                }
                continue
            }
            switch entry.thing {
            case .directory: continue
            case .tmpfs: ground = .memory(directories: [])
            case .boundDirectory, .workspace: ground = .existing
            case .symlink(let link):
                throw .target(target, "\(path) is a link, to \(shown(link)); give the path behind it")
            default: throw .target(target, "\(path) is no directory that could hold it")
            }
        }
        return ground
    }

    /// From the top down, without `/`.
    private func directories(above path: String) -> [String] {
        var directories: [String] = []
        var above = parent(of: path)
        while above != "/" {
            directories.append(above)
            above = parent(of: above)
        }
        return directories.reversed()
    }
}
