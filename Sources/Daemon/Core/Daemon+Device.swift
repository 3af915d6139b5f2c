import Linux
import Metrics
import Store

// Who is told what, and when: not before what it follows from is on the device. Until then the loop goes on, and
// the warden has its orders.

/// Those who are to be told that something is on the device.
struct Telling {
    typealias Body = (String?) -> Void

    /// Nil until the loop runs.
    var device: DeviceThread?
    /// Asked for in this turn, and what they follow from may not even be recorded.
    fileprivate var asked: [Body] = []
    /// Theirs is recorded: the next wait is for them, and for what nobody is told of.
    fileprivate var recorded: [Body] = []
    fileprivate var isDue = false
    /// They are told when the wait is over that is going on.
    fileprivate var waiting: [Body] = []
    /// When that was begun.
    fileprivate var began: UInt64 = 0

    var isAsked: Bool { !asked.isEmpty }
}

extension Daemon {
    /// Has `body` called once everything that was recorded up to the end of this turn is on the device.
    /// - Parameter body: takes why it is not.
    func whenDurable(_ body: @escaping (String?) -> Void) { telling.asked.append(body) }

    /// Has `body` called when those have their answers who wait now for what this turn records.
    func whenAnswered(_ body: @escaping () -> Void) {
        whenDurable { [weak self] _ in self?.afterAnswers(body) }
    }

    /// Records what may still be waiting, and has the device waited for.
    func tell() {
        let problem = record()
        let asked = telling.asked
        (telling.asked, isDue) = ([], false)
        if let problem {
            for body in asked { body(problem) }
            return
        }
        telling.recorded += asked
        telling.isDue = true
        waitForDevice()
    }

    /// One wait for all of them, once the one before is over.
    private func waitForDevice() {
        guard telling.isDue, telling.device?.isWaiting != true else { return }
        telling.waiting = telling.recorded
        (telling.recorded, telling.isDue) = ([], false)
        telling.began = DaemonClock.now
        do throws(StoreError) {
            guard let wait = try store.beginSync() else { return told(nil) }
            guard let device = telling.device else { return landed(wait, wait.wait()) }
            device.begin(wait)
        } catch {
            told(unreached(error))
        }
    }

    /// - Parameter problem: why a wait was in vain.
    func landed(_ wait: DeviceWait, _ problem: StoreError?) {
        do throws(StoreError) {
            try store.endSync(wait, problem)
            counters.observe(Daemon.seconds(since: telling.began), in: .storeSync)
            told(nil)
        } catch {
            told(unreached(error))
        }
        waitForDevice()
    }

    private func told(_ problem: String?) {
        let bodies = telling.waiting
        telling.waiting = []
        for body in bodies { body(problem) }
    }

    /// - Returns: why what is recorded may not outlast a loss of power.
    private func unreached(_ error: StoreError) -> String {
        storeState = .readOnly
        counters.add(to: .storeFailures)
        log.line(.error, "what is recorded does not reach the device: \(error)")
        return error.description
    }
}
