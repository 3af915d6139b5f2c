// A layout in words, for `corral version` and `corral doctor`.

extension CgroupLayout {
    /// One hierarchy that is used.
    package struct Part: Sendable, Hashable {
        /// `v1` or `v2`.
        package let version: String
        /// Those that limit or measure, such as `memory`.
        package let controllers: [String]
        package let path: String
    }

    package var parts: [Part] {
        hierarchies.map { hierarchy in
            Part(
                version: hierarchy.version == .v2 ? "v2" : "v1", controllers: hierarchy.controllers.names,
                path: hierarchy.path)
        }
    }

    /// `v2`, `v1`, `hybrid` where both are used, or `none`.
    package var kind: String {
        let versions = Set(parts.map(\.version))
        return versions.count > 1 ? "hybrid" : versions.first ?? "none"
    }
}

extension Controllers {
    fileprivate var names: [String] {
        let all: [(Controllers, String)] = [
            (.memory, "memory"), (.pids, "pids"), (.cpu, "cpu"), (.cpuacct, "cpuacct"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}
