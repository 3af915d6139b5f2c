import Client
import Glibc
import Linux
import Synchronization

/// `corral session`: sandboxes that a daemon keeps.
enum SessionCommand {
    /// What is done to sessions as a whole, in the order that help shows.
    static let lifecycle: [Command] = [
        SessionCreate.command, list("session list"), list("session ls", isHidden: true),
        list("session ps", isHidden: true), inspect, stats, top, events, pause, resume, renew, kill, remove,
        wait, prune,
    ]
}

/// Does something to each of several sessions, as docker does it: all are tried, what is done is printed by the
/// name that was given, and what failed is told on a line of its own.
///
/// Several at a time, since the end of a session may take as long as its processes are given; printed in the
/// order in which they were named all the same.
final class EachSession: Sendable {
    private struct State {
        var next = 0
        var results: [Result<String, CommandError>?]
        var told = 0
        var hasFailed = false
    }

    private static let atOnce = 8

    private let command: String
    private let words: [String]
    private let act: @Sendable (String) throws(ClientError) -> String
    private let state: Mutex<State>

    private init(
        _ command: String, _ words: [String],
        _ act: @escaping @Sendable (String) throws(ClientError) -> String
    ) {
        self.command = command
        self.words = words
        self.act = act
        state = Mutex(State(results: Array(repeating: nil, count: words.count)))
    }

    /// - Parameters:
    ///   - command: as errors call it.
    ///   - words: what names the sessions.
    ///   - act: what is done to one, on a connection of its own; returns what is printed.
    /// - Returns: the exit code.
    static func run(
        _ command: String, _ words: [String],
        _ act: @escaping @Sendable (String) throws(ClientError) -> String
    ) -> Int32 {
        // One that is named twice is done once, so that it does not depend on who is faster.
        var distinct: [String] = []
        for word in words where !distinct.contains(word) { distinct.append(word) }
        let each = EachSession(command, distinct, act)
        each.work(threads: min(distinct.count, atOnce))
        return each.state.withLock { $0.hasFailed } ? ExitCode.failure : ExitCode.success
    }

    private func work(threads: Int) {
        guard threads > 1 else { return takeTurns() }
        do throws(SystemError) {
            let thread = try Thread.start { self.takeTurns() }
            work(threads: threads - 1)
            thread.join()
        } catch {
            // Slower, and no different.
            takeTurns()
        }
    }

    private func takeTurns() {
        while let index = takeTurn() {
            let result: Result<String, CommandError>
            do throws(ClientError) {
                result = .success(try act(words[index]))
            } catch {
                result = .failure(CommandError(asking: error))
            }
            state.withLock { state in
                state.results[index] = result
                while state.told < words.count, let next = state.results[state.told] {
                    tell(next, &state.hasFailed)
                    state.told += 1
                }
            }
        }
    }

    private func takeTurn() -> Int? {
        state.withLock { state in
            guard state.next < words.count else { return nil }
            defer { state.next += 1 }
            return state.next
        }
    }

    private func tell(_ result: Result<String, CommandError>, _ hasFailed: inout Bool) {
        switch result {
        case .success(let line): Terminal.print(line)
        case .failure(let error):
            hasFailed = true
            Terminal.error("corral \(command): \(error)")
        }
    }
}

/// Asks again for as long as the daemon is away, and says so: what is waited for goes on without it.
struct UntilAnswered {
    let command: String
    private var isAway = false

    init(_ command: String) { self.command = command }

    /// - Returns: what the daemon that is there answered.
    mutating func ask<Value>(_ body: () throws(ClientError) -> Value) throws(ClientError) -> Value {
        while true {
            do throws(ClientError) {
                let value = try body()
                isBack()
                return value
            } catch {
                guard error.isAway else { throw error }
                wait(error)
            }
        }
    }

    mutating func wait(_ error: ClientError) {
        let what = [.closed, .malformed(.endedEarly)].contains(error) ? "the daemon is gone" : "\(error)"
        if !isAway { Terminal.error("corral \(command): \(what); waiting for a daemon to answer") }
        isAway = true
        usleep(200_000)
    }

    mutating func isBack() {
        if isAway { Terminal.error("corral \(command): a daemon answers again") }
        isAway = false
    }
}
