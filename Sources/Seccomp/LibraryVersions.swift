import CNettle
import CSeccomp

/// The libraries that this module works with, as they are linked in.
package enum LibraryVersions {
    package static var libseccomp: String {
        guard let version = unsafe seccomp_version() else { return "unknown" }
        return unsafe "\(version.pointee.major).\(version.pointee.minor).\(version.pointee.micro)"
    }

    package static var nettle: String { "\(nettle_version_major()).\(nettle_version_minor())" }
}
