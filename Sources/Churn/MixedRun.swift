import Client
import Glibc
import Linux
import Synchronization
import TestSupport

/// Many clients with random operations while somebody kills the daemons at random moments.
struct MixedRun {
    private let world: World
    private let options: Options
    private var random: Seeded

    init(_ world: World, _ options: Options) {
        self.world = world
        self.options = options
        random = Seeded(options.seed)
    }

    mutating func run() throws {
        let progress = Progress()
        let began = Host.now
        try Crowd.run(options.clients) { [world, options] index in
            let seed = options.seed &+ UInt64(index) &* 7919
            let client = ChurnClient("c\(index)", world, seed: seed)
            do {
                while !progress.isOver.load(ordering: .relaxed) {
                    try client.perform(client.random.pick(Operation.mix))
                }
                if options.plants, index == 0 { try client.plant() }
                try client.settle()
            } catch {
                client.wrong("it gave up: \(error)")
            }
            progress.counts.withLock { $0.merge(client.counts) { $0 + $1 } }
        } meanwhile: {
            let kills = strike(until: began + options.seconds)
            progress.isOver.store(true, ordering: .relaxed)
            say("churn: \(kills) kills of \(options.victim.rawValue), \(world.starts) starts")
        }
        let counts = progress.counts.withLock { $0 }.sorted { $0.key < $1.key }
        say("churn: " + counts.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
        say("churn: \(options.clients) clients, \(Int(Host.now - began)) s")
    }

    private mutating func strike(until end: Double) -> Int {
        var kills = 0
        while Host.now < end, kills < options.kills {
            // Some meet a daemon that starts; if all did, a machine on which that takes long would never have one.
            if Int.random(in: 0..<4, using: &random) > 0 { awaitService() }
            let wait = Double.random(in: 0...Double(options.pause) / 1000, using: &random)
            usleep(UInt32(min(wait, max(0, end - Host.now)) * 1e6))
            switch options.victim {
            case .none: continue
            case .corrald: world.killDaemon()
            case .warden: world.killWarden()
            case .both:
                world.killWarden()
                world.killDaemon()
            }
            kills += 1
        }
        return kills
    }

    /// Until the daemon answers; the clients tell where it never does.
    private func awaitService() {
        if options.victim == .none { return }
        _ = try? ChurnClient("health", world, seed: 1).get(["health"])
    }
}

/// What the clients and the one who kills share.
private final class Progress: Sendable {
    let isOver = Atomic(false)
    /// Operations by their names.
    let counts = Mutex<[String: Int]>([:])
}

extension ChurnClient {
    /// Ends one of its sessions, and has another's process write something else than its model has it: the
    /// comparisons have to find both.
    fileprivate func plant() throws {
        guard let other = try create() else { return }
        try start(other, failing: false)
        guard let place = sessions[other].processes.indices.last else { return }
        sessions[other].processes[place].output = "not this\n"
        // Some readers ask for what comes, and nothing does.
        for _ in 0..<16 { try attach(other) }
        try remove(other, forced: true)
        guard let index = try create() else { return }
        _ = try insist(.delete, ["sessions", sessions[index].id], query: [("force", "true")])
    }
}

extension Parcel<Thread> {
    /// Waits for the end of the thread in it.
    func join() {
        switch take() {
        case .some(let thread): thread.join()
        case .none: break
        }
    }
}

/// Threads that do the same.
enum Crowd {
    static func run(
        _ count: Int, _ body: @escaping @Sendable (Int) -> Void, meanwhile: () throws -> Void = {}
    ) throws {
        var threads: [Parcel<Thread>] = []
        for index in 0..<count { threads.append(Parcel(try Thread.start { body(index) })) }
        defer { for thread in threads { thread.join() } }
        try meanwhile()
    }
}
