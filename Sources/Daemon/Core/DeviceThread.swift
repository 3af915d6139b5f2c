import Linux
import Store
import Synchronization

/// Waits for the device on a thread beside the loop's: however slow it is, it holds up those who are to be told
/// that something is on it, and nobody else. One wait at a time; what is recorded meanwhile goes with the next.
final class DeviceThread {
    /// What lives on the thread.
    private final class Waiter {
        let loop: EventLoop
        init(_ loop: EventLoop) { self.loop = loop }
    }

    /// How a wait ended, on its way back.
    private final class Landing: Sendable {
        private let problem = Mutex<StoreError??>(nil)

        func set(_ value: StoreError?) { problem.withLock { $0 = .some(value) } }
        func take() -> StoreError?? { problem.withLock { $0.take() } }
    }

    private let orders: Mailbox<Waiter>
    private let mailbox: Mailbox<DeviceThread>
    private var thread: Parcel<Thread>?
    private let landing = Landing()
    private var current: DeviceWait?
    private let finish: (DeviceWait, StoreError?) -> Void

    /// - Parameter finish: called on the loop's thread with each wait, and why it was in vain. It may begin the next.
    init(
        on loop: EventLoop, then finish: @escaping (DeviceWait, StoreError?) -> Void
    ) throws(SystemError) {
        self.finish = finish
        orders = try Mailbox()
        mailbox = try Mailbox()
        let waiter = Waiter(try EventLoop())
        try orders.attach(to: waiter.loop, owner: waiter)
        try mailbox.attach(to: loop, owner: self)
        let (mailbox, parcel) = (mailbox, Parcel(waiter))
        thread = Parcel(
            try Thread.start {
                guard let waiter = parcel.take() else { return }
                defer { waiter.loop.removeAll() }
                do throws(SystemError) {
                    try waiter.loop.run()
                } catch {
                    mailbox.post { $0.failed(error) }
                }
            })
    }

    var isWaiting: Bool { current != nil }

    /// Begins a wait where there is none.
    func begin(_ wait: DeviceWait) {
        guard thread != nil else { return finish(wait, wait.wait()) }
        current = wait
        let (landing, mailbox) = (landing, mailbox)
        orders.post { _ in
            landing.set(wait.wait())
            mailbox.post { $0.land() }
        }
    }

    private func land() {
        guard let wait = current, let problem = landing.take() else { return }
        current = nil
        finish(wait, problem)
    }

    /// Without its thread the loop waits.
    private func failed(_ error: SystemError) {
        landing.set(.system(error))
        stop()
    }

    /// Ends the thread, behind the wait that it is at. Who begins one from then on waits for it.
    func stop() {
        guard let thread = thread?.take() else { return }
        self.thread = nil
        orders.post { $0.loop.stop() }
        thread.join()
        mailbox.close()
        land()
    }
}
