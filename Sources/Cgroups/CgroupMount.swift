import Linux

/// The two interfaces of cgroups. A host can have both at once ("hybrid"), a controller is on one.
package enum CgroupVersion: Hashable, Sendable { case v1, v2 }

/// One mounted cgroup hierarchy.
package struct CgroupMount: Hashable, Sendable {
    var version: CgroupVersion
    /// Those of v1; the mount table does not tell those of v2.
    var controllers: Controllers
    /// The cgroup that the mount shows as its top.
    package var root: String
    /// Where it is.
    package var point: String
    var readOnly: Bool

    /// Reads the cgroup mounts out of a mount table (proc_pid_mountinfo(5)); lines that are not
    /// of its form are skipped.
    package static func parse(mountinfo: [UInt8]) -> [CgroupMount] {
        var mounts: [CgroupMount] = []
        for line in ByteWords(mountinfo[...], separatedBy: "\n") {
            if let mount = CgroupMount(mountinfo: line) { mounts.append(mount) }
        }
        return mounts
    }

    /// `ID PARENT DEVICE ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS`
    private init?(mountinfo line: ArraySlice<UInt8>) {
        // A host with many containers has thousands of lines, so other types are dropped first.
        guard let type = typeStart(line), line[type...].starts(with: "cgroup".utf8) else { return nil }
        let front = Array(ByteWords(line[..<type], separatedBy: " "))
        let back = Array(ByteWords(line[type...], separatedBy: " "))
        guard front.count >= 8, back.count >= 3 else { return nil }
        if back[0].equals("cgroup") {
            version = .v1
            controllers = Controllers(list: back[2], separator: ",")
        } else if back[0].equals("cgroup2") {
            version = .v2
            controllers = []
        } else {
            return nil
        }
        root = unescapedMountPath(front[3])
        point = unescapedMountPath(front[4])
        readOnly = [front[5], back[2]].contains { options in
            ByteWords(options, separatedBy: ",").contains { $0.equals("ro") }
        }
    }

    init(version: CgroupVersion, controllers: Controllers, root: String, point: String, readOnly: Bool) {
        self.version = version
        self.controllers = controllers
        self.root = root
        self.point = point
        self.readOnly = readOnly
    }

    /// The directory of the cgroup `path`, as /proc/self/cgroup names it; nil when it is outside
    /// of what this mount shows.
    package func directory(of path: String) -> String? {
        // Of a process outside the reader's cgroup namespace the kernel says "/../..".
        guard path.hasPrefix("/"), !path.hasPrefix("/..") else { return nil }
        if root == "/" { return path == "/" ? point : point + path }
        if path == root { return point }
        return path.hasPrefix(root + "/") ? point + path.dropFirst(root.count) : nil
    }

    /// The calling process's v2 cgroup from /proc/self/cgroup (cgroups(7)): the line `0::PATH`;
    /// nil where no v2 hierarchy is mounted.
    package static func ownPath(procSelfCgroup: [UInt8]) -> String? {
        let lines = ByteWords(procSelfCgroup[...], separatedBy: "\n")
        guard let line = lines.first(where: { $0.starts(with: "0::".utf8) }) else { return nil }
        var path = String(decoding: line.dropFirst(3), as: UTF8.self)
        if path.hasSuffix(" (deleted)") { path.removeLast(" (deleted)".count) }
        return path
    }
}

/// Where the file system's type begins: behind the field that is one dash.
private func typeStart(_ line: ArraySlice<UInt8>) -> Int? {
    let space = UInt8(ascii: " ")
    var index = line.startIndex + 1
    while index + 1 < line.endIndex {
        if line[index] == UInt8(ascii: "-"), line[index - 1] == space, line[index + 1] == space {
            return index + 2
        }
        index += 1
    }
    return nil
}
