package import Sandbox

/// Which directories of the host sessions of which tenants may have: `mounts` of corral.yaml, as `/srv/shared` for
/// the tenant `default`, `red,blue=/srv/both` and `*=/srv/all`, no path twice.
package struct HostMounts: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let path: String
        /// Sorted, each once; whether there are such tenants is the store's to say. Nil for all of them.
        package let tenants: [String]?

        /// Whose one is without a name: a directory that was allowed when there were no other tenants stays that one's.
        private static let standard = "default"

        package init(_ text: String) throws(ValueError) {
            // A path may have a `=` in it, and no name a `/`.
            guard let slash = text.firstIndex(of: "/"), slash != text.startIndex else {
                try checkPath(text)
                (path, tenants) = (text, [Entry.standard])
                return
            }
            let words = text[..<slash]
            guard words.last == "=" else {
                throw ValueError(
                    "\(quoted(text)) names no directory; expected /DIR, TENANT=/DIR, TENANT,TENANT=/DIR or *=/DIR"
                )
            }
            path = String(text[slash...])
            let names = words.dropLast().split(separator: ",", omittingEmptySubsequences: false).map(
                String.init)
            try checkPath(path)
            if names == ["*"] {
                tenants = nil
                return
            }
            for name in names { try TenantUIDs.Entry.checkName(name) }
            tenants = Set(names).sorted()
        }

        package func isFor(_ tenant: String) -> Bool { tenants?.contains(tenant) ?? true }

        /// As it is written.
        package var text: String {
            switch tenants {
            case nil: "*=\(path)"
            case [Entry.standard]: path
            case .some(let names): "\(names.joined(separator: ","))=\(path)"
            }
        }
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    package mutating func add(_ text: String) throws(ValueError) {
        let entry = try Entry(text)
        if entries.contains(where: { $0.path == entry.path }) {
            throw ValueError("\(quoted(entry.path)) is listed twice")
        }
        entries.append(entry)
    }

    /// Whether sessions of a tenant may have the directory at `path`, by its text: the innermost entry decides that it
    /// is in, and there may be none in it that is not that tenant's as well, which would be seen through it.
    package func allows(_ path: String, to tenant: String) -> Bool {
        let around = entries.filter { $0.path == path || isBelow(path, $0.path) }
        guard let innermost = around.max(by: { $0.path.utf8.count < $1.path.utf8.count }),
            innermost.isFor(tenant)
        else { return false }
        return entries.allSatisfy { !isBelow($0.path, path) || $0.isFor(tenant) }
    }

    /// Those that sessions of a tenant may have.
    package func paths(of tenant: String) -> [String] { entries.filter { $0.isFor(tenant) }.map(\.path) }
}

extension Settings {
    /// What `mounts` says. Its items were read by the same rule before.
    package var hostMounts: HostMounts {
        var mounts = HostMounts()
        for item in list(.mounts) {
            do throws(ValueError) {
                try mounts.add(item)
            } catch {
                preconditionFailure("\(error)")
            }
        }
        return mounts
    }
}
