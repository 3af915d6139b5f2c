import Glibc
package import Sandbox

extension HostPaths {
    /// Looks at the host, and at the stored tree that the image shows.
    package static func probe(_ image: Image) throws(PreparationError) -> HostPaths {
        var paths = HostPaths()
        for bind in image.binds { paths.add(bind.path, probe(bind.path)) }
        if let tree = image.tree { paths.tree = try ImageLookup.find()?.tree(tree) }
        return paths
    }

    private static func probe(_ path: String) -> HostPath {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return .missing }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .directory
        case S_IFLNK:
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = unsafe readlink(path, &buffer, buffer.count)
            guard count > 0, count < buffer.count else { return .missing }
            return .symlink(
                target: String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
        default: return .file
        }
    }
}
