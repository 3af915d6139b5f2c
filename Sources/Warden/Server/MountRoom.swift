import CLinux
import Glibc
import Linux

/// The warden's own mount namespace, with the mounts that launches need and no others: each that there is
/// makes every launch slower (about 1 µs, measured on Linux 6.18), and hosts of containers have thousands.
enum MountRoom {
    /// Kept with everything mounted below them.
    static let trees = [
        "/proc", "/sys", "/dev", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt",
        "/run/corral", "/var/cache/corral", "/var/lib/corral",
    ]

    /// The mounts of `points` that nothing below `kept` needs, the last mounted first.
    ///
    /// A mount stays when it is below a kept path, or above one. So `/run` stays for `/run/corral`, and
    /// `/run/user/1000` goes.
    static func needless(_ points: [String], kept: [String]) -> [String] {
        points.filter { point in
            point != "/" && !kept.contains { below($0, point) || below(point, $0) }
        }.reversed()
    }

    private static func below(_ path: String, _ place: String) -> Bool {
        path == place || path.hasPrefix(place == "/" ? "/" : place + "/")
    }

    /// Moves this process into a mount namespace of its own, which new mounts of the host still come into,
    /// and takes away what is not needed there.
    /// - Parameter more: paths beside ``trees``: image stores, profiles, the program's own file.
    /// - Returns: how many could not be taken away.
    static func enter(keeping more: [String]) throws(SystemError) -> Int {
        _ = try call("unshare(CLONE_NEWNS)") { clinux_unshare(UInt64(CLINUX_NEWNS)) }
        // What is unmounted here must not be unmounted there.
        _ = try call("mount_setattr(/)") {
            clinux_set_root_propagation(UInt64(CLINUX_PROPAGATION_SLAVE))
        }
        let points = try MountTable.read().entries.map(\.point)
        var remaining = 0
        for point in needless(points, kept: trees + more) {
            // MNT_DETACH: a mount below it, which comes first, may be held by somebody.
            if unsafe umount2(point, 2) < 0 { remaining += 1 }
        }
        return remaining
    }
}
