import Glibc
import Linux
import TestSupport

/// What a soak looks at beside the census: this process, locks, files, System V objects, and what the
/// kernel says that it has.
struct KernelState {
    /// Of this process, in KiB.
    var memory = 0
    var descriptors = 0
    var threads = 0
    /// Locked slots, files of ours, System V objects, sockets that somebody could reach: each by name.
    var things: Set<String> = []
    /// Groups of each v1 hierarchy, those among them that the kernel has not freed yet.
    var cgroups: [String: Int] = [:]
    /// Objects of each kind. The kernel counts those that it keeps for the next user as well.
    var objects: [String: Int] = [:]
    /// All slab memory, in KiB.
    var slab = 0

    static func take() -> KernelState {
        var state = KernelState()
        state.memory = field("VmRSS:", of: "/proc/self/status")
        state.descriptors = File.names(in: "/proc/self/fd").count
        state.threads = File.names(in: "/proc/self/task").count
        state.things = Set(files() + slots() + systemV() + sockets())
        for line in lines("/proc/cgroups").dropFirst() where line.count == 4 && line[1] != "0" {
            state.cgroups[String(line[0])] = Int(line[2])
        }
        let kinds: Set<Substring> = [
            "net_namespace", "pid_namespace", "user_namespace", "mnt_cache", "nsproxy", "mem_cgroup",
            "task_struct", "filp",
        ]
        for line in lines("/proc/slabinfo").dropFirst(2) where line.count > 1 && kinds.contains(line[0]) {
            state.objects[String(line[0])] = Int(line[1])
        }
        state.slab = field("Slab:", of: "/proc/meminfo")
        return state
    }

    /// What is here and was not before, one line each.
    func added(since before: KernelState) -> [String] {
        var lines = things.subtracting(before.things).sorted()
        if descriptors > before.descriptors {
            lines.append("\(descriptors) descriptors of this process, \(before.descriptors) before")
        }
        if threads > before.threads {
            lines.append("\(threads) threads of this process, \(before.threads) before")
        }
        // A memory cgroup lives on until the last page that was charged to it is gone.
        for (name, count) in cgroups where name != "memory" && count > before.cgroups[name] ?? 0 {
            lines.append("\(count) cgroups of \(name), \(before.cgroups[name] ?? 0) before")
        }
        return lines
    }

    /// Has the kernel give up entries and inodes of files that nobody uses, which are no leak: each
    /// cgroup leaves some.
    static func dropCaches() throws {
        try FileDescriptor.open("/proc/sys/vm/drop_caches", O_WRONLY).writeAll(Array("2".utf8))
    }

    /// What has grown as only a leak of many cycles does.
    /// - Parameter slab: whether unused caches were dropped before both.
    func growth(since before: KernelState, cycles: Int, slab isComparable: Bool) -> [String] {
        var lines: [String] = []
        // A KiB in each cycle of ten thousand is more than twice this.
        if memory > before.memory + 4096 {
            lines.append("this process grew from \(before.memory) to \(memory) KiB")
        }
        if isComparable, slab > before.slab + before.slab / 100 + 4096 {
            lines.append("slab memory grew from \(before.slab) to \(slab) KiB")
        }
        for (name, count) in objects.sorted(by: { $0.key < $1.key }) {
            let first = before.objects[name] ?? 0
            if count > first + cycles / 10 + 500 { lines.append("\(name) grew from \(first) to \(count)") }
        }
        return lines
    }

    // MARK: Where it is read

    private static func lines(_ path: String) -> [[Substring]] {
        (File.text(path) ?? "").split(separator: "\n").map { $0.split { $0 == " " || $0 == "\t" } }
    }

    private static func field(_ name: String, of path: String) -> Int {
        lines(path).first { $0.first.map { $0 == name } ?? false }.flatMap { Int($0[1]) } ?? 0
    }

    private static func files() -> [String] {
        let temporary = File.names(in: "/tmp").filter { $0.hasPrefix("corral") }.map { "/tmp/\($0)" }
        return File.names(in: "/run/corral").map { "file /run/corral/\($0)" } + temporary.map { "file \($0)" }
            + File.names(in: "/dev/shm").map { "file /dev/shm/\($0)" }
    }

    /// Locks on bytes of the slot file, which the kernel lists by device and inode (proc(5), locks).
    private static func slots() -> [String] {
        var status = stat()
        guard unsafe stat("/run/corral/slots", &status) == 0 else { return [] }
        return lines("/proc/locks").filter { $0.count > 6 && $0[5].hasSuffix(":\(status.st_ino)") }
            .map { "slot \($0[6])" }
    }

    private static func systemV() -> [String] {
        ["shm", "sem", "msg"].flatMap { kind in
            lines("/proc/sysvipc/\(kind)").dropFirst().map { "System V \(kind) \($0.prefix(2))" }
        }
    }

    /// Those that have a name, and those that listen: what is left of a process cannot be another's.
    private static func sockets() -> [String] {
        let unix = lines("/proc/net/unix").dropFirst().filter { $0.count > 7 }.map { "socket \($0[7])" }
        let listening = ["tcp", "tcp6"].flatMap { kind in
            lines("/proc/net/\(kind)").dropFirst().filter { $0.count > 3 && $0[3] == "0A" }
                .map { "\(kind) listener \($0[1])" }
        }
        return unix + listening
    }
}
