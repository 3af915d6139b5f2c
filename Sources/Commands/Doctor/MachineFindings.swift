import CLinux
import Cgroups
import Glibc
import Linux
import Preparation
import Sandbox

// What is about the whole machine: its clock, whose ids are whose, and what nobody has removed.

enum ClockFinding {
    static func look() -> DoctorFinding {
        let result = clinux_clock_state()
        return finding(result: result, error: Errno(rawValue: errno))
    }

    /// - Parameter result: of adjtimex(2): -1 for an error, 5 (TIME_ERROR) for a clock that nobody sets.
    static func finding(result: CInt, error: Errno) -> DoctorFinding {
        let why = "quotas by the day, expiry of tokens and the times of audit records go by it"
        switch result {
        case 0...4: return .ok("clock", "is synchronised")
        case 5:
            return .warning(
                "clock", "is not synchronised with any other", why: why,
                cure:
                    "timedatectl set-ntp true, or another NTP client (for a virtual machine its host's clock)"
            )
        default: return .warning("clock", "cannot be asked: \(error)", why: why, cure: nil)
        }
    }
}

/// Whether somebody else has ids that sandboxes get.
enum IDRangeFinding {
    /// What may name ids, and whether its lines are ranges, as in subuid(5).
    private static let sources = [
        ("/etc/passwd", false), ("/etc/group", false), ("/etc/subuid", true), ("/etc/subgid", true),
    ]

    static func look(_ range: ClosedRange<UInt64>) -> DoctorFinding {
        guard geteuid() == 0 else { return .ok("id range", "sandboxes have this user's ids") }
        let texts = sources.map { path, isRanges in
            let bytes = (try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 16 << 20)) ?? []
            return (path: path, text: String(decoding: bytes, as: UTF8.self), isRanges: isRanges)
        }
        return finding(range, texts)
    }

    static func finding(
        _ range: ClosedRange<UInt64>, _ sources: [(path: String, text: String, isRanges: Bool)]
    ) -> DoctorFinding {
        let text = "\(range.lowerBound) to \(range.upperBound)"
        let found = sources.flatMap { source in
            source.text.split(separator: "\n").compactMap { line -> String? in
                let fields = line.split(separator: ":", omittingEmptySubsequences: false)
                guard fields.count > 2, let ids = ids(fields, isRange: source.isRanges), ids.overlaps(range)
                else { return nil }
                return "\(shown(String(fields[0]))) in \(source.path)"
            }
        }
        guard !found.isEmpty else { return .ok("id range", "nobody else has any of \(text)") }
        let more = found.count > 3 ? " and \(found.count - 3) more" : ""
        return .warning(
            "id range",
            "\(text) are for sandboxes, and \(found.prefix(3).joined(separator: ", "))\(more) too",
            why: "a sandbox has the rights of whoever else has its ids, and they may do as they like with it",
            cure:
                "set `uids` of corral.yaml to a range that nobody has, such as \(free(after: range, sources))"
        )
    }

    private static func ids(_ fields: [Substring], isRange: Bool) -> ClosedRange<UInt64>? {
        // What is no id of the kernel's (32 bits) is nobody's.
        guard let number = UInt32(fields[isRange ? 1 : 2]).map(UInt64.init) else { return nil }
        guard isRange else { return number...number }
        guard let count = UInt32(fields[2]), count > 0 else { return nil }
        return number...number + UInt64(count) - 1
    }

    /// A range of the same kind behind all that is named: `uids` takes 65,536 from 200,000 and a multiple on.
    private static func free(
        after range: ClosedRange<UInt64>, _ sources: [(path: String, text: String, isRanges: Bool)]
    ) -> String {
        let block: UInt64 = 65_536
        let ends = sources.flatMap { source in
            source.text.split(separator: "\n").compactMap { line -> UInt64? in
                let fields = line.split(separator: ":", omittingEmptySubsequences: false)
                let ids = fields.count > 2 ? ids(fields, isRange: source.isRanges) : nil
                // Those of `nobody` in user namespaces and the like are beyond what can be had.
                return ids.flatMap { $0.upperBound < 4_000_000_000 ? $0.upperBound : nil }
            }
        }
        let last = max(ends.max() ?? 0, range.upperBound, 200_000)
        let start = 200_000 + ((last - 200_000) / block + 1) * block
        return "\(start)-\(start + block - 1)"
    }
}

/// Groups of sandboxes that nobody holds any more.
enum LeftoverFinding {
    static func look() -> DoctorFinding {
        guard geteuid() == 0 else { return .ok("leftovers", "those of this user end with its cgroup") }
        let first = found()
        guard !first.isEmpty else { return none }
        // One that is just being made, or just ending, is neither for long.
        usleep(500_000)
        return finding(first.filter { found().contains($0) })
    }

    private static let none = DoctorFinding.ok("leftovers", "no group is left of a sandbox that is gone")

    static func finding(_ paths: [String]) -> DoctorFinding {
        guard let path = paths.first else { return none }
        let more = paths.count > 1 ? " and \(paths.count - 1) more" : ""
        return .warning(
            "leftovers", "\(shown(path))\(more): of a sandbox that nobody holds",
            why: "it is of one that was killed with its launcher, and may have processes in it",
            cure:
                "corral run -- true, which removes all that are empty; cat \(shown(path))/cgroup.procs tells "
                + "what is in it")
    }

    /// Paths of groups with Corral's mark whose slot nobody has.
    private static func found() -> [String] {
        guard unsafe access("/run/corral/slots", F_OK) == 0,
            let directory = try? FileDescriptor.open("/run/corral", O_RDONLY | O_DIRECTORY),
            let layout = try? CgroupLayout.detect()
        else { return [] }
        let slots = SlotFile(in: directory)
        var free: [Int: Bool] = [:]
        var paths: [String] = []
        for part in layout.parts {
            for (name, slot) in groups(in: part.path) {
                // A probe for each: it keeps what it takes for as long as it is there.
                let isFree = free[slot] ?? ((try? slots.probe().tryLock(slot)) ?? false)
                free[slot] = isFree
                if isFree { paths.append("\(part.path)/\(name)") }
            }
        }
        return paths
    }

    private static func groups(in path: String) -> [(String, Int)] {
        let parents = groups(in: path, [GroupName.parentMark])
        // Of each those inside come first, as they have to be removed.
        let inside = parents.flatMap { parent in
            groups(in: "\(path)/\(parent.0)", GroupName.marks).map { ("\(parent.0)/\($0)", $1) } + [parent]
        }
        return inside + groups(in: path, GroupName.marks)
    }

    private static func groups(in path: String, _ marks: [String]) -> [(String, Int)] {
        guard let directory = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) else { return [] }
        return marks.flatMap { mark in
            ((try? directory.entries(startingWith: "\(mark)-")) ?? []).compactMap { entry in
                let rest = entry.name.dropFirst(mark.utf8.count + 1)
                guard entry.kind == .directory, let slot = Int(rest.prefix { $0 != "-" }), slot >= 0
                else { return nil }
                return (entry.name, slot)
            }
        }
    }
}
