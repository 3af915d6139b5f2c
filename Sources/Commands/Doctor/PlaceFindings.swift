import Configuration
import Glibc
import Linux
import Sandbox

// Where a daemon's things are: its socket, its state directory, its descriptors.

/// Whether those may connect who should, and nobody else.
enum SocketFinding {
    private static let why = "whoever may connect may start sandboxes, and whoever should and may not cannot"

    static func look(_ place: DaemonPlace) -> DoctorFinding {
        var status = stat()
        guard unsafe lstat(place.socket, &status) == 0 else {
            let code = Errno(rawValue: errno)
            if code == .noSuchFileOrDirectory {
                return .ok("socket", "\(shown(place.socket)) is made when a daemon starts")
            }
            return .warning("socket", "\(shown(place.socket)): \(code)", why: why, cure: nil)
        }
        let settings = place.settings
        // An ordinary user's is that user's alone, whatever is set; and root's without a group, root's alone.
        let name = settings.place.isSystem ? settings.textOrNone(.socketGroup) : nil
        let group = name.flatMap { AccountFiles.group($0) }
        return finding(
            place.socket, status, mode: group == nil ? 0o600 : UInt32(settings.number(.socketMode)),
            group: group,
            groupName: name)
    }

    /// - Parameters:
    ///   - mode: that it should have.
    ///   - group: likewise; nil for any.
    static func finding(
        _ path: String, _ status: stat, mode: UInt32, group: UInt32?, groupName: String?
    ) -> DoctorFinding {
        let called = shown(path)
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            return .failed(
                "socket", "\(called) is no socket", why: "a daemon listens there",
                cure: "mv \(called) elsewhere")
        }
        let found = status.st_mode & 0o777
        if found != mode {
            let text = String(mode, radix: 8)
            return .warning(
                "socket", "\(called) has mode 0\(String(found, radix: 8)); expected 0\(text)", why: why,
                cure: "chmod 0\(text) \(called)")
        }
        if let group, let groupName, status.st_gid != group {
            return .warning(
                "socket", "\(called) is of group \(status.st_gid); expected \(groupName) (\(group))",
                why: why,
                cure: "chgrp \(groupName) \(called)")
        }
        if found & 0o006 != 0 {
            return .warning(
                "socket", "\(called) is open to every user of this host", why: why,
                cure: "set socket.mode to 0660 in corral.yaml, and start the daemon anew")
        }
        let whose = groupName.flatMap { group == nil ? nil : "the group \($0)" } ?? "uid \(status.st_uid)"
        return .ok("socket", "\(called), for \(whose)")
    }
}

/// Groups by name, as /etc/group has them.
enum AccountFiles {
    static func group(_ name: String) -> UInt32? {
        let bytes = (try? FileDescriptor.open("/etc/group", O_RDONLY).readAll(limit: 16 << 20)) ?? []
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, fields[0] == name { return UInt32(fields[2]) }
        }
        return UInt32(name)
    }
}

/// Whether records and workspaces have room.
enum StateSpaceFinding {
    static let little: UInt64 = 1 << 30
    static let tooLittle: UInt64 = 64 << 20

    static func look(_ path: String) -> DoctorFinding {
        let place = StatePlace.existing(path)
        var device = statvfs()
        guard unsafe statvfs(place, &device) == 0 else {
            return .warning(
                "state space", "\(shown(place)): \(Errno(rawValue: errno))",
                why: "how much is free there cannot be found out", cure: nil)
        }
        let unit = UInt64(device.f_frsize)
        return finding(
            path, free: UInt64(device.f_bavail) * unit, entries: UInt64(device.f_favail),
            mostEntries: UInt64(device.f_files))
    }

    /// - Parameters:
    ///   - free: bytes.
    ///   - entries: files that there may still be.
    ///   - mostEntries: 0 where the file system does not count them.
    static func finding(
        _ path: String, free: UInt64, entries: UInt64, mostEntries: UInt64
    ) -> DoctorFinding {
        // As whole units: nobody wants to know the bytes.
        let shift = free >= 10 << 30 ? 30 : 20
        let amount = Quantity(.size, 0...UInt64.max).write((free >> shift) << shift)
        let size = "\(amount) are free for \(shown(path))"
        let why = "without room nothing is recorded, and what is not recorded does not begin"
        let cure = "make room on that device, or name another directory in `state` of corral.yaml"
        if mostEntries > 0, entries < 1000 {
            return .failed(
                "state space", "\(entries) more files may be made for \(shown(path))", why: why, cure: cure)
        }
        if free < tooLittle { return .failed("state space", size, why: why, cure: cure) }
        if free < little { return .warning("state space", size, why: why, cure: cure) }
        return .ok("state space", size)
    }
}

/// Whether a daemon may have as many descriptors as its settings can make it need.
enum DescriptorFinding {
    static func look(_ place: DaemonPlace, _ daemon: Int32?) -> DoctorFinding {
        let settings = place.settings
        // A process has up to five in corrald, of which each session has one as a rule; a client has two.
        let needed = 5 * settings.number(.limitSessions) + 2 * settings.number(.httpConnections) + 64
        let limit =
            daemon.flatMap { hardLimit(of: "/proc/\($0)/limits") } ?? hardLimit(of: "/proc/self/limits")
        return finding(limit: limit, needed: needed, isDaemons: daemon != nil)
    }

    static func finding(limit: UInt64?, needed: UInt64, isDaemons: Bool) -> DoctorFinding {
        let whose = isDaemons ? "corrald" : "a daemon started here"
        guard let limit else {
            return .warning(
                "descriptors", "how many \(whose) may have cannot be read", why: "each session takes some",
                cure: nil)
        }
        guard limit < needed else { return .ok("descriptors", "\(whose) may have \(limit)") }
        return .warning(
            "descriptors",
            "\(whose) may have \(limit); limits.sessions and http.connections can take \(needed)",
            why: "further processes and clients are refused with `limit` before the settings say so",
            cure: "LimitNOFILE=\(needed) in the service's unit, or a lower limits.sessions")
    }

    /// Of a file as proc(5) has it; nil where it cannot be read or has no such line.
    private static func hardLimit(of path: String) -> UInt64? {
        guard let bytes = try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 64 << 10) else {
            return nil
        }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("Max open files") }
        guard let words = line?.split(separator: " "), words.count > 4 else { return nil }
        return words[4] == "unlimited" ? .max : UInt64(words[4])
    }
}
