import Client
import Figures
import Glibc
import Linux
import Wire

/// A `corrald` with its own warden, in a directory of its own, started as the system does: by root, to become
/// another user. However this program ends, its guard ends both and removes the directory.
final class MeasuredDaemon {
    let client: DaemonClient
    let socket: String
    private let directory: String
    private let program: PreparedProgram
    private let null: FileDescriptor
    private let log: FileDescriptor
    private let guardian: Child
    /// The guard acts when this closes.
    private var hold: FileDescriptor?
    private(set) var pid: pid_t = 0
    private(set) var warden: pid_t = 0

    /// - Parameter path: of corrald.
    init(_ path: String) throws {
        // Not /tmp, which is in memory on some machines: records are to reach a device.
        let directory = try makeScratchPath(in: "/var/tmp")
        // Another user has to come through.
        _ = try call("chmod", on: directory) { unsafe chmod(directory, 0o711) }
        self.directory = directory
        socket = "\(directory)/run/corral.sock"
        null = try openNull()
        log = try FileDescriptor.open("\(directory)/log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
        var hold: FileDescriptor?
        guardian = try MeasuredDaemon.startGuard(of: directory, null, until: &hold)
        self.hold = hold
        program = PreparedProgram(
            [
                path, "--state", "\(directory)/state", "--set", "runtime=\(directory)/run",
                "--set", "user=nobody", "--set", "socket.group=none", "--set", "limits.sessions=4096",
                "--set", "defaults.max=none",
            ], [null.number, null.number, log.number])
        client = DaemonClient(path: socket)
        do {
            try start()
            try waitForAnswer()
            guard let warden = MeasuredDaemon.processes(of: directory, called: "corral-warden").first else {
                throw Options.Problem("corrald answers, and its warden is not there")
            }
            self.warden = warden
        } catch {
            let said = (try? FileDescriptor.open("\(directory)/log", O_RDONLY).readAll(limit: 65536)) ?? []
            end()
            throw Options.Problem("\(path): \(error)\n\(String(decoding: said, as: UTF8.self))")
        }
    }

    deinit { end() }

    /// - Parameter hold: set to what the guard waits for to close; nothing else here may have that open.
    private static func startGuard(
        of directory: String, _ null: borrowing FileDescriptor, until hold: inout FileDescriptor?
    ) throws -> Child {
        let pipe = try Pipe.make()
        let guardian = try Child(
            ["/proc/self/exe", "session-role", "guard", directory],
            [pipe.reading.number, null.number, 2], pin: nil)
        hold = try pipe.writing.duplicate()
        return guardian
    }

    private func end() {
        // What waits for it is let go of first.
        guard hold.numberOrNone >= 0 else { return }
        hold = nil
        _ = try? guardian.end()
        var status: CInt = 0
        if pid > 0 { _ = unsafe waitpid(pid, &status, 0) }
    }

    func start() throws { pid = try program.start() }

    /// Kills corrald as nothing else does (SIGKILL), and waits until it is gone.
    func kill() throws {
        _ = Glibc.kill(pid, SIGKILL)
        var status: CInt = 0
        _ = try call("waitpid") { [pid] in unsafe waitpid(pid, &status, 0) }
        pid = 0
    }

    /// Asks for the sessions until that is answered.
    @discardableResult
    func waitForAnswer() throws -> HTTPResponse {
        let request = HTTPRequest(.get, ["v1", "sessions"])
        let deadline = monotonicTime() + 60_000_000_000
        while true {
            do throws(ClientError) {
                return try client.ask(request)
            } catch {
                var status: CInt = 0
                if pid > 0, unsafe waitpid(pid, &status, WNOHANG) == pid {
                    pid = 0
                    throw Options.Problem("corrald ended with the wait status \(status)")
                }
                guard monotonicTime() < deadline else { throw error }
                usleep(500)
            }
        }
    }

    /// The inits of all sandboxes.
    func inits() throws -> [pid_t] {
        let text = try FileDescriptor.open("/proc/\(warden)/task/\(warden)/children", O_RDONLY)
            .readAll(limit: 1 << 20)
        return text.split { $0 <= 0x20 }.compactMap { pid_t(String(decoding: $0, as: UTF8.self)) }
    }

    /// Processes whose program has that name and whose command line mentions the directory.
    static func processes(of directory: String, called name: String) -> [pid_t] {
        guard let entries = try? FileDescriptor.open("/proc", O_RDONLY | O_DIRECTORY).entries() else {
            return []
        }
        return entries.compactMap { entry in
            guard let pid = pid_t(entry.name),
                let text = try? FileDescriptor.open("/proc/\(entry.name)/cmdline", O_RDONLY)
                    .readAll(limit: 65536)
            else { return nil }
            let words = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard let first = words.first, first.hasSuffix("/\(name)") else { return nil }
            return words.contains { $0.contains(directory) } ? pid : nil
        }
    }
}

/// Waits for the end of its input, which is that of whoever started it, and ends the daemon of `directory`.
func guardDaemon(of directory: String) throws {
    var byte: UInt8 = 0
    while unsafe read(0, &byte, 1) > 0 {}
    for pid in MeasuredDaemon.processes(of: directory, called: "corrald") { kill(pid, SIGKILL) }
    for pid in MeasuredDaemon.processes(of: directory, called: "corral-warden") {
        // It ends every session in order.
        kill(pid, SIGTERM)
        let deadline = monotonicTime() + 60_000_000_000
        while MeasuredDaemon.processes(of: directory, called: "corral-warden").contains(pid) {
            if monotonicTime() > deadline { kill(pid, SIGKILL) }
            usleep(10_000)
        }
    }
    let null = try openNull()
    let remove = PreparedProgram(
        ["/bin/rm", "-rf", "--one-file-system", directory], [null.number, null.number, 2])
    _ = try remove.timedRun()
}
