import Linux
import Store

// Damage of the store that is found after the start: by the check that the start left out, since it takes
// longer the more has happened, or by any statement. Nothing is put right while the daemon runs. The next
// start checks everything, and sets aside what is damaged.

extension Daemon {
    /// Has the history checked beside the loop.
    func check(_ history: UncheckedHistory) {
        do throws(SystemError) {
            storeCheck = try StoreCheck(history, on: loop) { [weak self] in self?.checked($0) }
            log.line(.info, "the store is large: its history is checked while it is served")
        } catch {
            checked(.unfinished("\(error)"))
        }
    }

    private func checked(_ outcome: StoreCheck.Outcome) {
        storeCheck = nil
        switch outcome {
        case .sound: log.line(.info, "the store's history was checked and nothing is wrong with it")
        case .unfinished(let why):
            log.line(.error, "the store's history could not be checked: \(why)")
            orderCheck()
        case .damaged(let what):
            log.line(.error, "\(what)")
            // Without the order the next start would find nothing, and come to this again.
            guard orderCheck() else {
                storeState = .readOnly
                return
            }
            log.line(.error, "ending, to be started again, check the whole store and set it aside")
            exitCode = Daemon.startedAgain
            isOver = true
        }
    }

    /// Has the next start check everything where a statement found damage.
    func noteDamage() {
        guard !hasNotedDamage, let what = store.damage else { return }
        hasNotedDamage = true
        log.line(.error, "the store is damaged: \(what)")
        orderCheck()
    }

    /// - Returns: whether the next start will.
    @discardableResult
    private func orderCheck() -> Bool {
        do throws(StoreError) {
            try store.orderCheck()
            log.line(.info, "the next start checks the whole store")
            return true
        } catch {
            log.line(.error, "a check of the whole store cannot be ordered: \(error)")
            return false
        }
    }
}

/// The check of a store's history, on a thread beside the loop's.
final class StoreCheck {
    enum Outcome: Sendable {
        case sound
        /// With what is wrong.
        case damaged(StoreError)
        /// With why it says nothing.
        case unfinished(String)
    }

    private let mailbox: Mailbox<StoreCheck>
    private let stopMark = StopMark()
    private var thread: Parcel<Thread>?
    private let finish: (Outcome) -> Void

    /// - Parameter finish: called once on the loop's thread, unless it is stopped before.
    init(
        _ history: UncheckedHistory, on loop: EventLoop, then finish: @escaping (Outcome) -> Void
    ) throws(SystemError) {
        mailbox = try Mailbox()
        self.finish = finish
        let (mailbox, stop) = (mailbox, stopMark)
        thread = Parcel(
            try Thread.start {
                guard let outcome = StoreCheck.outcome(history, stop) else { return }
                mailbox.post { $0.end(outcome) }
            })
        try mailbox.attach(to: loop, owner: self)
    }

    /// - Returns: nil where it was stopped.
    private static func outcome(_ history: UncheckedHistory, _ stop: StopMark) -> Outcome? {
        do throws(StoreError) {
            return try history.check(until: stop) ? .sound : nil
        } catch {
            if case .damaged = error { return .damaged(error) }
            return .unfinished(error.description)
        }
    }

    private func end(_ outcome: Outcome) {
        // It has nothing left to do but to end.
        thread?.take()?.join()
        finish(outcome)
    }

    /// Ends it, so that nothing reads the store any more; takes as long as one step of sqlite's.
    func stop() {
        stopMark.set()
        mailbox.close()
        thread?.take()?.join()
    }
}
