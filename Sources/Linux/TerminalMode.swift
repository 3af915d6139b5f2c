import Glibc

/// A terminal's modes (termios(3)) as they were, to be put back.
package struct TerminalMode: ~Copyable, Sendable {
    private let terminal: CInt
    private let saved: termios

    /// Remembers the modes of a terminal.
    /// - Parameter terminal: stays the caller's, and open for as long as this value lives.
    package init(of terminal: CInt) throws(SystemError) {
        var modes = termios()
        _ = try call("tcgetattr") { unsafe tcgetattr(terminal, &modes) }
        self.terminal = terminal
        saved = modes
    }

    /// Every key is a byte to read, and nothing is done to what is written (cfmakeraw(3)). In the
    /// background the kernel stops the caller here until it comes to the foreground.
    package borrowing func makeRaw() throws(SystemError) {
        var modes = saved
        unsafe cfmakeraw(&modes)
        try set(modes)
    }

    /// Puts the modes back, at once: what was written and is not yet shown has had its own already. What
    /// was typed and not read is thrown away: it may be a terminal's answer to what a program wrote, and
    /// must not reach whoever reads next.
    package borrowing func restore() throws(SystemError) {
        _ = tcflush(terminal, TCIFLUSH)
        try set(saved)
    }

    private borrowing func set(_ modes: termios) throws(SystemError) {
        var modes = modes
        let terminal = terminal
        while true {
            if unsafe tcsetattr(terminal, TCSANOW, &modes) == 0 { return }
            guard errno == EINTR else { throw SystemError("tcsetattr", nil, Errno(rawValue: errno)) }
        }
    }

    /// Whether the terminal is the caller's controlling one and another process group has it now, such as
    /// the shell's. Changing its modes would then disturb that group.
    package borrowing func isInBackground() -> Bool {
        let foreground = tcgetpgrp(terminal)
        return foreground >= 0 && foreground != getpgrp()
    }
}
