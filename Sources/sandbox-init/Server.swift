// Serving the control socket: starting processes, signals, exits.

import CLinux

/// A process that the launcher asked for.
private struct Running {
    /// The launcher's number for it.
    let process: UInt64
    let pid: Int32
    let pidfd: Int32
    /// Whether the sandbox ends with it.
    let isMain: Bool
    var ended = false
}

struct Server {
    private var rules: ProcessRules
    private var running: [Running] = []

    init(_ rules: ProcessRules) {
        self.rules = rules
    }

    /// Returns when the launcher is gone.
    consuming func run() {
        var signals: [1 of Int32] = [CLINUX_SIGCHLD]
        let children = unsafe withUnsafePointer(to: &signals) { numbers in
            unsafe clinux_signalfd(UnsafeRawPointer(numbers).assumingMemoryBound(to: Int32.self), 1)
        }
        guard children >= 0 else { return }
        let terminals = rules.terminal >= 0 ? [rules.terminal] : []
        let ready = ControlMessage(.ready, a: UInt64(terminals.count), b: UInt64(rules.copy + 1))
        guard Control.send(ready, rules.listeners + terminals) else { return }
        for index in rules.listeners.indices { _ = clinux_close(rules.listeners[index]) }
        while true {
            let ready = clinux_poll_two(PlanFormat.control, children)
            guard ready > 0 else { return }
            if ready & 2 != 0 {
                while clinux_signalfd_read(children) >= 0 {}
                reap()
            }
            if ready & 1 != 0 {
                guard let received = Control.receive() else { return }
                handle(received)
            }
        }
    }

    private mutating func handle(_ received: Received) {
        let message = received.message
        switch message.kind {
        case .start: start(message.process, received)
        case .signal:
            if let index = running.firstIndex(where: { $0.process == message.process && !$0.ended }) {
                signal(running[index], Int32(truncatingIfNeeded: message.a))
            }
        case .acknowledge:
            if let index = running.firstIndex(where: { $0.process == message.process && $0.ended }) {
                _ = clinux_close(running[index].pidfd)
                running.remove(at: index)
            }
        default: break
        }
        for index in 0..<received.count { _ = clinux_close(received.descriptors[index]) }
    }

    private func signal(_ process: Running, _ number: Int32) {
        _ = clinux_pidfd_signal(process.pidfd, number)
        // Not reaped yet, so the number is nobody else's.
        if number == CLINUX_SIGKILL { _ = clinux_signal_group(process.pid, number) }
    }

    private mutating func start(_ process: UInt64, _ received: Received) {
        var failure = clinux_failure(step: 0, error: CLINUX_EINVAL, detail: 0)
        var pidfd: Int32 = -1
        var pid: Int32 = -1
        var given = Given()
        if take(received, &given, &failure) {
            pid = Request.start(received.descriptors[0], given, rules, &pidfd, &failure)
        }
        // The launcher's and the process's alone from here on.
        defer { if given.terminal >= 0 { _ = clinux_close(given.terminal) } }
        guard pid > 0 else {
            let (step, error) = (
                UInt64(UInt32(bitPattern: failure.step)), UInt64(UInt32(bitPattern: failure.error))
            )
            let detail = UInt64(UInt32(bitPattern: failure.detail))
            Control.send(ControlMessage(.startFailed, process: process, a: step, b: error, c: detail))
            return
        }
        running.append(Running(process: process, pid: pid, pidfd: pidfd, isMain: received.message.a == 1))
        let isNew = received.message.b & StartFlags.newTerminal != 0
        Control.send(
            ControlMessage(.started, process: process, a: UInt64(UInt32(bitPattern: pid))),
            isNew ? [given.terminal] : [])
    }

    /// What the process is started with.
    /// - Returns: false where the message has not what its flags say, or there is no terminal.
    private mutating func take(
        _ received: Received, _ given: inout Given, _ failure: inout clinux_failure
    ) -> Bool {
        let (flags, files) = (received.message.b, received.descriptors)
        guard received.count > 0, received.count == StartFlags.count(flags) else { return false }
        var next = 1
        if flags & StartFlags.script != 0 {
            given.script = files[next]
            next += 1
        }
        if flags & StartFlags.firstTerminal != 0 {
            swap(&given.terminal, &rules.terminal)
            return given.terminal >= 0
        }
        if flags & StartFlags.newTerminal != 0 {
            given.terminal = newTerminal(received.message)
            if given.terminal < 0 {
                failure = clinux_failure(
                    step: Int32(CLINUX_STEP_TERMINAL.rawValue), error: clinux_errno(), detail: 0)
            }
            return given.terminal >= 0
        }
        var input = rules.null
        if flags & StartFlags.input != 0 {
            input = files[next]
            next += 1
        }
        given.standard = [input, files[next], files[next + 1]]
        return true
    }

    private func newTerminal(_ message: ControlMessage) -> Int32 {
        let master = clinux_terminal(rules.terminals)
        if master >= 0 {
            _ = clinux_terminal_resize(
                master, UInt16(truncatingIfNeeded: message.d), UInt16(truncatingIfNeeded: message.c))
        }
        return master
    }

    /// Reaps whatever ended: processes that were asked for, and every orphan of theirs.
    private mutating func reap() {
        var exit = clinux_exit()
        while unsafe clinux_reap(&exit) == 1 {
            guard let index = running.firstIndex(where: { $0.pid == exit.pid && !$0.ended }) else { continue }
            // Kept until the launcher acknowledges it, so that no exit status is lost with it.
            running[index].ended = true
            Control.send(
                ControlMessage(
                    .exited, process: running[index].process, a: UInt64(UInt32(bitPattern: exit.code)),
                    b: UInt64(UInt32(bitPattern: exit.status)), c: UInt64(exit.user_us),
                    d: UInt64(exit.system_us),
                    e: UInt64(exit.max_rss_kb)))
            // The message is in the socket; the kernel ends everything else with us.
            if running[index].isMain { clinux_exit_now(0) }
        }
    }
}
