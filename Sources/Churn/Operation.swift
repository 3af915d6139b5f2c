/// Something a client does. In the lists an operation comes as often as it shall.
enum Operation: String, CaseIterable {
    case create, exec, detached, start, talk, failing, signal, stop, logs, attach, pause, resume, renew,
        inspect
    case list, kill, wait, remove

    /// What a random client does.
    static let mix: [Operation] = [
        .create, .create, .create, .exec, .exec, .exec, .exec, .detached, .detached, .detached, .start,
        .start, .talk, .talk, .failing, .signal, .stop, .logs, .logs, .attach, .attach, .attach, .pause,
        .resume,
        .resume, .renew, .inspect, .inspect, .list, .kill, .kill, .wait, .remove, .remove,
    ]

    /// A short life in which every fail point is met.
    static let life: [Operation] = [
        .create, .start, .exec, .failing, .talk, .detached, .attach, .start, .logs, .signal, .pause, .inspect,
        .resume, .attach, .stop, .renew, .list, .kill, .remove, .create, .exec,
    ]
}

extension ChurnClient {
    /// Sessions a client has at most, and processes that it knows of in one.
    private static let most = 4
    private static let mostProcesses = 24

    /// Does it with some session that it can be done with, or nothing.
    func perform(_ operation: Operation) throws {
        func one(_ fits: (ModelSession) -> Bool) -> Int? {
            sessions.indices.filter { fits(sessions[$0]) }.randomElement(using: &random)
        }
        let there = one { $0.cause == nil }
        let running = one { $0.cause == nil && !$0.isPaused }
        let paused = one { $0.cause == nil && $0.isPaused }
        let roomy = one {
            $0.cause == nil && !$0.isPaused && $0.processes.count < ChurnClient.mostProcesses
        }
        let ended = one { $0.cause != nil }
        switch operation {
        case .create: if sessions.count < ChurnClient.most { _ = try create() }
        case .list: try list()
        case .exec: if let roomy { try exec(roomy) }
        case .detached: if let roomy { try execDetached(roomy) }
        case .start: if let roomy { try start(roomy, failing: false) }
        case .talk: if let roomy { try talk(roomy) }
        case .failing: if let roomy { try start(roomy, failing: true) }
        case .signal: if let running { try signal(running) }
        case .stop: if let running { try stop(running) }
        case .logs: if let running { try logs(running) }
        case .attach: if let running { try attach(running) }
        case .pause: if let running { try pause(running) }
        case .resume: if let paused { try resume(paused) }
        case .renew: if let there { try renew(there) }
        case .inspect: if let any = one({ _ in true }) { try inspect(any) }
        case .kill: if let there { try end(there) }
        case .wait: if let ended { try wait(ended) }
        case .remove: if let any = ended ?? one({ _ in true }) { try remove(any, forced: true) }
        }
    }
}
