/// What stands at the host paths that an image binds.
///
/// A list that is searched: an image has a dozen of them, and a fresh process takes longer to make the
/// type of a dictionary than this takes.
package struct HostPaths: Hashable, Sendable {
    private struct Entry: Hashable {
        let path: String
        let found: HostPath
    }

    private var entries: [Entry] = []

    /// What the image's stored tree has; nil for an image without one.
    package var tree: TreeView?

    package init() {}

    /// Nil for a path that was not looked at.
    package subscript(path: String) -> HostPath? { entries.first { $0.path == path }?.found }

    /// - Parameter path: not there yet.
    package mutating func add(_ path: String, _ found: HostPath) {
        entries.append(Entry(path: path, found: found))
    }
}

extension HostPaths: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, HostPath)...) {
        for (path, found) in elements { add(path, found) }
    }
}
