import Glibc
import Sandbox

/// Names for arguments of system calls: those that policies tell apart.
enum CallConstants {
    /// A number, the name of a constant, or several joined by `|`.
    static func value(of text: String) throws(ValueError) -> UInt64 {
        var value: UInt64 = 0
        for part in text.split(separator: "|", omittingEmptySubsequences: false).map(String.init) {
            if let number = number(part) {
                value |= number
            } else if let constant = constants.first(where: { $0.key == part }) {
                value |= UInt64(bitPattern: constant.value)
            } else {
                let cure =
                    suggestion(for: part, in: constants.map(\.key))
                    ?? "expected a number such as 0x1f, or a constant such as AF_UNIX"
                throw ValueError("\(quoted(part)) is not an argument that is known here; \(cure)")
            }
        }
        return value
    }

    /// Decimal, hexadecimal behind `0x`, octal behind `0`.
    static func number(_ text: String) -> UInt64? {
        guard let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return nil
        }
        if text.hasPrefix("0x") { return UInt64(text.dropFirst(2), radix: 16) }
        return text.utf8.count > 1 && first == UInt8(ascii: "0") ? UInt64(text, radix: 8) : UInt64(text)
    }

    /// From the headers of Linux; those that glibc's Swift module lacks are the same on x86_64 and
    /// arm64 (asm-generic, linux/sched.h, linux/prctl.h, linux/personality.h).
    private static let constants: KeyValuePairs<String, Int64> = [
        "AT_FDCWD": Int64(AT_FDCWD), "AT_EMPTY_PATH": 0x1000, "AT_SYMLINK_NOFOLLOW": 0x100,
        "AF_UNSPEC": 0, "AF_UNIX": Int64(AF_UNIX), "AF_INET": Int64(AF_INET), "AF_INET6": Int64(AF_INET6),
        "AF_NETLINK": 16, "AF_PACKET": 17, "AF_ALG": 38, "AF_VSOCK": 40,
        "SOCK_STREAM": 1, "SOCK_DGRAM": 2, "SOCK_RAW": 3, "SOCK_RDM": 4, "SOCK_SEQPACKET": 5,
        "SOCK_PACKET": 10,
        "SOCK_NONBLOCK": 0o4000, "SOCK_CLOEXEC": 0o2000000,
        "IPPROTO_TCP": 6, "IPPROTO_UDP": 17, "IPPROTO_ICMP": 1, "IPPROTO_MPTCP": 262,
        "NETLINK_ROUTE": 0, "NETLINK_AUDIT": 9, "NETLINK_NETFILTER": 12,
        "O_RDONLY": Int64(O_RDONLY), "O_WRONLY": Int64(O_WRONLY), "O_RDWR": Int64(O_RDWR),
        "O_CREAT": Int64(O_CREAT), "O_EXCL": Int64(O_EXCL), "O_TRUNC": Int64(O_TRUNC),
        "O_APPEND": Int64(O_APPEND), "O_CLOEXEC": Int64(O_CLOEXEC), "O_DIRECTORY": Int64(O_DIRECTORY),
        "O_NOFOLLOW": Int64(O_NOFOLLOW), "O_PATH": 0o10000000, "O_TMPFILE": 0o20000000 | Int64(O_DIRECTORY),
        "S_ISUID": 0o4000, "S_ISGID": 0o2000, "S_ISVTX": 0o1000,
        "CLONE_VM": 0x100, "CLONE_FS": 0x200, "CLONE_FILES": 0x400, "CLONE_SIGHAND": 0x800,
        "CLONE_VFORK": 0x4000, "CLONE_PARENT": 0x8000, "CLONE_THREAD": 0x10000, "CLONE_NEWNS": 0x20000,
        "CLONE_NEWCGROUP": 0x0200_0000, "CLONE_NEWUTS": 0x0400_0000, "CLONE_NEWIPC": 0x0800_0000,
        "CLONE_NEWUSER": 0x1000_0000, "CLONE_NEWPID": 0x2000_0000, "CLONE_NEWNET": 0x4000_0000,
        "CLONE_NEWTIME": 0x80,
        "PROT_NONE": 0, "PROT_READ": 1, "PROT_WRITE": 2, "PROT_EXEC": 4,
        "MAP_SHARED": 1, "MAP_PRIVATE": 2, "MAP_ANONYMOUS": 0x20,
        "F_DUPFD": 0, "F_GETFD": 1, "F_SETFD": 2, "F_GETFL": 3, "F_SETFL": 4, "F_SETOWN": 8, "F_SETSIG": 10,
        "F_SETLEASE": 1024, "F_NOTIFY": 1026, "F_DUPFD_CLOEXEC": 1030, "F_SETPIPE_SZ": 1031,
        "F_ADD_SEALS": 1033,
        "TCGETS": 0x5401, "TIOCSTI": 0x5412, "TIOCGWINSZ": 0x5413, "FIONREAD": 0x541B, "TIOCLINUX": 0x541C,
        "FIONBIO": 0x5421, "FIOCLEX": 0x5451, "TIOCSETD": 0x5423,
        "PR_SET_PDEATHSIG": 1, "PR_GET_DUMPABLE": 3, "PR_SET_DUMPABLE": 4, "PR_SET_NAME": 15,
        "PR_GET_NAME": 16,
        "PR_SET_SECCOMP": 22, "PR_CAPBSET_READ": 23, "PR_SET_MM": 35, "PR_SET_CHILD_SUBREAPER": 36,
        "PR_SET_NO_NEW_PRIVS": 38, "PR_GET_NO_NEW_PRIVS": 39, "PR_SET_VMA": 0x53564D41,
        "PER_LINUX": 0, "ADDR_NO_RANDOMIZE": 0x40000, "READ_IMPLIES_EXEC": 0x400000,
        "RLIMIT_CPU": 0, "RLIMIT_FSIZE": 1, "RLIMIT_DATA": 2, "RLIMIT_STACK": 3, "RLIMIT_NPROC": 6,
        "RLIMIT_NOFILE": 7, "RLIMIT_AS": 9,
    ]
}
