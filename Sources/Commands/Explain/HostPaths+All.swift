import Glibc
import Preparation
import Sandbox

extension HostPaths {
    /// What stands at every path of the host that an image binds or masks. A launch needs the former only:
    /// what to mask is found out inside.
    static func probeAll(_ image: Image) throws(CommandError) -> HostPaths {
        var paths = try prepared(probe(image))
        for path in image.masked where paths[path] == nil {
            var status = stat()
            let isThere = unsafe lstat(path, &status) == 0
            paths.add(path, !isThere ? .missing : status.st_mode & S_IFMT == S_IFDIR ? .directory : .file)
        }
        return paths
    }
}
