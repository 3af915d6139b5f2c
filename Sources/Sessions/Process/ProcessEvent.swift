package import Sandbox

/// Something that happens to a process.
package enum ProcessEvent: Hashable, Sendable {
    // From the daemon.

    case start
    /// The moment of ``ProcessAction/deadline(_:)`` has come.
    case deadline
    /// Output was not kept: so many bytes in all, of both streams.
    case outputCut(UInt64)
    /// It has written more than it may, and its rules say that this ends it.
    case outputExceeded
    /// Its session begins to end, and sees to its processes itself.
    case sessionStopping(Cause)
    /// Nothing of its session lives.
    case sessionEnded(Cause)

    // From the warden.

    case started
    case startFailed(String)
    case exited(ProcessExit)
    /// After a restart of the daemon: the warden has it, running.
    case adopted
    /// After a restart of the daemon: no warden knows of it.
    case lost(Loss)

    // From clients.

    case stop(Stop)
    case wait(Ticket)
    case abandoned(Ticket)
}

/// What is to be done, in this order. A change of the state is recorded before what follows from it.
package enum ProcessAction: Hashable, Sendable {
    case record(ProcessRecord)

    // For the warden.

    case start
    /// TERM, to it and its group.
    case terminate
    case kill

    // For the daemon.

    /// When to send ``ProcessEvent/deadline``; nil for never. Replaces the one before.
    case deadline(BootTime?)
    case publish(ProcessNews)
    case answer(Ticket, ProcessResult)
    case ignored(IgnoredEvent)
}

/// What observers are told.
package enum ProcessNews: Hashable, Sendable {
    case state(ProcessState)
    /// A run ended and another one follows.
    case restarts(after: ProcessStatus?, at: BootTime)
    case ended(ProcessResult)
}
