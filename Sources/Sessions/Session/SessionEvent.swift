package import Sandbox

/// Something that happens to a session.
package enum SessionEvent: Hashable, Sendable {
    // From the daemon.

    /// It is its turn to be launched.
    case start
    /// The moment of ``SessionAction/deadline(_:)`` has come.
    case deadline

    // From the warden.

    case launched
    case launchFailed(String)
    /// PID 1 of the sandbox is dead, and all others with it.
    case initGone(Cause)
    /// What was killed is empty now.
    case killed
    case removed
    /// Killing or removing failed, for this reason.
    case removalFailed(String)
    case pauseDone
    case pauseFailed(String)
    case resumeDone
    case resumeFailed(String)
    /// After a restart of the daemon: the warden has it.
    case adopted(Holding)
    /// After a restart of the daemon: no warden has it.
    case lost(Loss)

    // From its processes.

    /// One is asked for; it counts until it has ended for good, while it waits for a restart too.
    case processStarted(ProcessKind)
    case processEnded(ProcessKind)
    /// An attach, a file, traffic of the relay.
    case used

    // From clients.

    case stop(Stop)
    /// - Parameter ttl: nil for the one it has.
    case renew(ttl: BootTime?, Ticket)
    case pause(Ticket)
    case resume(Ticket)
    case wait(Goal, Ticket)
    /// Nobody waits for this answer any more.
    case abandoned(Ticket)
}

/// Somebody who waits for an answer.
package struct Ticket: Hashable, Sendable {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }
}

/// What somebody waits for.
package enum Goal: Hashable, CaseIterable, Sendable {
    case started, paused, resumed, ended
}

/// That a session shall end.
package struct Stop: Hashable, Sendable {
    /// `operator` for a client's wish, else the limit or the policy that asks for it.
    package var cause: Cause
    /// Nil for the usual one; 0 to kill at once.
    package var grace: BootTime?
    /// Who hears of the end.
    package var ticket: Ticket?

    package init(_ cause: Cause = .operator, grace: BootTime? = nil, ticket: Ticket? = nil) {
        self.cause = cause
        self.grace = grace
        self.ticket = ticket
    }
}

/// What a warden says of a session that it has.
package struct Holding: Hashable, Sendable {
    package var isFrozen: Bool
    /// Running ones.
    package var execs: Int
    package var managed: Int

    package init(isFrozen: Bool = false, execs: Int = 0, managed: Int = 0) {
        self.isFrozen = isFrozen
        self.execs = execs
        self.managed = managed
    }
}

/// Why no warden has a session.
package enum Loss: Hashable, CaseIterable, Sendable {
    /// It died with its warden, or with the machine.
    case wardenGone
    /// The warden lived on and has not heard of it, or no longer has it.
    case unknown
}

/// What is to be done, in this order. A change of the state is recorded before what follows from it.
///
/// If a record cannot be made, the rest must not be done, and the machine from before the event stays;
/// except that what is dying is killed and removed all the same.
package enum SessionAction: Hashable, Sendable {
    case record(SessionRecord)

    // For the warden.

    case launch
    /// TERM to every process but the init.
    case signalAll
    /// Lift the cpu quota, kill the cgroup and the init, and tell when it is empty; also where the warden
    /// knows of none.
    case liftQuotaAndKill
    /// What is left of it: cgroups, volumes, network namespace. If there is nothing, that is as good.
    case remove
    case freeze
    case thaw

    // For the daemon.

    /// When to send ``SessionEvent/deadline``; nil for never. Replaces the one before.
    case deadline(BootTime?)
    case publish(SessionNews)
    case answer(Ticket, SessionAnswer)
    case ignored(IgnoredEvent)
}

/// What observers are told.
package enum SessionNews: Hashable, Sendable {
    case state(SessionState, Cause?, problem: String)
    case renewed(expiresAt: BootTime)
}

/// Why an event changes nothing.
package enum IgnoredEvent: String, CaseIterable, Sendable {
    /// It would begin something that has begun.
    case already
    /// It tells of something that is over, or that was not asked for.
    case late
    /// A deadline has not come yet; the one to wait for is set.
    case notDue
    /// The session has ended.
    case ended
}

/// What a client is told.
package enum SessionAnswer: Hashable, Sendable {
    /// It is as it was asked to be.
    case done
    case renewed(Lifespan.Renewal)
    case ended(SessionEnd)
    case refused(SessionRefusal)
}

package struct SessionEnd: Hashable, Sendable {
    package var cause: Cause
    package var at: BootTime
    package var problem: String

    package init(cause: Cause, at: BootTime, problem: String = "") {
        self.cause = cause
        self.at = at
        self.problem = problem
    }
}
