import Glibc
import Linux
import TestSupport

/// What of these daemons' own is left on the machine: found by the ids of sessions and by their directory.
enum Leftovers {
    /// Names of processes that count as Corral's, of 15 bytes at most.
    static let names: Set<String> = ["sandbox-init", "corral", "corrald", "corral-warden"]

    static func of(_ ids: Set<String>, place: String) -> [String] {
        var left: [String] = []
        _ = eventually(within: 30) {
            left = look(ids, place)
            return left.isEmpty
        }
        return left
    }

    private static func look(_ ids: Set<String>, _ place: String) -> [String] {
        func isOurs(_ text: some StringProtocol) -> Bool {
            // corral-session-SLOT-ID
            text.split(separator: "-").last.map { ids.contains(String($0.prefix(16))) } ?? false
        }
        var left = Census.take(processes: []).cgroups.filter(isOurs).map { "cgroup \($0)" }
        for name in File.names(in: "/proc") where UInt32(name) != nil {
            if let groups = File.text("/proc/\(name)/cgroup"),
                groups.split(whereSeparator: { "/\n".contains($0) }).contains(where: isOurs)
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
