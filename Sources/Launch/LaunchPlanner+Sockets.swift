import InitPlan
import Sandbox

/// The relay's sockets, which the init makes and hands out.
extension LaunchPlanner {
    /// A socket's path with the image's symbolic links resolved: `/var/run/x` is `/run/x`.
    private func resolved(_ path: String) -> String {
        for link in spec.image.symlinks where path.hasPrefix(link.path + "/") && link.target.hasPrefix("/") {
            return link.target + path.dropFirst(link.path.count)
        }
        let link = "/var/run"
        guard let tree = hostPaths.tree, tree.varRun != .other, path.hasPrefix(link + "/") else {
            return path
        }
        return "/run" + path.dropFirst(link.count)
    }

    /// A socket that would be made where a stored tree is mounted read-only.
    func checkSockets() throws(LaunchError) {
        guard hasOwnRoot, let tree = hostPaths.tree, tree.varRun == .other else { return }
        for socket in spec.sockets where socket.hasPrefix("/var/run/") {
            throw .noRunLink(image: spec.image.name, socket: socket)
        }
    }

    var socketDirectories: [String] {
        var directories: [String] = []
        for socket in spec.sockets {
            let path = resolved(socket)
            guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash > path.startIndex else {
                continue
            }
            let directory = String(path[..<slash])
            let exists = spec.image.tmpfs.contains { $0.path == directory } || directories.contains(directory)
            if !exists { directories.append(directory) }
        }
        return directories
    }

    func listen(_ socket: String, _ list: inout StepList) {
        let path = resolved(socket)
        list.add(.listen, "listen at \(path)") { fields in
            fields.text(path)
            fields.integer(0o666)
            fields.integer(8)
        }
    }
}
