import Client
import Glibc
import TestSupport
import Wire

/// One client of the API: asks, asks again where an answer was lost, and keeps its model of what has to be.
final class ChurnClient {
    enum Reply: CustomStringConvertible {
        case answer(JSONTree?, bytes: [UInt8])
        case refused(ServiceError)
        /// Nobody knows what became of it.
        case lost

        var description: String {
            switch self {
            case .answer(let tree?, _): tree.brief
            case .answer(nil, let bytes): "\(bytes.count) bytes"
            case .refused(let why): "refused: \(why)"
            case .lost: "lost"
            }
        }
    }

    /// Nothing more can be learned.
    struct GivenUp: Error {}

    let label: String
    let world: World
    var random: Seeded
    var sessions: [ModelSession] = []
    var made = 0
    /// Whether the warden may die at any moment of this client's life.
    var isWardenDoomed = false
    /// How many operations were done, by their names.
    var counts: [String: Int] = [:]
    private var client: DaemonClient

    init(_ label: String, _ world: World, seed: UInt64) {
        self.label = label
        self.world = world
        random = Seeded(seed)
        client = DaemonClient(path: world.socket, patience: 60_000)
    }

    func wrong(_ text: String) { world.find("client \(label): \(text)") }
    func count(_ name: String) { counts[name, default: 0] += 1 }
    func path(_ index: Int, _ rest: String...) -> [String] { ["sessions", sessions[index].id] + rest }

    // MARK: Requests

    /// Asks once.
    func ask(
        _ method: HTTPRequest.Method, _ path: [String], query: [(String, String)] = [],
        _ body: JSONText? = nil
    ) -> Reply {
        var request = HTTPRequest(method, ["v1"] + path, query: query)
        if let body { request = request.with(json: body) }
        do throws(ClientError) {
            let response = try client.ask(request)
            let isJSON = response.body.first == UInt8(ascii: "{")
            return .answer(isJSON ? try response.json() : nil, bytes: response.body)
        } catch {
            // Whatever state a connection was left in.
            client = DaemonClient(path: world.socket, patience: 60_000)
            switch error {
            case .refused(let why) where why.status == 503: return .lost
            case .refused(let why): return .refused(why)
            case .timeout: wrong("no answer to \(method.rawValue) \(request.target) within a minute")
            default: break
            }
            return .lost
        }
    }

    /// Asks until somebody answers.
    /// - Returns: the answer, and whether one was lost before it.
    func insist(
        _ method: HTTPRequest.Method, _ path: [String], query: [(String, String)] = [],
        _ body: JSONText? = nil
    ) throws -> (reply: Reply, again: Bool) {
        var again = false
        let deadline = Host.now + 60 * Host.patience
        while true {
            let reply = ask(method, path, query: query, body)
            guard case .lost = reply else { return (reply, again) }
            if Host.now > deadline {
                wrong("nobody answers \(method.rawValue) \(path.joined(separator: "/"))")
                throw GivenUp()
            }
            again = true
            usleep(5000)
        }
    }

    func get(_ path: [String], query: [(String, String)] = []) throws -> Reply {
        try insist(.get, path, query: query).reply
    }
}

extension JSONTree {
    subscript(_ name: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == name }?.value
    }

    var text: String {
        switch value {
        case .string(let text), .number(let text): text
        default: ""
        }
    }

    /// What there is to say about a session or a process, for people.
    var brief: String {
        ["id", "state", "cause", "message", "exit", "signal", "restarts"]
            .compactMap { name in self[name].map { "\(name) \($0.text)" } }.joined(separator: ", ")
    }

    var list: [JSONTree] {
        if case .array(let elements) = value { elements } else { [] }
    }
}
