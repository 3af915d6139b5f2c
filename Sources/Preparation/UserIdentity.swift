import Glibc
package import Launch
import Linux

/// The ids of an ordinary user's sandbox.
package enum UserIdentity {
    /// Two ids through newuidmap where /etc/subuid and /etc/subgid give the user a range, else the
    /// user's own for both.
    package static func choose(_ host: HostAbilities) -> Identity {
        let alone = Identity.single(uid: host.uid, gid: host.gid)
        guard !host.privileged, let name = userName(host.uid),
            tools.allSatisfy({ unsafe access($0, X_OK) == 0 }),
            let initUID = firstSubordinate("/etc/subuid", name, host.uid),
            let initGID = firstSubordinate("/etc/subgid", name, host.uid)
        else { return alone }
        return .subordinate(uid: host.uid, gid: host.gid, initUID: initUID, initGID: initGID)
    }

    private static let tools = ["/usr/bin/newuidmap", "/usr/bin/newgidmap"]

    /// From /etc/passwd itself: a static program cannot load name service modules. A user who is
    /// not there cannot use newuidmap either.
    private static func userName(_ uid: UInt32) -> String? {
        for fields in lines("/etc/passwd") where fields.count >= 3 && fields[2] == String(uid) {
            return fields[0]
        }
        return nil
    }

    /// `name-or-uid:first:count` (subuid(5)).
    private static func firstSubordinate(_ path: String, _ name: String, _ uid: UInt32) -> UInt32? {
        for fields in lines(path) where fields.count == 3 && (fields[0] == name || fields[0] == String(uid)) {
            if let first = UInt32(fields[1]), let count = UInt32(fields[2]), count > 0 { return first }
        }
        return nil
    }

    private static func lines(_ path: String) -> [[String]] {
        guard let bytes = try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 1 << 20) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }
}
