package import Linux
import Sandbox

/// Why something cannot be mounted in a sandbox.
package enum MountError: Error, Hashable, Sendable {
    case missing(String)
    case cannotOpen(String, Errno)
    /// It is a socket, a device or the like.
    case kind(String, String)
    /// It `what` the place `place`, such as `is` or `is below`; `found` is where links led.
    case refused(String, found: String, what: String, place: String)
    /// A container engine's socket is in it.
    case engine(String, socket: String)
    /// Nothing tells where it is.
    case unknownPlace(String, String)
    /// Two mounts at one place inside.
    case twice(String)
    /// No mount can be at this place inside.
    case target(String, String)
    case tooMany(Int)
    /// The file system has no idmapped mounts.
    case cannotMap(String, Errno)
    case system(SystemError)
}

extension MountError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missing(let path):
            "\(shown(path)) cannot be mounted: no such file or directory; unlike docker, corral makes "
                + "none on the host: create it first"
        case .cannotOpen(let path, .tooManyLinks):
            "\(shown(path)) cannot be mounted: too many symbolic links, or one of a process's own as in "
                + "/proc/self/fd"
        case .cannotOpen(let path, let errno): "\(shown(path)) cannot be mounted: \(errno)"
        case .kind(let path, let kind):
            "\(shown(path)) cannot be mounted: it is a \(kind); expected a directory or a regular file"
        case .refused(let path, let found, let what, let place):
            "\(shown(path)) cannot be mounted: it "
                + (path == found || found == place ? "" : "is \(shown(found)), which ")
                + "\(what) \(shown(place)), and no sandbox may see that; give a directory that holds only what "
                + "the program needs"
        case .engine(let path, let socket):
            "\(shown(path)) cannot be mounted: a container engine's socket, \(shown(socket)), is in it, and who "
                + "reaches that is root"
        case .unknownPlace(let path, let why):
            "\(shown(path)) cannot be mounted: \(why), so nothing tells what it is part of"
        case .twice(let target): "two mounts at \(shown(target)); expected one at each place"
        case .target(let target, let why): "nothing can be mounted at \(shown(target)): \(why)"
        case .tooMany(let count): "\(count) mounts; expected at most \(AddedMount.limit)"
        case .cannotMap(let path, let errno):
            "\(shown(path)) cannot be mounted: its file system has no idmapped mounts (\(errno)), so its files "
                + "could not keep their owner; use one on ext4, xfs or btrfs (tmpfs from Linux 6.3 on), or run "
                + "corral as their owner"
        case .system(let error): "\(error)"
        }
    }
}
