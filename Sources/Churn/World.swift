import FailPoints
import Glibc
import Linux
import Synchronization
import TestSupport

/// A corrald with its warden in a directory of its own, started again whenever it dies, and what was found
/// to be wrong. Used by all threads.
final class World: Sendable {
    private struct State {
        var pid: pid_t = 0
        var isOver = false
        var wardenDeaths = 0
        var starts = 0
        var findings: [String] = []
        var ids: Set<String> = []
    }

    let directory: TemporaryDirectory
    let sheet: FailPointSheet
    private let state = Mutex(State())
    private let supervisor = Mutex<Parcel<Thread>?>(nil)

    var stateDirectory: String { directory("s") }
    var socket: String { directory("run/corral.sock") }
    private var log: String { directory("log") }

    init(_ options: Options) throws {
        directory = try TemporaryDirectory()
        guard let sheet = FailPointSheet(path: directory("points"), creating: true) else {
            throw Options.Problem(description: "the sheet of fail points cannot be made")
        }
        self.sheet = sheet
        try start()
        let thread = Parcel(try Thread.start { [self] in supervise() })
        supervisor.withLock { $0 = thread }
    }

    // MARK: What was found

    func find(_ text: String) {
        let isKept = state.withLock { state in
            // One mistake is often found again and again.
            if state.findings.count >= 100 { return false }
            state.findings.append(text)
            return true
        }
        // At once, for whoever is killed before the end.
        if isKept { complain("churn: found: \(text)") }
    }

    var findings: [String] { state.withLock { $0.findings } }

    func remember(_ id: String) { state.withLock { _ = $0.ids.insert(id) } }

    /// Of wardens that were killed, or are about to be.
    var wardenDeaths: Int { state.withLock { $0.wardenDeaths } }
    var starts: Int { state.withLock { $0.starts } }

    // MARK: corrald

    private func start() throws {
        // Its log is a file: it must not wait for a reader.
        let words =
            [
                "/bin/sh", "-c", #"exec "$0" "$@" 2>>"$CHURN_LOG""#, Product.path("corrald"), "--state",
                stateDirectory, "--set", "runtime=\(directory("run"))", "--set", "user=nobody", "--set",
                "socket.group=nobody-has-it",
            ]
        let variables = Program.environment.merging(
            [
                "CORRAL_DATA": Repository.root, "CHURN_LOG": log,
                "CORRAL_TEST_FAIL_POINTS": directory("points"),
            ]) { $1 }
        let pid = try Spawned.start(words, variables)
        state.withLock { state in
            state.pid = pid
            state.starts += 1
        }
    }

    private func supervise() {
        while true {
            // One who was waited for has no number any more: it may be another's.
            let (end, isOver) = state.withLock { state -> (Spawned.End?, Bool) in
                if state.isOver { return (nil, true) }
                let end = Spawned.end(of: state.pid)
                if end != nil { state.pid = 0 }
                return (end, false)
            }
            if isOver { return }
            if let end {
                if end != .signal(SIGKILL), end != .exit(75) || wardenDeaths == 0 {
                    find("corrald ended by itself: \(end)")
                }
                do {
                    try start()
                } catch {
                    find("corrald cannot be started: \(error)")
                }
                if end != .signal(SIGKILL), end != .exit(75) { usleep(200_000) }
            }
            usleep(1000)
        }
    }

    func killDaemon() {
        state.withLock { state in
            if state.pid > 0 { _ = Glibc.kill(state.pid, SIGKILL) }
        }
    }

    /// Everything that a warden has from here on may end with it.
    func expectWardenDeath() { state.withLock { $0.wardenDeaths += 1 } }

    func killWarden() {
        // Between two wardens there is none for a moment.
        guard eventually(within: 120, { warden != nil }), let pid = warden else {
            return find("there is no warden to kill")
        }
        expectWardenDeath()
        _ = Glibc.kill(pid, SIGKILL)
    }

    /// A child of its between clone and exec looks the same, but for its parent.
    var warden: pid_t? {
        var found: [pid_t] = []
        for name in File.names(in: "/proc") {
            guard let pid = pid_t(name), let bytes = try? File.read("/proc/\(name)/cmdline") else { continue }
            let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            if words.first?.hasSuffix("/corral-warden") == true, words.contains("\(stateDirectory)/warden") {
                found.append(pid)
            }
        }
        return found.first { pid in
            // pid (comm) state ppid ...
            let fields = (File.text("/proc/\(pid)/stat") ?? "").split(separator: " ")
            return fields.count > 3 && !found.contains(pid_t(fields[3]) ?? 0)
        }
    }

    // MARK: The end

    /// Ends both in order and looks for what is left.
    func end(_ before: Census?) -> [String] {
        state.withLock { $0.isOver = true }
        supervisor.withLock { supervisor in
            supervisor?.join()
            supervisor = nil
        }
        endDaemon()
        if let warden {
            kill(warden, SIGTERM)
            if !eventually(within: 60, { self.warden == nil }) {
                find("the warden does not end")
                kill(warden, SIGKILL)
            }
        }
        let ids = state.withLock { $0.ids }
        for left in Leftovers.of(ids, place: directory.path) { find("left: \(left)") }
        if let before {
            var left: [String] = []
            _ = eventually(within: 120) {
                left = Census.take(processes: Leftovers.names).added(since: before)
                return left.isEmpty
            }
            for line in left { find("left on the machine: \(line)") }
        }
        for line in errorLines().prefix(20) { find("corrald or its warden logged: \(line)") }
        if !findings.isEmpty { keepLog() }
        return findings
    }

    private func endDaemon() {
        var end = terminate()
        if end == .exit(75), wardenDeaths > 0 {
            // The last death was a warden's, and had not been noticed yet, or was just about to be.
            do {
                try start()
                _ = try ChurnClient("end", self, seed: 1).get(["health"])
                end = terminate()
            } catch {
                find("corrald cannot be started to be ended: \(error)")
            }
        }
        if let end, end != .exit(0) { find("corrald did not end in order: \(end)") }
    }

    private func terminate() -> Spawned.End? {
        let pid = state.withLock { $0.pid }
        kill(pid, SIGTERM)
        var end: Spawned.End?
        let hasEnded = eventually(within: 120) {
            end = Spawned.end(of: pid)
            return end != nil
        }
        if !hasEnded {
            find("corrald does not end")
            kill(pid, SIGKILL)
        }
        return end
    }

    /// What must not be in a log: records that were not taken or not understood.
    private func errorLines() -> [Substring] {
        let bad = ["did not take a record", "is not understood", "was set aside", "cannot be taken:"]
        return (File.text(log) ?? "").split(separator: "\n").filter { line in
            bad.contains { line.contains($0) }
        }
    }

    private func keepLog() {
        guard let bytes = try? File.read(log) else { return }
        keep(bytes, as: "log")
    }

    /// What runs at this moment, for whoever reads a finding later.
    func keepProcesses() {
        let words = ["ps", "-eo", "pid,ppid,lstart,stat,wchan:24,args"]
        guard let listed = try? Program.run(words) else { return }
        keep(Array(listed.output.utf8), as: "processes")
    }

    /// Under a name of this run's own: another one must not write over it.
    private func keep(_ bytes: [UInt8], as kind: String) {
        let place = Repository.path(".build/evidence")
        let file = "\(place)/churn-\(getpid()).\(kind)"
        try? File.makeDirectories(place)
        try? File.write(bytes, to: file)
        complain("churn: \(kind) of the run: \(file)")
    }
}
