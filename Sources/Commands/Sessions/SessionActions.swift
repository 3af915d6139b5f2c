import Client
import Glibc
import Tables

/// What is done to sessions that are named one by one.
extension SessionCommand {
    static let pause = several(
        "pause", summary: "Stop all processes of sessions where they are.",
        examples: ["corral session pause web"],
        details: """
            A session that is paused answers no exec and still ends at its time. Where cgroups cannot be frozen
            (a host with version 1 alone) it is refused.
            """
    ) { _ in
        { (calls, session) throws(ClientError) in try calls.pause(session) }
    }

    static let resume = several(
        "resume", summary: "Let the processes of paused sessions go on.",
        examples: ["corral session resume web"]
    ) { _ in
        { (calls, session) throws(ClientError) in try calls.resume(session) }
    }

    static let renew = several(
        "renew", summary: "Begin the time to live of sessions again.",
        options: [.init("ttl", value: "TIME", help: "a new one, such as 1h, in place of the session's own")],
        examples: ["corral session renew web", "corral session renew --ttl 2h web"],
        details: "No renewal goes past what --max said when the session was created."
    ) { (arguments) throws(CommandError) in
        let ttl = try SessionOptions.whole(arguments, "ttl", SessionOptions.ttl)
        return { (calls, session) throws(ClientError) in try calls.renew(session, ttl: ttl) }
    }

    static let kill = several(
        "kill", summary: "End sessions and wait until nothing of them is left.",
        options: [
            .init("grace", value: "TIME", help: "between SIGTERM and SIGKILL (default: 10s); 0s for none"),
            .init("reason", value: "TEXT", help: "kept with the session, which has it as its message"),
        ],
        examples: ["corral session kill web", "corral session kill --grace 0s --reason 'runs wild' web"],
        details: """
            All processes get SIGTERM, and what is left after the grace is killed. The session, its output and
            its results can be looked at until they are old, or removed with corral session rm.
            """
    ) { (arguments) throws(CommandError) in
        let grace = try SessionOptions.whole(arguments, "grace", SessionOptions.grace)
        let reason = arguments.value("reason")
        return { (calls, session) throws(ClientError) in
            try calls.kill(session, grace: grace, reason: reason)
        }
    }

    static let remove = several(
        "rm", summary: "Forget sessions that have ended, and what they wrote.",
        options: [.init("force", short: "f", help: "end those that have not ended first, without a grace")],
        examples: ["corral session rm web", "corral session rm -f web"]
    ) { arguments in
        let isForced = arguments.has("force")
        return { (calls, session) throws(ClientError) in try calls.remove(session, isForced: isForced) }
    }

    private typealias Action = @Sendable (SessionCalls, String) throws(ClientError) -> Void

    /// A command that does one thing to each of its operands and prints them.
    /// - Parameter action: made from the options, before any daemon is asked.
    private static func several(
        _ word: String, summary: String, options: [Command.Option] = [], examples: [String],
        details: String = "",
        _ action: @escaping @Sendable (Arguments) throws(CommandError) -> Action
    ) -> Command {
        let name = "session \(word)"
        return Command(
            name, summary: summary, operandsHelp: "SESSION...", operands: 1...Int.max,
            operandKinds: [.session], options: options + DaemonAccess.options, examples: examples,
            details: details
        ) { arguments in
            do throws(CommandError) {
                let act = try action(arguments)
                let socket = try DaemonAccess.address(arguments)
                return EachSession.run(name, arguments.operands) { (session) throws(ClientError) in
                    // An end takes as long as it takes.
                    try act(SessionCalls(socket, patience: nil), session)
                    return session
                }
            } catch {
                Terminal.error("corral \(name): \(error)")
                return ExitCode.failure
            }
        }
    }

    static let wait = Command(
        "session wait", summary: "Wait until sessions have ended, and print why each has.",
        operandsHelp: "SESSION...", operands: 1...Int.max, operandKinds: [.session],
        options: DaemonAccess.options, examples: ["corral session wait web"],
        details: """
            One line for each session, in the order in which they are named: the cause, such as ttl, idle, max,
            operator, memory or daemon-restart. A daemon that is started anew meanwhile is waited for.
            """
    ) { arguments in
        do throws(CommandError) {
            let socket = try DaemonAccess.address(arguments)
            return EachSession.run("session wait", arguments.operands) { (word) throws(ClientError) in
                let calls = SessionCalls(socket, patience: nil)
                // By its id from here on: another session may get the name.
                let id = try calls.inspect(word).id
                var daemon = UntilAnswered("session wait")
                let ended = try daemon.ask { () throws(ClientError) in try calls.wait(id) }
                return ended.cause ?? ended.state
            }
        } catch {
            Terminal.error("corral session wait: \(error)")
            return ExitCode.failure
        }
    }

    // MARK: Prune

    private static let pruneKeys = listKeys.filter { $0.name != "state" }

    static let prune = Command(
        "session prune", summary: "Forget every session that has ended, and what it wrote.",
        options: [
            .init("force", short: "f", help: "do not ask"),
            .init(
                "filter", value: "KEY=VALUE", repeats: true,
                help: "only what has it; KEY is \(pruneKeys.map(\.name).joined(separator: ", "))"),
        ] + DaemonAccess.options,
        examples: ["corral session prune -f", "corral session prune -f --filter label=team=red"],
        details: "Prints the ids of what it forgot. Without a terminal to ask at it does nothing but with -f."
    ) { arguments in
        do throws(CommandError) {
            let filters = try arguments.filters(pruneKeys)
            let socket = try DaemonAccess.address(arguments)
            let calls = SessionCalls(socket)
            let ended = try found(filters, all: true, calls).filter(\.hasEnded)
            if ended.isEmpty { return ExitCode.success }
            if !arguments.has("force"), !(try isWanted(ended.count)) { return ExitCode.failure }
            return EachSession.run("session prune", ended.map(\.id)) { (id) throws(ClientError) in
                do throws(ClientError) {
                    try SessionCalls(socket).remove(id, isForced: false)
                } catch {
                    // Somebody else was faster.
                    if case .refused(let refusal) = error, refusal.status == 404 { return id }
                    throw error
                }
                return id
            }
        } catch {
            Terminal.error("corral session prune: \(error)")
            return ExitCode.failure
        }
    }

    /// Asks at the terminal.
    private static func isWanted(_ count: Int) throws(CommandError) -> Bool {
        guard isatty(0) == 1 else {
            throw CommandError("there is no terminal to ask at; -f forgets \(count) without asking")
        }
        let what = count == 1 ? "1 session that has ended" : "\(count) sessions that have ended"
        Terminal.write("This forgets \(what), and what was written there. Go on? [y/N] ", to: 2)
        let answer = readLine() ?? ""
        return ["y", "yes"].contains(answer.lowercased())
    }
}
