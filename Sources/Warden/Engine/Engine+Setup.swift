import Glibc
import Launch
import Linux
import Preparation
import Sandbox

extension Engine {
    /// The engine of this installation.
    /// - Parameters:
    ///   - options: the operator's ceilings, as ``Ceilings/set(_:_:)`` takes them, directories and ids.
    ///   - hasMountNamespace: whether the calling thread is in a mount namespace of its own.
    ///   - isSpared: whether the kernel spares this process when memory runs out.
    ///   - hostNamespace: the mount namespace that it was started in, where it left that.
    static func make(
        _ options: WardenOptions, hasMountNamespace: Bool, isSpared: Bool,
        hostNamespace: Held<FileDescriptor>? = nil
    ) throws(PreparationError) -> Engine {
        var ceilings = Ceilings()
        var ids = IdentityRange.standard
        do throws(ValueError) {
            for pair in options.ceilings { try ceilings.set(pair.key, pair.value) }
            if let range = options.ids { ids = try IdentityRange(ids: range) }
        } catch {
            throw PreparationError(error.problem)
        }
        return try Engine(
            ceilings, try Installation.find(profiles: options.profiles), ids: ids,
            hasMountNamespace: hasMountNamespace, isSpared: isSpared, state: options.state,
            readyNetworks: options.readyNetworks, hostNamespace: hostNamespace)
    }

    /// What launches read besides the host's own directories: a mount namespace that lacks it is of no use.
    static func keptPaths(_ options: WardenOptions) throws(PreparationError) -> [String] {
        let installation = try Installation.find(profiles: options.profiles)
        var paths = [installation.root] + installation.directories.all.map(\.path)
        if let store = try ImageLookup.find() { paths.append(store.path) }
        if let program = SelfPath.directory { paths.append(program) }
        if let state = options.state { paths.append(state) }
        paths += options.ceilings.filter { $0.key == "mount-root" }.map(\.value)
        for name in ["CORRAL_INIT", "TMPDIR"] {
            guard let value = unsafe getenv(name) else { continue }
            paths.append(unsafe String(cString: value))
        }
        // Mounts are known by paths without links.
        return paths.map(Installation.resolved)
    }
}
