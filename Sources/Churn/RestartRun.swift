import Glibc
import TestSupport
import Wire

/// How long it takes from the kill of corrald with many sessions until the next one answers.
struct RestartRun {
    private let world: World
    private let options: Options

    init(_ world: World, _ options: Options) {
        self.world = world
        self.options = options
    }

    func run() throws {
        let client = ChurnClient("r", world, seed: options.seed)
        for _ in 0..<options.sessions {
            guard let index = try client.create() else { return }
            try client.start(index, failing: false)
        }
        var times: [Double] = []
        for _ in 0..<options.each {
            let began = Host.now
            world.killDaemon()
            // What listens is there before it serves, and the answer comes when it does.
            _ = try client.get(["sessions", client.sessions[0].id])
            times.append(Host.now - began)
        }
        let sorted = times.sorted().map { Int($0 * 1000) }
        say("churn: \(options.sessions) sessions: from kill -9 to serving \(sorted) ms")
        if let path = options.json {
            let text = JSONText.object { object in
                object.add("sessions", options.sessions)
                object.array("restartMs") { list in sorted.forEach { list.add($0) } }
            }
            try File.write(Array("\(text)\n".utf8), to: path)
        }
        try client.settle()
    }
}
