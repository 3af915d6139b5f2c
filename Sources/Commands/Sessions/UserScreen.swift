import CLinux
import Glibc
import Linux

/// The user's terminal while a program of a session is on it: raw, so that every key reaches the program as
/// it was typed, and as it was before after every end but SIGKILL of ours.
final class UserScreen {
    private let mode: TerminalMode
    private(set) var isRaw = false

    init() throws(CommandError) {
        guard isatty(0) == 1 else {
            throw CommandError(
                "the input device is not a TTY; leave out --tty or --interactive, or give --no-stdin to attach"
            )
        }
        do throws(SystemError) {
            mode = try TerminalMode(of: 0)
        } catch {
            throw CommandError("the terminal: \(error)")
        }
    }

    deinit { restore() }

    func enter() {
        // Before the call: what is half done has to be undone too.
        isRaw = true
        try? mode.makeRaw()
    }

    /// After a stop: the shell that stopped us has set modes of its own.
    func goOn() { if isRaw, !mode.isInBackground() { try? mode.makeRaw() } }

    func restore() {
        // In the background the terminal is the shell's, and as the shell wants it.
        guard isRaw, !mode.isInBackground() else { return }
        isRaw = false
        try? mode.restore()
    }

    /// The size of the terminal that shows the output, else of the first there is.
    static var size: (columns: UInt16, rows: UInt16)? {
        for number in [1, 0, 2] as [CInt] {
            var (rows, columns): (UInt16, UInt16) = (0, 0)
            guard unsafe clinux_terminal_size(number, &rows, &columns) == 0 else { continue }
            if rows > 0, columns > 0 { return (columns, rows) }
        }
        return nil
    }
}
