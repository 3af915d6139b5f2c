import CLinux
import Client
import Configuration
import Glibc
import Linux
import Sandbox

/// The daemon that a command is about, and where its parts are.
struct DaemonPlace {
    /// Those that it has, as far as the caller can read them.
    let settings: Settings

    /// - Parameter arguments: of a command that has `ConfigCommand.options`.
    init(_ arguments: Arguments) throws(CommandError) {
        let own = try ConfigCommand.load(arguments, isAboutIt: false).settings
        let socket = try DaemonAccess.socket(arguments)
        // The one that all users of the machine share is as root's files say.
        settings =
            socket == own.text(.socketPath)
            ? own : LoadedSettings.load(place: .system, environment: []).settings
    }

    var socket: String { settings.text(.socketPath) }
    var wardenSocket: String { "\(settings.text(.runtime))/warden.sock" }
    var state: String { settings.text(.state) }

    /// The corrald that listens; nil where there is none.
    ///
    /// Where a service manager holds the socket, a connection has it start corrald, which listens in its own
    /// name before it serves; until then this waits.
    func corrald() throws(CommandError) -> PeerProcess? {
        let deadline = Timer.now + 30_000_000_000
        while true {
            let found = try listener()
            guard let found, found.isOther else { return found }
            guard Timer.now < deadline else {
                throw CommandError(
                    "process \(found.pid), a service manager perhaps, has the socket \(shown(socket)) and no corrald "
                        + "has taken it; systemctl status corral.service says why")
            }
            usleep(50_000)
        }
    }

    private func listener() throws(CommandError) -> PeerProcess? {
        do throws(SystemError) {
            return try PeerProcess.listening(at: socket) { () throws(SystemError) in
                try .unixSocket(nonBlocking: false)
            }
        } catch {
            throw CommandError(ClientError.cannotConnect(path: socket, error.errno).description)
        }
    }

    /// The warden that listens; nil where there is none, or it is not the caller's to talk to.
    func warden() throws(CommandError) -> PeerProcess? {
        do throws(SystemError) {
            return try PeerProcess.listening(at: wardenSocket) { () throws(SystemError) in
                try .packetSocket()
            }
        } catch {
            if [.accessDenied, .notPermitted].contains(error.errno) { return nil }
            throw CommandError("the warden cannot be found: \(error)")
        }
    }
}

/// A process that listens at a socket, held by a descriptor: no signal reaches another that has its number.
final class PeerProcess {
    let pid: Int32
    private let pidfd: FileDescriptor

    private init(_ pid: Int32, _ pidfd: consuming FileDescriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    /// How long a service may take to start, in nanoseconds.
    private static let patience: UInt64 = 30_000_000_000

    /// - Returns: nil where nobody listens.
    static func listening(
        at path: String, by socket: () throws(SystemError) -> FileDescriptor
    ) throws(SystemError) -> PeerProcess? {
        let deadline = Timer.now + patience
        // Another process may take the place of the first in between.
        while Timer.now < deadline {
            guard let first = try credentials(path, socket) else { return nil }
            guard first.pid > 0 else { throw SystemError("getsockopt(SO_PEERCRED)", path, .noSuchProcess) }
            let number = clinux_pidfd_open(first.pid)
            if number < 0, errno == ESRCH {
                // It has ended, and a service manager has the socket still: it is starting another one.
                usleep(100_000)
                continue
            }
            if number < 0 { throw SystemError("pidfd_open", path, Errno(rawValue: errno)) }
            let pidfd = FileDescriptor(owning: number)
            // Whoever listens had the number when the descriptor was made as well, so it is of that process.
            if try credentials(path, socket) == first { return PeerProcess(first.pid, pidfd) }
        }
        return nil
    }

    /// Of whoever called listen(2) (unix(7)).
    private static func credentials(
        _ path: String, _ socket: () throws(SystemError) -> FileDescriptor
    ) throws(SystemError) -> PeerCredentials? {
        do throws(SystemError) {
            let connection = try socket()
            try connection.connect(to: path)
            return try connection.peerCredentials()
        } catch {
            let absent: [Errno] = [.noSuchFileOrDirectory, .connectionRefused, .notDirectory]
            if absent.contains(error.errno) { return nil }
            throw error
        }
    }

    /// Whether it is none: the service manager, which has the socket before and after corrald, or whoever has the
    /// number of one that has ended. Nothing may be sent to those.
    var isOther: Bool {
        if pid == 1 { return true }
        let name = try? FileDescriptor.open("/proc/\(pid)/comm", O_RDONLY).readAll(limit: 64)
        return name.map { $0 != Array("corrald\n".utf8) } ?? false
    }

    /// - Parameter name: of the program, for the message.
    func signal(_ number: CInt, _ name: String) throws(CommandError) {
        guard clinux_pidfd_signal(pidfd.number, number) < 0, errno != ESRCH else { return }
        guard errno == EPERM else {
            throw CommandError("\(name) (pid \(pid)) cannot be signalled: \(Errno(rawValue: errno))")
        }
        throw CommandError(
            "\(name) (pid \(pid)) is another user's: only root and that user may do this (sudo corral daemon ...)"
        )
    }

    /// - Returns: whether it has ended within so many milliseconds.
    func hasEnded(within milliseconds: CInt) -> Bool {
        let deadline = Timer.now + UInt64(max(milliseconds, 0)) * 1_000_000
        while true {
            let left = deadline > Timer.now ? (deadline - Timer.now) / 1_000_000 : 0
            var ready = pollfd(fd: pidfd.number, events: Int16(POLLIN), revents: 0)
            let count = unsafe poll(&ready, 1, CInt(clamping: left))
            if count > 0 { return true }
            if count == 0 || errno != EINTR { return false }
        }
    }
}
