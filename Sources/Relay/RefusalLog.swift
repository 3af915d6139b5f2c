import CLinux
import Glibc
import Linux
import Synchronization

/// What a relay has refused, counted by its rule. Lives on the relay's thread; ``RelayNews`` tells others.
final class RefusalLog {
    private(set) var counts = RefusalCounts()
    /// The first refusal that ends the sandbox, if there was one.
    private(set) var violation: RelayViolation?
    private let news: RelayNews

    init(_ news: RelayNews) { self.news = news }

    /// - Parameters:
    ///   - reason: asked for only the first time that `rule` refuses something, and where it kills.
    ///   - kills: whether the sandbox is to be ended for it.
    func add(_ rule: RelayRule, count: UInt64 = 1, kills: Bool = false, _ reason: @autoclosure () -> String) {
        if counts.add(rule, count: count, reason()), let first = counts.list.last {
            news.tell(first.rule, first.first)
        }
        guard kills, violation == nil else { return }
        let violation = RelayViolation(rule: rule, reason: reason())
        self.violation = violation
        news.tell(violation)
    }
}

/// A message of the plugin's for which the whole sandbox is ended.
package struct RelayViolation: Hashable, Sendable {
    package let rule: RelayRule
    /// In words.
    package let reason: String

    package init(rule: RelayRule, reason: String) {
        self.rule = rule
        self.reason = reason
    }
}

/// What a relay tells the thread that started it, while it runs: the first refusal by each rule, and a
/// violation that is to end the sandbox. The relay's thread never waits for whoever reads it, and
/// there is at most one entry for each rule.
package final class RelayNews: Sendable {
    private struct State {
        var refusals: [(rule: RelayRule, reason: String)] = []
        var violation: RelayViolation?
    }

    private let state = Mutex(State())
    /// Counts up with each piece of news (eventfd(2)).
    private let bell: FileDescriptor

    init() throws(SystemError) { bell = FileDescriptor(owning: try call("eventfd") { clinux_eventfd() }) }

    /// A descriptor that can be read from while there is news; not to be read, nor closed.
    package var number: CInt { bell.number }

    /// What is new since the last time.
    package func take() -> [(rule: RelayRule, reason: String)] {
        var count: UInt64 = 0
        let number = bell.number
        _ = unsafe Glibc.read(number, &count, 8)
        return state.withLock { state in
            let news = state.refusals
            state.refusals = []
            return news
        }
    }

    /// The first violation that ends the sandbox.
    package var violation: RelayViolation? { state.withLock { $0.violation } }

    fileprivate func tell(_ rule: RelayRule, _ reason: String) {
        state.withLock { $0.refusals.append((rule, reason)) }
        ring()
    }

    fileprivate func tell(_ violation: RelayViolation) {
        state.withLock { $0.violation = violation }
        ring()
    }

    private func ring() {
        var one: UInt64 = 1
        // Fails only when the count is full, and then the bell has rung.
        _ = unsafe Glibc.write(bell.number, &one, 8)
    }
}
