import CLinux
import Glibc
import Linux
import Preparation

/// What a run with `-t` does with terminals: the sandbox's own, whose master is here, and with `-i` the
/// user's, which is raw meanwhile, so that every key reaches the program as it was typed.
///
/// The user's terminal is as it was before after every end but SIGKILL of ours.
final class TerminalSession {
    /// The user's terminal, with its modes; nil without `-i`.
    private let mode: TerminalMode?
    private let signals: FileDescriptor
    private var master: FileDescriptor?
    private var isRaw = false

    /// Changes nothing yet.
    /// - Parameter interactive: whether standard input is passed on, which then has to be a terminal.
    init(interactive: Bool) throws(CommandError) {
        if interactive {
            guard isatty(0) == 1 else {
                throw CommandError(
                    "--tty: the input device is not a TTY; with --interactive standard input has to be a "
                        + "terminal, so leave one of the two out")
            }
            do throws(SystemError) {
                mode = try TerminalMode(of: 0)
            } catch {
                throw CommandError("--tty: \(error)")
            }
        } else {
            mode = nil
        }
        let number = unsafe clinux_signalfd([SIGWINCH, SIGCONT], 2)
        guard number >= 0 else { throw CommandError("signalfd: \(Errno(rawValue: errno))") }
        signals = FileDescriptor(owning: number)
    }

    deinit { restore() }

    /// Readable when the user's terminal has another size, or we go on after a stop.
    var signalsNumber: CInt { signals.number }

    /// Takes the sandbox's terminal over, before a process has it.
    func begin(_ master: consuming FileDescriptor) throws(SystemError) {
        let number = master.number
        _ = try call("fcntl(F_SETFL)", on: "the sandbox's terminal") { fcntl(number, F_SETFL, O_NONBLOCK) }
        self.master = consume master
        // Some size is better than none, where nothing of ours is a terminal.
        if !resize() { _ = clinux_terminal_resize(number, 24, 80) }
        try enter()
    }

    /// What the sandbox's processes write, as one stream.
    func output() throws(SystemError) -> OutputPump {
        OutputPump(from: try duplicate(), to: 1, copying: true)
    }

    /// What the user types; nothing without `-i`.
    func input() throws(SystemError) -> InputPump { InputPump(to: mode == nil ? nil : try duplicate()) }

    /// Makes the terminal's output end behind what was written: to be called when no process of the sandbox
    /// lives. A terminal that no process ever had open does not end, so that whoever read it would wait for
    /// ever: the kernel tells of an end only when the slave is closed (tty_ioctl(4), TIOCGPTPEER).
    /// - Returns: false where that cannot be done, and nothing can be awaited.
    func end() -> Bool {
        let slave = clinux_terminal_slave(master.numberOrNone)
        if slave >= 0 { close(slave) }
        return slave >= 0
    }

    private func duplicate() throws(SystemError) -> FileDescriptor {
        switch master {
        case .some(let master): return try master.duplicate()
        case .none: throw SystemError("terminal", "sandbox-init", .badDescriptor)
        }
    }

    /// Follows the user's terminal: its size, and back to raw after a stop, since the shell that stopped us
    /// has set its own modes.
    func signalled() {
        var goesOn = false
        while true {
            let number = clinux_signalfd_read(signals.number)
            if number < 0 { break }
            if number == SIGCONT { goesOn = true }
        }
        _ = resize()
        // A terminal that was hung up refuses, and SIGHUP ends the run then.
        if goesOn, isRaw, !isInBackground { try? enter() }
    }

    /// Puts the user's terminal back. Not from the background: the terminal then is the shell's, and as the
    /// shell wants it.
    func restore() {
        guard isRaw, !isInBackground else { return }
        isRaw = false
        switch mode {
        case .some(let mode): try? mode.restore()
        case .none: return
        }
    }

    private func enter() throws(SystemError) {
        switch mode {
        case .some(let mode):
            // Before the call: what is half done has to be undone too.
            isRaw = true
            try mode.makeRaw()
        case .none: return
        }
    }

    private var isInBackground: Bool {
        switch mode {
        case .some(let mode): mode.isInBackground()
        case .none: false
        }
    }

    /// Gives the sandbox's terminal the size of ours: the one that shows the output, else the first there is.
    private func resize() -> Bool {
        var rows: UInt16 = 0
        var columns: UInt16 = 0
        for number in [1, 0, 2] as [CInt] {
            guard unsafe clinux_terminal_size(number, &rows, &columns) == 0 else { continue }
            return clinux_terminal_resize(master.numberOrNone, rows, columns) == 0
        }
        return false
    }
}

extension LaunchRules {
    /// The environment of a run's program. On a terminal it is told of which kind, as docker tells it.
    func environment(_ options: RunOptions) -> [String] {
        let isSet = environment.contains { $0.hasPrefix("TERM=") }
        return environment + (options.terminal && !isSet ? ["TERM=xterm"] : [])
    }
}
