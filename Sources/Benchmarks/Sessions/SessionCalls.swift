import Client
import Wire

/// What a benchmark asks a daemon for, and how long each answer takes.
enum SessionCall {
    /// - Parameter ttl: milliseconds; nil for none.
    static func create(ttl: Int? = nil) -> HTTPRequest {
        HTTPRequest(.post, ["v1", "sessions"])
            .with(json: .object { object in if let ttl { object.add("ttl", ttl) } })
    }

    /// Of a tenant that the caller names.
    static func create(of tenant: String) -> HTTPRequest {
        HTTPRequest(.post, ["v1", "sessions"], query: [("tenant", tenant)]).with(json: .object { _ in })
    }

    static func exec(_ session: String, _ program: [String]) -> HTTPRequest {
        HTTPRequest(.post, ["v1", "sessions", session, "exec"])
            .with(json: .object { $0.array("argv") { list in program.forEach { list.add($0) } } })
    }

    static func start(_ session: String, shell: String) -> HTTPRequest {
        HTTPRequest(.post, ["v1", "sessions", session, "processes"])
            .with(
                json: .object { object in
                    object.add("shell", shell)
                    object.add("stdin", true)
                })
    }

    static func inspect(_ session: String, _ process: String) -> HTTPRequest {
        HTTPRequest(.get, ["v1", "sessions", session, "processes", process])
    }

    static func attach(_ session: String, _ process: String) -> HTTPRequest {
        HTTPRequest(
            .post, ["v1", "sessions", session, "processes", process, "attach"],
            query: [("stdout", "0"), ("stdin", "true")])
    }

    static func remove(_ session: String) -> HTTPRequest {
        HTTPRequest(.delete, ["v1", "sessions", session], query: [("force", "true")])
    }

    /// - Parameter all: those that have ended as well.
    static func list(all: Bool = false, limit: Int = 1000) -> HTTPRequest {
        HTTPRequest(
            .get, ["v1", "sessions"],
            query: [("limit", "\(limit)")] + (all ? [("all", "true")] : []))
    }
}

extension DaemonClient {
    /// - Returns: nanoseconds up to the last byte of the answer, and the answer.
    func timed(_ request: HTTPRequest) throws(ClientError) -> (time: UInt64, answer: HTTPResponse) {
        let begin = monotonicTime()
        let answer = try ask(request)
        return (monotonicTime() - begin, answer)
    }

    /// A new session's id, or a new process's.
    func id(of request: HTTPRequest) throws -> String { try id(in: try ask(request)) }

    func id(in answer: HTTPResponse) throws -> String {
        guard let id = try answer.json()["id"]?.text else { throw Options.Problem("an answer has no id") }
        return id
    }
}

extension JSONTree {
    subscript(_ name: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == name }?.value
    }

    /// Of a list of them.
    var sessions: [JSONTree] {
        if case .array(let elements)? = self["sessions"]?.value { elements } else { [] }
    }

    var text: String? {
        switch value {
        case .string(let text), .number(let text): text
        default: nil
        }
    }
}
