// sandbox-init: PID 1 of every sandbox.
//
// It carries out the plan that the launcher made (mounts, sockets, rules), gives up the privileges
// that this needed, and then serves the control socket: it starts processes, passes signals on,
// reaps, and reports each exit. It ends, and with it the whole sandbox, when that socket closes.
// One thread, Embedded Swift, static; everything it knows comes by the control socket.

import CLinux

@main struct Main {
    static func main() {
        clinux_umask(0)
        // Inherited open; no process that is started here may inherit them in turn.
        _ = clinux_close_on_exec_from(3)
        guard let go = Control.receive() else { clinux_exit_now(0) }
        if go.message.kind == .identify {
            Control.send(ControlMessage(.identity, a: UInt64(PlanFormat.version)))
        }
        guard go.message.kind == .go else { clinux_exit_now(0) }
        // Not traceable, and /proc/1 closed to the sandbox, from before it has any other process. Not
        // earlier: an ordinary user could not write the id maps of a process that is not dumpable.
        _ = clinux_set_dumpable(0)
        guard let rules = Setup.run(go) else { clinux_exit_now(1) }
        Server(rules).run()
        clinux_exit_now(0)
    }
}
