import CLinux
import Glibc
import Linux

/// Users and groups by name, as the files in /etc have them. Not by NSS: other sources of accounts would load
/// code into a process that is root at this moment.
enum Accounts {
    struct User: Hashable, Sendable {
        let uid: UInt32
        let gid: UInt32
    }

    /// - Parameter name: or a number, whose group is then the same number where no entry says otherwise.
    static func user(_ name: String) -> User? {
        let number = UInt32(name)
        for fields in entries("/etc/passwd") where fields.count > 3 {
            guard let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else { continue }
            if fields[0] == name || uid == number { return User(uid: uid, gid: gid) }
        }
        return number.map { User(uid: $0, gid: $0) }
    }

    static func group(_ name: String) -> UInt32? {
        let found = entries("/etc/group").first { $0.count > 2 && $0[0] == name }
        return found.flatMap { UInt32($0[2]) } ?? UInt32(name)
    }

    private static func entries(_ path: String) -> [[String]] {
        guard let bytes = try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 16 << 20) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }
}

/// Giving up everything that root has.
enum Privileges {
    /// Becomes `user` for good: no capability, no other group, and no exec brings any back.
    static func drop(to user: Accounts.User) throws(SystemError) {
        _ = try call("setgroups") { clinux_setgroups_none() }
        _ = try call("setresgid") { clinux_setresgid(user.gid) }
        _ = try call("setresuid") { clinux_setresuid(user.uid) }
        try seal()
    }

    /// What an ordinary user has of it goes as well.
    static func seal() throws(SystemError) {
        _ = try call("capset") { clinux_capset(0, 0) }
        _ = try call("prctl(PR_SET_NO_NEW_PRIVS)") { clinux_no_new_privileges() }
    }
}
