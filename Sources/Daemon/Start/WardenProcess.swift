import Configuration
import Glibc
import Linux

/// Starts `corral-warden` as a process that survives this one.
struct WardenProcess: Sendable {
    let program: String
    let arguments: [String]

    init(_ settings: Settings, _ directories: Directories, uid: UInt32) throws(StartProblemText) {
        program = try WardenProcess.find(settings)
        var arguments =
            [
                program, "--socket", directories.wardenSocket, "--allow-uid", "\(uid)", "--state",
                directories.warden, "--log-format", settings.text(.logFormat),
            ]
            + (WardenProcess.ceilings(settings) + WardenProcess.mounts(settings, directories)).flatMap {
                ["--ceiling", $0]
            }
        if settings[.profiles].origin.isGiven {
            arguments += settings.list(.profiles).flatMap { ["--profiles", $0] }
        }
        if settings[.uids].origin.isGiven {
            arguments += ["--uids", "\(settings.uids.lowerBound)-\(settings.uids.upperBound)"]
        }
        self.arguments = arguments
    }

    /// The one of the configuration, or the one that was installed or built with this program.
    private static func find(_ settings: Settings) throws(StartProblemText) -> String {
        if let path = settings.textOrNone(.wardenPath) { return path }
        let own = SelfPath.directory ?? "/usr/bin"
        let candidates = ["\(own)/corral-warden", "\(own)/../libexec/corral/corral-warden"]
        guard let found = candidates.first(where: { unsafe access($0, X_OK) == 0 }) else {
            throw StartProblemText("corral-warden is not beside corrald; state warden.path")
        }
        return found
    }

    /// What the operator allows at most, as the warden takes it.
    private static func ceilings(_ settings: Settings) -> [String] {
        let keys: [(String, SettingKey)] = [
            ("sessions", .limitSessions), ("limits.memory", .limitMemory), ("limits.pids", .limitPids),
            ("limits.cpus", .limitCPUs),
            ("limits.open_files", .limitOpenFiles), ("limits.workspace", .limitWorkspace),
            ("volume", .limitVolume), ("volume-image", .volumeImage),
        ]
        let numbers: [String] = keys.compactMap { name, key in
            guard settings.numberOrNone(key) != nil else { return nil }
            return "\(name)=\(settings[key].value.written(as: key.kind))"
        }
        return numbers + ["soft-volumes=\(settings.text(.volumeLimits) == "wished")"]
    }

    /// Which directories of the host sessions may have. Corral's own are none of them, wherever they are.
    private static func mounts(_ settings: Settings, _ directories: Directories) -> [String] {
        settings.hostMounts.entries.map { "mount-root=\($0.path)" }
            + [directories.state, directories.runtime].map { "mount-never=\($0)" }
    }

    /// Has a warden serve at its socket: the one that is there, or a new one.
    ///
    /// A new one ends at once while the kernel still clears away one that was killed and its lock with it; it
    /// is started again then, for a while.
    func bringUp(socket: String) throws(StartProblemText) {
        let deadline = DaemonClock.now + 15_000_000_000
        var pid: pid_t?
        while !WardenProcess.answers(at: socket) {
            guard DaemonClock.now < deadline else {
                throw StartProblemText("corral-warden does not serve \(socket); what it wrote says why")
            }
            if let running = pid {
                if let status = WardenProcess.status(of: running) {
                    if status == 64 { throw StartProblemText("corral-warden does not take its command line") }
                    pid = nil
                    ShortWait.milliseconds(300)
                } else {
                    ShortWait.milliseconds(10)
                }
            } else {
                pid = try start()
            }
        }
    }

    private static func answers(at socket: String) -> Bool {
        do throws(SystemError) {
            try FileDescriptor.packetSocket().connect(to: socket)
            return true
        } catch {
            return false
        }
    }

    /// - Returns: nil while it runs.
    private static func status(of pid: pid_t) -> CInt? {
        var status: CInt = 0
        guard unsafe waitpid(pid, &status, WNOHANG) == pid else { return nil }
        return (status >> 8) & 0xFF
    }

    /// In a session of its own: what ends this one's does not end it.
    private func start() throws(StartProblemText) -> pid_t {
        let warden = HostProgram(
            path: program, words: arguments, environment: HostProgram.ownEnvironment, leads: .session)
        do throws(SystemError) {
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            return try warden.start([null.number, null.number, STDERR_FILENO])
        } catch {
            throw StartProblemText("\(error)")
        }
    }

    /// Executes it in this process's place.
    /// - Returns: why not, if at all.
    func become() -> StartProblemText {
        let words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        _ = unsafe execve(program, words, environ)
        return StartProblemText("\(SystemError("execve", program, Errno(rawValue: errno)))")
    }

    /// Takes the status of one that ended while this process lives.
    static func reap() {
        var status: CInt = 0
        while unsafe waitpid(-1, &status, WNOHANG) > 0 {}
    }
}
