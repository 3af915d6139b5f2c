import CLinux
import Cgroups
import FailPoints
import Launch
import Linux
import Preparation
import Sandbox
import WardenProtocol

// Ends of sandboxes: asked for, met by a limit, or come by themselves. Never waited for: the pidfd tells when
// the init is dead, and time is given to the kernel to empty the groups.

extension Engine {
    func kill(_ id: SandboxID) {
        guard let live = sandboxes[id] else { return }
        live.end(because: .operator)
        beginEnd(live)
    }

    /// Lifts the quota, kills the group and the init.
    func beginEnd(_ live: LiveSandbox) {
        guard live.isAlive, let sandbox = live.sandbox else { return }
        live.phase = .ending
        live.due = clinux_boottime() + patienceWithTheDead
        live.resources.beginKill(sandbox)
    }

    /// The init is dead, and with it everything in its pid namespace (pid_namespaces(7)).
    func ended(_ live: LiveSandbox) {
        guard let sandbox = live.sandbox, let loop else { return }
        FailPoint.pass(.wardenInitDead)
        hearOut(live, sandbox)
        let exit = try? sandbox.reap()
        if !live.isReady, live.cause == nil, let failure = try? sandbox.failure() {
            live.end(because: .launchFailed, failure.description)
        }
        let kills = live.told.oomKills ?? 0
        noteLimits(of: live)
        if (live.told.oomKills ?? 0) > kills, exit?.status == .signalled(9) {
            live.end(because: .memory, "the kernel ended the sandbox's init for want of memory")
        }
        live.end(because: .signalled, exit.map { "sandbox-init \($0)" } ?? "")
        live.letGo(on: loop)
        let wasTold = live.phase == .stuck
        live.phase = wasTold ? .stuck : .emptying(until: clinux_boottime() + patienceWithTheDead)
        if !wasTold { empty(live, clinux_boottime()) }
    }

    /// Exits that the init has told and nobody has read yet.
    private func hearOut(_ live: LiveSandbox, _ sandbox: RunningSandbox) {
        while case .some(.some(let event)) = try? sandbox.receiveIfAny() {
            if case .gone = event { return }
            take(event, of: live, sandbox)
        }
    }

    func look(at live: LiveSandbox, _ now: UInt64) {
        live.due = nil
        switch live.phase {
        case .starting, .stuck: break
        case .running, .paused: watch(live, now)
        // What the pidfd has to tell may wait behind the timer.
        case .ending: if live.hasDied { ended(live) } else { stuck(live, "its processes do not end") }
        case .emptying: empty(live, now)
        }
    }

    private func watch(_ live: LiveSandbox, _ now: UInt64) {
        guard let watch = live.watch else { return }
        switch watch.examine() {
        case .again(let after): live.due = now + after
        case .rest: break
        case .usedUp(.cpuTime):
            live.end(because: .cpu, "limits.cpu_time is used up")
            beginEnd(live)
        case .usedUp(.pids):
            live.end(because: .pids, "a process was refused, and limits.pids_kill is set")
            beginEnd(live)
        }
    }

    /// Removes the groups, or tries again soon: the kernel counts processes for a moment that have ended.
    private func empty(_ live: LiveSandbox, _ now: UInt64) {
        guard case .emptying(let until) = live.phase else { return }
        let end = SandboxEnd(
            cause: live.cause ?? .signalled, detail: live.detail, statistics: live.statistics, at: now)
        do throws(PreparationError) {
            try live.resources.release(within: 0)
            FailPoint.pass(.wardenGroupsRemoved)
            forget(live)
            releaseWorkspace(of: live.id)
            say(.gone(live.id, end))
        } catch {
            guard now < until else { return stuck(live, error.description) }
            live.due = now + live.pause
            live.pause = min(live.pause * 2, 100_000_000)
        }
    }

    /// Its slot stays taken, and so do its name and its ids, until ``clean(_:)`` succeeds.
    private func stuck(_ live: LiveSandbox, _ why: String) {
        live.phase = .stuck
        noteLimits(of: live)
        let end = SandboxEnd(
            cause: live.cause ?? .signalled, detail: live.detail, statistics: live.statistics,
            at: clinux_boottime())
        say(.stuck(live.id, end, remains: why))
    }

    func clean(_ id: SandboxID) throws(Refusal) {
        guard let live = sandboxes[id] else { return }
        guard live.phase == .stuck else { throw Refusal(.state, "the sandbox \(id) is not stuck") }
        if let sandbox = live.sandbox {
            live.resources.beginKill(sandbox)
            throw Refusal(.system, "the processes of the sandbox \(id) do not end")
        }
        do throws(PreparationError) {
            try live.resources.release(within: 0)
            forget(live)
            releaseWorkspace(of: live.id)
        } catch {
            throw Refusal(.system, error.description)
        }
    }
}
