import Glibc
import Linux

/// Everything that a sandbox could leave behind on this host, as values to compare.
///
/// Tests run in parallel: a test that wants an exact answer compares only what carries its own
/// mark, or waits with ``leftovers(since:within:)`` until other tests' sandboxes have gone.
package struct Census: Hashable, Sendable {
    /// Mounts of this mount namespace that mention Corral, without their volatile ids.
    package var mounts: Set<String>
    /// Groups of sandboxes (`corral-run-...`, `corral-session-...`, `corral-tenant-...` around those), at any depth of
    /// any cgroup hierarchy.
    package var cgroups: Set<String>
    /// `name (pid)` of every process of Corral's.
    package var processes: Set<String>
    /// Every namespace that some process is in, such as `net:[4026531840]`.
    package var namespaces: Set<String>
    /// Attached loop devices.
    package var loopDevices: Set<String>

    /// - Parameter names: the process names (comm, at most 15 bytes) that count as Corral's.
    package static func take(processes names: Set<String> = ["sandbox-init", "corral"]) -> Census {
        var census = Census(
            mounts: corralMounts(), cgroups: groups(), processes: [], namespaces: [],
            loopDevices: attachedLoopDevices())
        for pid in File.names(in: "/proc") where UInt32(pid) != nil {
            if let name = File.text("/proc/\(pid)/comm")?.dropLast(), names.contains(String(name)) {
                census.processes.insert("\(name) (\(pid))")
            }
            for kind in File.names(in: "/proc/\(pid)/ns") {
                if let namespace = File.target(ofLink: "/proc/\(pid)/ns/\(kind)") {
                    census.namespaces.insert(namespace)
                }
            }
        }
        return census
    }

    /// What is here and was not in `before`, one line each, sorted.
    package func added(since before: Census) -> [String] {
        func lines(_ kind: String, _ part: KeyPath<Census, Set<String>>) -> [String] {
            self[keyPath: part].subtracting(before[keyPath: part]).sorted().map { "\(kind) \($0)" }
        }
        return lines("mount", \.mounts) + lines("cgroup", \.cgroups) + lines("process", \.processes)
            + lines("namespace", \.namespaces) + lines("loop device", \.loopDevices)
    }

    /// What is left since `before`: the kernel takes some things down in its own time, so it is
    /// asked again until nothing is left or `seconds` have passed.
    package static func leftovers(since before: Census, within seconds: Double = 60) -> [String] {
        var left: [String] = []
        _ = eventually(within: seconds) {
            left = take().added(since: before)
            return left.isEmpty
        }
        return left
    }

    private static func corralMounts() -> Set<String> {
        Set(
            mountinfo().filter { $0.contains("corral") }.map {
                $0.split(separator: " ").dropFirst(2).joined(separator: " ")
            })
    }

    /// ``cgroups`` alone, as absolute paths.
    package static func groups() -> Set<String> {
        var found: Set<String> = []
        for line in mountinfo() where line.contains(" - cgroup") {
            let fields = line.split(separator: " ")
            guard fields.count > 4 else { continue }
            collect(String(fields[4]), into: &found)
        }
        return found
    }

    private static func mountinfo() -> [Substring] {
        (File.text("/proc/self/mountinfo") ?? "").split(separator: "\n")
    }

    private static func collect(_ group: String, into found: inout Set<String>) {
        guard let directory = try? FileDescriptor.open(group, O_RDONLY | O_DIRECTORY) else { return }
        for entry in (try? directory.entries()) ?? [] where entry.kind == .directory {
            if ["corral-run-", "corral-session-", "corral-tenant-"].contains(where: entry.name.hasPrefix) {
                found.insert("\(group)/\(entry.name)")
            }
            collect("\(group)/\(entry.name)", into: &found)
        }
    }

    private static func attachedLoopDevices() -> Set<String> {
        let loops = File.names(in: "/sys/block").filter { $0.hasPrefix("loop") }
        return Set(loops.filter { File.exists("/sys/block/\($0)/loop/backing_file") })
    }
}
