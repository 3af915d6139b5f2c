import Glibc
import Launch
import Linux
import Preparation
import Sandbox

extension Engine {
    /// The engine of this installation.
    /// - Parameters:
    ///   - ceilings: as ``Ceilings/set(_:_:)`` takes them.
    ///   - hasMountNamespace: whether the calling thread is in a mount namespace of its own.
    ///   - isSpared: whether the kernel spares this process when memory runs out.
    static func make(
        ceilings pairs: [(key: String, value: String)], hasMountNamespace: Bool, isSpared: Bool
    ) throws(PreparationError) -> Engine {
        var ceilings = Ceilings()
        for pair in pairs {
            do throws(ValueError) {
                try ceilings.set(pair.key, pair.value)
            } catch {
                throw PreparationError(error.problem)
            }
        }
        return try Engine(
            ceilings, try Installation.find(), hasMountNamespace: hasMountNamespace, isSpared: isSpared)
    }

    /// What launches read besides the host's own directories: a mount namespace that lacks it is of no use.
    static func keptPaths() throws(PreparationError) -> [String] {
        let installation = try Installation.find()
        var paths = [installation.root] + installation.directories.all.map(\.path)
        if let store = try ImageLookup.find() { paths.append(store.path) }
        if let program = SelfPath.directory { paths.append(program) }
        for name in ["CORRAL_INIT", "TMPDIR"] {
            guard let value = unsafe getenv(name) else { continue }
            paths.append(unsafe String(cString: value))
        }
        return paths.map(resolved)
    }

    /// Mounts are known by paths without links.
    private static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}
