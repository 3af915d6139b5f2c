import Configuration
import Glibc
import Linux

/// Starts `corral-warden` as a process that survives this one.
struct WardenProcess: Sendable {
    let program: String
    let arguments: [String]

    init(_ settings: Settings, _ directories: Directories, uid: UInt32) throws(StartProblemText) {
        program = try WardenProcess.find(settings)
        arguments =
            [
                program, "--socket", directories.wardenSocket, "--allow-uid", "\(uid)", "--state",
                directories.warden,
            ] + WardenProcess.ceilings(settings).flatMap { ["--ceiling", $0] }
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
        ]
        return keys.compactMap { name, key in
            guard settings.numberOrNone(key) != nil else { return nil }
            return "\(name)=\(settings[key].value.written(as: key.kind))"
        }
    }

    func start() throws(StartProblemText) {
        var attributes = posix_spawnattr_t()
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawnattr_init(&attributes)
        unsafe posix_spawn_file_actions_init(&actions)
        defer {
            unsafe posix_spawnattr_destroy(&attributes)
            unsafe posix_spawn_file_actions_destroy(&actions)
        }
        // A session of its own (POSIX_SPAWN_SETSID): what ends this one's does not end it. Signals as in a
        // new process.
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(0x80 | POSIX_SPAWN_SETSIGMASK))
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var pid: pid_t = 0
        let result = unsafe posix_spawn(&pid, program, &actions, &attributes, &words, environ)
        guard result == 0 else {
            throw StartProblemText("\(SystemError("posix_spawn", program, Errno(rawValue: result)))")
        }
    }

    /// Takes the status of one that ended while this process lives.
    static func reap() {
        var status: CInt = 0
        while unsafe waitpid(-1, &status, WNOHANG) > 0 {}
    }
}
