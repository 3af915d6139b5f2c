import FailPoints
import Glibc
import Linux
import Synchronization
import TestSupport

/// Kills at every fail point: a few clients live the same short life while one passing of the point, taken
/// at random, is the last thing that corrald or its warden does.
struct PointsRun {
    private static let clients = 3
    private let world: World
    private let options: Options
    private var random: Seeded
    private var lives = 0

    init(_ world: World, _ options: Options) {
        self.world = world
        self.options = options
        random = Seeded(options.seed)
    }

    mutating func run() throws {
        let usual = try countPassings()
        var kills = 0
        for point in FailPoint.allCases where !point.isOfVolumes {
            if let only = options.only, !"\(point)".hasPrefix(only) { continue }
            let passings = usual[point.rawValue]
            if passings == 0 {
                world.find("\(point) is never passed")
                continue
            }
            let began = Host.now
            for _ in 0..<options.each {
                if try kill(at: point, of: passings) { kills += 1 }
            }
            let took = Int((Host.now - began) * 1000) / options.each
            say("churn: \(point): \(passings) passings, \(took) ms a kill")
        }
        say("churn: \(kills) kills at \(FailPoint.allCases.count) points")
    }

    /// How often each is passed in a life without deaths, and those of a start in one with two.
    private mutating func countPassings() throws -> [UInt32] {
        let before = FailPoint.allCases.map(world.sheet.passed)
        try live(nil)
        let undisturbed = FailPoint.allCases.map(world.sheet.passed)
        try live(nil, restarts: true)
        return FailPoint.allCases.map { point in
            let index = point.rawValue
            return point.isOfStart
                ? world.sheet.passed(point) - undisturbed[index] : undisturbed[index] - before[index]
        }
    }

    /// - Returns: whether somebody died there.
    private mutating func kill(at point: FailPoint, of passings: UInt32) throws -> Bool {
        // With a kill the rest of a life is another one: what was to come may not.
        for most in [passings, max(1, passings / 3), 1] {
            if point.isWardens { world.expectWardenDeath() }
            world.sheet.arm(point, UInt32.random(in: 1...most, using: &random))
            try live(point)
            if world.sheet.armed(point) == 0 { return true }
            world.sheet.arm(point, 0)
        }
        world.find("\(point) was not met")
        return false
    }

    /// One life of all clients.
    /// - Parameter restarts: whether both daemons die in the middle of it.
    private mutating func live(_ point: FailPoint?, restarts: Bool = false) throws {
        lives += 1
        let (life, seed, world) = (lives, options.seed, world)
        try Crowd.run(PointsRun.clients) { index in
            let client = ChurnClient("l\(life)-\(index)", world, seed: seed &+ UInt64(life * 31 + index))
            client.isWardenDoomed = point?.isWardens ?? restarts
            do {
                for operation in Operation.life { try client.perform(operation) }
                try client.settle()
            } catch {
                client.wrong("it gave up: \(error)")
            }
        } meanwhile: {
            guard let point else {
                if !restarts { return }
                usleep(50_000)
                try awaitNext { world.killDaemon() }
                try awaitNext { world.killWarden() }
                return
            }
            if !point.isOfStart { return }
            usleep(UInt32.random(in: 10_000...150_000, using: &random))
            if [.wardenStarted, .wardenServing].contains(point) {
                try awaitNext { world.killWarden() }
            } else {
                try awaitNext { world.killDaemon() }
            }
        }
    }

    /// Until who follows serves: a death must not reach into the next life.
    private func awaitNext(_ kill: () -> Void) throws {
        let starts = world.starts
        kill()
        if !eventually(within: 120, { world.starts > starts }) { world.find("corrald does not follow") }
        _ = try ChurnClient("health", world, seed: 1).get(["health"])
    }
}

extension FailPoint {
    /// Whether a daemon that is there already does not pass it any more.
    fileprivate var isOfStart: Bool {
        switch self {
        case .daemonStarted, .daemonRestored, .daemonConnected, .daemonListed, .daemonCompared,
            .daemonServing, .wardenStarted, .wardenServing, .wardenListing:
            true
        default: false
        }
    }
}
