/// One operation of the API: what the server serves, what the OpenAPI file says, and what clients call come
/// from ``all``.
package struct APIRoute: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case delete = "DELETE"
    }

    /// What comes back when all is well.
    package enum Answer: Sendable {
        case object(APIObject)
        case empty
        /// `text/event-stream` of ``APIObject/event``.
        case events
        /// `text/event-stream` of ``APIObject/fileEvent``.
        case fileEvents
        /// `text/plain` or `application/openmetrics-text`, by the request's `Accept`.
        case metrics
        /// `application/octet-stream`.
        case bytes
        /// 101 Switching Protocols, to `corral-attach/1`.
        case upgrade
    }

    package let method: Method
    /// With parameters in braces, such as `/v1/sessions/{session}`.
    package let path: String
    /// `operationId` in the OpenAPI file.
    package internal(set) var name: String
    package internal(set) var summary: String
    package var query: [APIField] = []
    package var request: APIObject?
    /// Whether the request's body is bytes of any number, `application/octet-stream`, and no object.
    package var takesBytes = false
    package var status = 200
    package var answer: Answer
    /// Bytes of a body, at most.
    package var bodyLimit: Int {
        ["exec", "execAttached", "startProcess"].contains(name) ? 24 << 20 : 2 << 20
    }

    init(
        _ method: Method, _ path: String, _ name: String, _ summary: String, query: [APIField] = [],
        request: APIObject? = nil, takesBytes: Bool = false, status: Int = 200, _ answer: Answer
    ) {
        self.method = method
        self.path = path
        self.name = name
        self.summary = summary
        self.query = query
        self.request = request
        self.takesBytes = takesBytes
        self.status = status
        self.answer = answer
    }

    /// The names in braces, in order.
    package var parameters: [String] {
        path.split(separator: "/").filter { $0.hasPrefix("{") }.map { String($0.dropFirst().dropLast()) }
    }
}

extension APIRoute {
    package static let all: [APIRoute] =
        node + tenants + quotas + hostVolumes + tokens + audit
        + (events + sessions + workspaces + workspaceFiles + files + processes).map(\.ofTenant)

    private static let node: [APIRoute] = [
        APIRoute(.get, "/v1/health", "health", "Whether the daemon can serve", .object(.health)),
        APIRoute(.get, "/v1/info", "info", "What the daemon is and has", .object(.info)),
        APIRoute(
            .get, "/v1/metrics", "metrics",
            "What a monitoring system reads, in Prometheus' text or OpenMetrics; at `/metrics` as well",
            .metrics),
        APIRoute(.get, "/v1/profiles", "listProfiles", "Profiles", .object(.profileList)),
        APIRoute(.get, "/v1/images", "listImages", "Images", .object(.imageList)),
    ]

    private static let events: [APIRoute] = [
        APIRoute(
            .get, "/v1/events", "events", "What happens, as it happens; `Last-Event-ID` goes on from there",
            query: [
                APIField("session", .name, "of one session"), APIField("since", .time, "from then on"),
                APIField(
                    "until", .time,
                    "up to then: the stream ends before the first that is later, at once where that is past"),
            ], .events)
    ]

    private static let sessions: [APIRoute] = [
        APIRoute(
            .post, "/v1/sessions", "createSession", "Creates a session and waits until it runs",
            request: .sessionRequest, status: 201, .object(.session)),
        APIRoute(
            .get, "/v1/sessions", "listSessions", "Sessions",
            query: [
                APIField("label", .text(most: 320), "`key` or `key=value`"),
                APIField("state", .word(APIObject.sessionStates), "in this state"),
                APIField("all", .flag, "those that have ended as well"),
                APIField("after", .text(most: 64), "`next` of the page before"),
                APIField("limit", .whole(1...1000), "at most so many"),
            ], .object(.sessionList)),
        APIRoute(.get, session, "inspectSession", "One session", .object(.session)),
        APIRoute(
            .delete, session, "removeSession", "Forgets a session that has ended",
            query: [APIField("force", .flag, "ends it first")], status: 204, .empty),
        APIRoute(
            .post, "\(session)/renew", "renewSession", "Begins the time to live again",
            request: .renewRequest, .object(.session)),
        APIRoute(.post, "\(session)/pause", "pauseSession", "Stops all processes", .object(.session)),
        APIRoute(.post, "\(session)/resume", "resumeSession", "Lets them go on", .object(.session)),
        APIRoute(
            .post, "\(session)/kill", "killSession", "Ends a session and waits until nothing of it is left",
            request: .stopRequest, .object(.session)),
        APIRoute(
            .get, "\(session)/wait", "waitForSession", "Answers when the session has ended", .object(.session)
        ),
        APIRoute(
            .get, "\(session)/stats", "sessionStatistics", "What the session uses", .object(.statistics)),
    ]

    private static let processes: [APIRoute] = [
        APIRoute(
            .post, "\(session)/exec", "exec", "Runs a program and answers with its result",
            request: .execRequest, .object(.execResult)),
        APIRoute(
            .post, "\(session)/exec/attach", "execAttached",
            "Runs a program whose streams are this connection, with which it ends: docs/attach.md",
            request: .attachedExecRequest, status: 101, .upgrade),
        APIRoute(
            .post, "\(session)/processes", "startProcess", "Starts a managed process",
            request: .processRequest, status: 201, .object(.process)),
        APIRoute(
            .get, "\(session)/processes", "listProcesses", "Processes of a session", .object(.processList)),
        APIRoute(.get, process, "inspectProcess", "One process", .object(.process)),
        APIRoute(
            .post, "\(process)/signal", "signalProcess", "Sends a signal", request: .signalRequest,
            status: 204, .empty),
        APIRoute(
            .post, "\(process)/stop", "stopProcess", "Ends a process, which is not started again",
            request: .stopRequest, .object(.process)),
        APIRoute(
            .post, "\(process)/stdin", "writeInput", "Writes to the input of a process",
            request: .inputRequest, status: 204, .empty),
        APIRoute(
            .post, "\(process)/resize", "resizeTerminal", "Changes the size of its terminal",
            request: .resizeRequest, status: 204, .empty),
        APIRoute(
            .get, "\(process)/logs", "logs", "What it wrote", query: logs, .bytes),
        APIRoute(
            .post, "\(process)/attach", "attach", "Its streams, live and from an offset: docs/attach.md",
            query: [
                APIField("stdout", .whole(0...UInt64.max), "offset to begin at; from now on without it"),
                APIField("stderr", .whole(0...UInt64.max), "the same of standard error"),
                APIField("stdin", .flag, "whether this client writes to its input"),
                APIField("lead", .flag, "whether the process waits for this client, and ends with it"),
                APIField("times", .flag, "whether this client is told when what it gets came"),
            ], status: 101, .upgrade),
        APIRoute(
            .get, "\(process)/offsets", "offsets", "Where in its streams a time or the last lines begin",
            query: [
                APIField("tail", .whole(0...1_000_000), "the last so many lines of each stream"),
                APIField("since", .time, "what was written since"),
                APIField("until", .time, "the end of what was written until then"),
            ], .object(.offsets)),
    ]

    static let session = "/v1/sessions/{session}"
    private static let process = "\(session)/processes/{process}"
    private static let logs = [
        APIField("stream", .word(["stdout", "stderr", "both"]), "`both` where it is left out"),
        APIField("offset", .whole(0...UInt64.max), "of one stream: from there on"),
        APIField("tail", .whole(0...1_000_000), "only the last so many lines"),
        APIField("since", .time, "only what was written since"),
        APIField("follow", .flag, "goes on until the process ends"),
    ]
}
