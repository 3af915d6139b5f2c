package import Linux

/// The graceful end: no new connections, answers under way are finished, and then nothing is left.
extension HTTPService {
    /// Begins to stop, once.
    ///
    /// Upgraded connections are told to end, streams that have nothing to send are ended, idle
    /// connections closed. What is not over after `time` nanoseconds is cut off.
    ///
    /// - Parameter done: called on the loop's thread when no connection is left and the service is off
    ///   the loop. The service then holds nothing.
    package func stop(within time: BootTime, _ done: @escaping () -> Void) {
        guard unsafe daemon != nil, !isStopping else { return }
        let deadline = Timer.now + time
        stopping = Stopping(deadline: deadline, done: done)
        listener?.close()
        listener = nil
        for connection in clients.upgraded { connection.onStop?() }
        clients.onUpgradedGone = { [weak self] in self?.schedule() }
        for client in clients.all.values {
            if let exchange = client.exchange { exchange.stop() } else { client.cut() }
        }
        wake(atLatest: deadline)
        schedule()
    }

    func endIfPossible() {
        guard let stopping else { return }
        let isLate = Timer.now >= stopping.deadline
        if isLate {
            clients.upgraded.forEach { $0.cut() }
            for client in clients.all.values {
                if let exchange = client.exchange { exchange.lost() }
                client.cut()
            }
        }
        guard clients.all.isEmpty, isLate || clients.upgradedCount == 0 else {
            // Those that were cut off are gone when the library has looked at them.
            if isLate { schedule() }
            return
        }
        end()
        self.stopping = nil
        stopping.done()
    }
}
