import Linux
package import Sandbox

/// The mounts that a caller adds, with their sources open and checked.
package struct AddedMounts: Sendable {
    /// Their values, for a plan; in the caller's order.
    package let prepared: [PreparedMount]
    /// What is to be handed over, for each of them; nil for memory file systems.
    private let sources: [MountSource?]

    package static let none = AddedMounts(prepared: [], sources: [])

    private init(prepared: [PreparedMount], sources: [MountSource?]) {
        self.prepared = prepared
        self.sources = sources
    }

    /// - Parameters:
    ///   - own: directories of Corral's own state, which no sandbox may see.
    ///   - without: what a test leaves out.
    package static func open(
        _ mounts: [AddedMount], own: [String], without: Ablation = []
    ) throws(MountError) -> AddedMounts {
        if mounts.isEmpty { return none }
        guard mounts.count <= AddedMount.limit else { throw .tooMany(mounts.count) }
        var sources: [MountSource?] = []
        var prepared: [PreparedMount] = []
        var places: RefusedPlaces?
        for mount in mounts {
            guard case .host(let path) = mount.source else {
                sources.append(nil)
                prepared.append(PreparedMount(mount, found: nil))
                continue
            }
            let refused: RefusedPlaces
            if let places { refused = places } else { refused = try RefusedPlaces.look(own: own) }
            places = refused
            let source = try MountSource.open(path, refusing: refused, without: without)
            sources.append(source)
            prepared.append(PreparedMount(mount, found: source.found))
        }
        return AddedMounts(prepared: prepared, sources: sources)
    }

    /// Detached mounts of the host's directories and files, in the caller's order.
    func mounted(
        for identity: Identity, without: Ablation
    ) throws(MountError) -> [Held<FileDescriptor>] {
        var mounts: [Held<FileDescriptor>] = []
        for (source, prepared) in zip(sources, prepared) {
            guard let source else { continue }
            let mount = try source.mounted(
                for: identity, readOnly: prepared.mount.readOnly, without: without)
            mounts.append(Held(mount))
        }
        return mounts
    }
}

/// A mount that the caller adds, with what was found at its source.
package struct PreparedMount: Hashable, Sendable {
    package let mount: AddedMount
    /// Nil for a memory file system.
    package let found: MountSource.Found?

    package init(_ mount: AddedMount, found: MountSource.Found?) {
        self.mount = mount
        self.found = found
    }

    /// Whether it is a single file.
    var isFile: Bool { found.map { !$0.isDirectory } ?? false }
}
