import CLinux
import Glibc
package import Linux

/// A terminal as a user sits at it: a pseudoterminal of the host's with a shell on it, which runs one
/// program in the foreground, says how it ended and stays.
///
/// The shell has to stay: at the end of a session the kernel resets its terminal, and nobody could tell
/// whether the program had put it back.
package final class UserTerminal {
    private let master: FileDescriptor
    /// Held open, so that the terminal is there for as long as this object.
    private let slave: FileDescriptor
    private let pidfd: FileDescriptor
    private let shell: Int32
    private var bytes: [UInt8] = []

    /// Starts a program; ``waitForProgram(within:)`` tells when it is there.
    package init(
        _ words: [String], environment: [String: String] = Program.environment, rows: UInt16 = 30,
        columns: UInt16 = 100
    ) throws(SystemError) {
        let number = try call("open", on: "/dev/ptmx") {
            unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        }
        master = FileDescriptor(owning: number)
        var unlocked: CInt = 0
        var index: CUnsignedInt = 0
        // TIOCSPTLCK and TIOCGPTN (ioctl_tty(2)), which Swift cannot import.
        _ = try call("ioctl(TIOCSPTLCK)") { unsafe ioctl(number, UInt(0x4004_5431), &unlocked) }
        _ = try call("ioctl(TIOCGPTN)") { unsafe ioctl(number, UInt(0x8004_5430), &index) }
        slave = FileDescriptor(
            owning: try call("ioctl(TIOCGPTPEER)") { clinux_terminal_slave(number) })
        _ = try call("ioctl(TIOCSWINSZ)") { clinux_terminal_resize(number, rows, columns) }
        let script = """
            trap : INT
            sh -c 'echo "<pid $$>"; exec "$@"' sh "$@"
            echo "<code $?>"
            while :; do sleep 1000; done
            """
        let program = HostProgram(
            path: "/bin/sh", words: ["sh", "-c", script, "sh"] + words,
            environment: environment.map { "\($0.key)=\($0.value)" }, leads: .terminal("/dev/pts/\(index)"))
        let started = try program.startHeld([slave.number, slave.number, slave.number])
        shell = started.pid
        pidfd = started.pidfd
    }

    deinit {
        kill(-shell, SIGKILL)
        _ = clinux_pidfd_signal(pidfd.number, SIGKILL)
        var result = clinux_exit()
        _ = unsafe clinux_wait_pidfd(pidfd.number, 1, &result)
    }

    /// All that was ever shown.
    package var screen: String { String(decoding: bytes, as: UTF8.self) }

    // MARK: The program

    /// Its number, once it runs; nil when it does not within `seconds`.
    package func waitForProgram(within seconds: Double = 60) throws(SystemError) -> Int32? {
        try wait(for: "<pid ", seconds)
    }

    /// The exit code as a shell has it, once it has ended; nil when it does not within `seconds`.
    package func waitForEnd(within seconds: Double = 120) throws(SystemError) -> Int32? {
        try wait(for: "<code ", seconds)
    }

    private func wait(for name: String, _ seconds: Double) throws(SystemError) -> Int32? {
        let deadline = Host.now + seconds * Host.patience
        while Host.now < deadline {
            if let start = screen.firstRange(of: name)?.upperBound {
                let rest = screen[start...]
                if let end = rest.firstIndex(of: ">") { return Int32(rest[..<end]) }
            }
            try pump(milliseconds: 100)
        }
        return nil
    }

    // MARK: Keys and screen

    /// Types, as a user does: control characters are those keys.
    package func type(_ text: String) throws(SystemError) { try master.writeAll(Array(text.utf8)) }

    /// Whether the text was or is shown within `seconds`.
    /// - Parameter start: how much of the screen, in bytes, was there before; ``mark`` tells.
    package func waitForText(
        _ text: String, after start: Int = 0, within seconds: Double = 60
    ) throws(SystemError) -> Bool {
        let deadline = Host.now + seconds * Host.patience
        while true {
            if String(decoding: bytes[start...], as: UTF8.self).contains(text) { return true }
            if Host.now >= deadline { return false }
            try pump(milliseconds: 100)
        }
    }

    /// How much was shown so far.
    package var mark: Int { bytes.count }

    private func pump(milliseconds: CInt) throws(SystemError) {
        var ready = pollfd(fd: master.number, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&ready, 1, milliseconds) > 0 else { return }
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe read(master.number, &chunk, chunk.count)
        if count > 0 { bytes += chunk[..<count] }
    }

    // MARK: The terminal itself

    /// Its modes, to be compared: the flags, then the control characters.
    package func modes() throws(SystemError) -> [UInt32] {
        var modes = termios()
        let number = slave.number
        _ = try call("tcgetattr") { unsafe tcgetattr(number, &modes) }
        let characters = unsafe withUnsafeBytes(of: modes.c_cc) { unsafe $0.map(UInt32.init) }
        return [modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag] + characters
    }

    /// Whether keys come through one by one and as they are.
    package func isRaw() throws(SystemError) -> Bool {
        try modes()[3] & UInt32(ICANON | ISIG | ECHO) == 0
    }

    /// Sets modes that no terminal has by itself, so that a reset is no restoration.
    package func setUnusualModes() throws(SystemError) {
        var modes = termios()
        let number = slave.number
        _ = try call("tcgetattr") { unsafe tcgetattr(number, &modes) }
        modes.c_lflag |= tcflag_t(ICANON | ISIG | ECHO)
        modes.c_lflag ^= tcflag_t(ECHOK)
        modes.c_iflag ^= tcflag_t(IXANY)
        unsafe withUnsafeMutableBytes(of: &modes.c_cc) { unsafe $0[Int(VINTR)] = 0x18 }
        _ = try call("tcsetattr") { unsafe tcsetattr(number, TCSANOW, &modes) }
    }

    /// Hangs up, as a closed window does: the shell ends, and the kernel sends SIGHUP and SIGCONT to the
    /// foreground. Needs root.
    package func hangUp() throws(SystemError) {
        let number = slave.number
        // TIOCVHANGUP (ioctl_tty(2)), which Swift does not import.
        _ = try call("ioctl(TIOCVHANGUP)") { ioctl(number, UInt(0x5437)) }
    }

    package func resize(rows: UInt16, columns: UInt16) throws(SystemError) {
        let number = master.number
        _ = try call("ioctl(TIOCSWINSZ)") { clinux_terminal_resize(number, rows, columns) }
    }
}
