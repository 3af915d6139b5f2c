import CLinux
import Glibc
package import Linux

/// What an unpacker gives up before it reads the first byte of a stranger's archive, where nobody has put it
/// into a sandbox: everything but its standard streams and the files below one directory.
///
/// Landlock bounds the names (landlock(7)), a filter the system calls (seccomp(2)), no-new-privs both their
/// removal, limits the memory and the time. All of it or nothing: what cannot be had is an error.
package enum Confinement {
    /// LANDLOCK_ACCESS_FS_* of linux/landlock.h, by ABI.
    private static let byABI: [UInt64] = [(1 << 13) - 1, 1 << 13, 1 << 14, 0, 1 << 15]
    /// Writing, reading and listing files, removing both kinds, making directories, files and links; and, where
    /// the kernel knows them, giving a file a second name elsewhere and cutting it.
    private static let needed: UInt64 =
        1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 12 | 1 << 13 | 1 << 14

    /// Bytes of memory, seconds of processor time, descriptors.
    private static let memory: UInt64 = 1 << 30
    private static let processorTime: UInt64 = 15 * 60
    private static let descriptors: UInt64 = 64

    /// Confines this process, which must have one thread, for ever.
    /// - Parameters:
    ///   - directory: all names are below it.
    ///   - fileBytes: the largest size of a file.
    /// - Throws: ``UnpackError/confinement(_:)``.
    package static func enter(
        _ directory: borrowing FileDescriptor, fileBytes: UInt64
    ) throws(UnpackError) {
        let abi = clinux_landlock_abi()
        guard abi >= 2 else {
            throw .confinement(
                "archives are not unpacked without landlock, ABI 2 or later (Linux 5.19): this kernel has "
                    + (abi < 0 ? "none" : "ABI \(abi)"))
        }
        let number = directory.number
        do throws(SystemError) {
            _ = try call("close_range") { clinux_close_from(number + 1) }
            _ = try call("prctl(PR_SET_DUMPABLE)") { clinux_set_dumpable(0) }
            _ = try call("fchdir") { fchdir(number) }
            try limit(fileBytes)
            _ = try call("prctl(PR_SET_NO_NEW_PRIVS)") { clinux_no_new_privileges() }
            try bound(number, abi)
            _ = try call("seccomp") { clinux_load_file_filter() }
        } catch {
            throw .confinement("the unpacker cannot be confined: \(error)")
        }
    }

    private static func bound(_ directory: CInt, _ abi: CInt) throws(SystemError) {
        let known = byABI.prefix(Int(abi)).reduce(0, |)
        // Connecting and binding TCP from ABI 4 on; abstract sockets and signals from ABI 6 on.
        let rules = FileDescriptor(
            owning: try call("landlock_create_ruleset") {
                clinux_landlock_create(known, abi >= 4 ? 3 : 0, abi >= 6 ? 3 : 0, abi)
            })
        let number = rules.number
        _ = try call("landlock_add_rule") { clinux_landlock_allow_path(number, directory, needed & known) }
        _ = try call("landlock_restrict_self") { clinux_landlock_restrict(number) }
    }

    private static func limit(_ fileBytes: UInt64) throws(SystemError) {
        let limits: [(__rlimit_resource, UInt64)] = [
            (RLIMIT_AS, memory), (RLIMIT_CPU, processorTime), (RLIMIT_NOFILE, descriptors), (RLIMIT_CORE, 0),
            (RLIMIT_FSIZE, min(fileBytes, UInt64(off_t.max))),
        ]
        for (resource, value) in limits {
            var limit = rlimit(rlim_cur: rlim_t(value), rlim_max: rlim_t(value))
            _ = try call("setrlimit") {
                unsafe setrlimit(__rlimit_resource_t(resource.rawValue), &limit)
            }
        }
    }
}
