import Glibc
import Linux
import TestSupport

/// What of these daemons' own is left on the machine: found by the ids of sessions and by their directory.
enum Leftovers {
    /// Names of processes that count as Corral's, of 15 bytes at most.
    static let names: Set<String> = ["sandbox-init", "corral", "corrald", "corral-warden"]

    static func of(_ ids: Set<String>, place: String) -> [String] {
        var left: [String] = []
        _ = eventually(within: 120) {
            left = look(ids, place)
            return left.isEmpty
        }
        return left
    }

    /// Directories of a session's cgroups that the kernel can freeze (cgroup-v2, "cgroup.freeze").
    static func freezers(of id: String) -> [String] {
        Census.groups().filter { isOf([id], $0) && File.exists("\($0)/cgroup.freeze") }
    }

    /// corral-session-SLOT-ID
    private static func isOf(_ ids: Set<String>, _ text: some StringProtocol) -> Bool {
        text.split(separator: "-").last.map { ids.contains(String($0.prefix(16))) } ?? false
    }

    private static func look(_ ids: Set<String>, _ place: String) -> [String] {
        var left = Census.groups().filter { isOf(ids, $0) }.map { "cgroup \($0)" }
        for name in File.names(in: "/proc") where UInt32(name) != nil {
            if let groups = File.text("/proc/\(name)/cgroup"),
                groups.split(whereSeparator: { "/\n".contains($0) }).contains(where: { isOf(ids, $0) })
            {
                left.append("process \(name) in a session's cgroup")
            }
            if name != "\(getpid())", let line = File.text("/proc/\(name)/cmdline"), line.contains(place) {
                left.append("process \(name): \(line.split(separator: "\0").joined(separator: " "))")
            }
        }
        let mounts = (File.text("/proc/self/mountinfo") ?? "").split(separator: "\n")
        left += mounts.filter { $0.contains(place) }.map { "mount \($0)" }
        return left
    }
}
