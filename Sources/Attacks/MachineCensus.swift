import Glibc
import TestSupport

/// Everything on this machine that a sandbox could have changed or left behind, to be compared
/// before and after. For a machine on which nothing else happens meanwhile: the lane of the attacks.
package struct MachineCensus: Sendable {
    /// Lines by what they are about, such as `mount`, each a set to be equal afterwards.
    package private(set) var lines: [String: Set<String>] = [:]

    package static func take() -> MachineCensus {
        let own = Census.take(processes: ["sandbox-init", "corral", "corral-unpack", "attacker"])
        var census = MachineCensus()
        census.lines = [
            "mount": mounts(), "cgroup": own.cgroups, "process": own.processes.union(sandboxProcesses()),
            "namespace": own.namespaces, "loop device": own.loopDevices,
            "socket": sockets(), "System V object": systemVObjects(), "file": files(),
            "setting": settings(), "program": programs(),
        ]
        return census
    }

    /// Taken when nothing has changed for half a second, because what ran before is still going: the
    /// kernel takes things down in its own time. After `seconds` as it is.
    package static func settled(within seconds: Double = 60) -> MachineCensus {
        let deadline = Host.now + seconds
        var last = take()
        while Host.now < deadline {
            usleep(500_000)
            let next = take()
            if next.lines == last.lines { break }
            last = next
        }
        return last
    }

    /// The most lines that are told.
    private static let most = 30

    /// What differs from `before`, in either direction, one line each, sorted.
    package func differences(from before: MachineCensus) -> [String] {
        let all = everything(from: before)
        let rest = all.count - MachineCensus.most
        return rest > 0 ? all.prefix(MachineCensus.most) + ["and \(rest) more"] : all
    }

    /// Kinds of which something may end while attacks are made: what ran before is still going. An attack
    /// that ends a process of somebody else's is told by the canary, which is one.
    private static let mayEnd: Set = ["process", "namespace", "cgroup"]

    private func everything(from before: MachineCensus) -> [String] {
        Set(lines.keys).union(before.lines.keys).flatMap { kind -> [String] in
            let now = lines[kind] ?? []
            let then = before.lines[kind] ?? []
            return now.subtracting(then).map { "\(kind) added: \($0)" }
                + (MachineCensus.mayEnd.contains(kind)
                    ? [] : then.subtracting(now).map { "\(kind) gone: \($0)" })
        }.sorted()
    }

    /// The same, asked again until there is no difference or `seconds` have passed: the kernel takes
    /// things down in its own time.
    package static func differences(from before: MachineCensus, within seconds: Double) -> [String] {
        var found: [String] = []
        _ = eventually(within: seconds) {
            found = take().differences(from: before)
            return found.isEmpty
        }
        return found
    }

    private static func table(_ path: String) -> [Substring] {
        (File.text(path) ?? "").split(separator: "\n")
    }

    /// Without ids and peer groups, which mean nothing later.
    private static func mounts() -> Set<String> {
        Set(
            table("/proc/self/mountinfo").map { line in
                line.split(separator: " ").dropFirst(2).filter {
                    !$0.contains("shared:") && !$0.contains("master:")
                }
                .joined(separator: " ")
            })
    }

    /// Processes with an id that only sandboxes use, whatever they call themselves.
    private static func sandboxProcesses() -> Set<String> {
        var found: Set<String> = []
        for pid in File.names(in: "/proc") where UInt32(pid) != nil {
            guard let status = File.text("/proc/\(pid)/status") else { continue }
            let ids = status.split(separator: "\n").first { $0.hasPrefix("Uid:") }
            let id = ids?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { UInt32($0) }
            if let id, (200_000..<265_536).contains(id) { found.insert("uid \(id) (\(pid))") }
        }
        return found
    }

    /// Listening or bound sockets, by their name or port.
    private static func sockets() -> Set<String> {
        let unix = table("/proc/net/unix").dropFirst().compactMap { line -> String? in
            let fields = line.split(separator: " ")
            return fields.count == 8 && fields[7].contains("corral") ? "unix \(fields[7])" : nil
        }
        let internet = ["tcp", "tcp6", "udp", "udp6", "raw", "packet", "netlink"].flatMap { kind in
            // State 0A: listening. Others come and go with whoever else uses the network.
            table("/proc/net/\(kind)").dropFirst().compactMap { line -> String? in
                let fields = line.split(separator: " ")
                return kind.hasPrefix("tcp") && fields.count > 3 && fields[3] == "0A"
                    ? "\(kind) \(fields[1])" : nil
            }
        }
        return Set(unix + internet)
    }

    private static func systemVObjects() -> Set<String> {
        Set(
            ["msg", "sem", "shm"].flatMap { kind in
                table("/proc/sysvipc/\(kind)").dropFirst().map { line in
                    "\(kind) \(line.split(separator: " ").prefix(2).joined(separator: " "))"
                }
            })
    }

    /// Files of Corral's; an empty one is a lock, which costs nothing to keep, and so are the slots.
    private static func files() -> Set<String> {
        var found = Set(File.names(in: "/tmp").filter { $0.contains("corral") }.map { "/tmp/\($0)" })
        for name in File.names(in: "/run/corral") where name != "slots" {
            if File.text("/run/corral/\(name)") != "" { found.insert("/run/corral/\(name)") }
        }
        // What a core dump or a file of an attacker's would be called.
        for place in ["/", "/var/tmp", "/dev/shm"] {
            found.formUnion(File.names(in: place).map { "\(place)/\($0)" })
        }
        return found
    }

    /// Corral's own programs by inode, size and last change: nobody can write to a file and leave the
    /// last as it was.
    private static func programs() -> Set<String> {
        Set(
            ["corral", "sandbox-init", "corral-unpack"].compactMap { name in
                var status = stat()
                guard unsafe stat(Product.path(name), &status) == 0 else { return nil }
                let changed = "\(status.st_ctim.tv_sec).\(status.st_ctim.tv_nsec)"
                return "\(name): inode \(status.st_ino), \(status.st_size) bytes, changed \(changed)"
            })
    }

    /// What the whole machine shares and an attacker would like to set.
    private static func settings() -> Set<String> {
        let kernel = "/proc/sys/kernel"
        let paths = [
            "\(kernel)/core_pattern", "\(kernel)/hostname", "\(kernel)/domainname", "\(kernel)/modprobe",
            "\(kernel)/randomize_va_space", "\(kernel)/sysrq", "\(kernel)/dmesg_restrict",
            "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/protected_symlinks",
            "/proc/sys/net/ipv4/ip_forward", "/proc/swaps",
        ]
        return Set(paths.compactMap { path in File.text(path).map { "\(path): \($0.dropLast())" } })
    }
}
