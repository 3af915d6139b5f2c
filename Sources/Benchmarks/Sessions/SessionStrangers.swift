import API
import Client
import Figures
import Glibc
import Linux
import Wire

// How long it takes to be told that there is no such thing: of another tenant's, and of what there is not. The
// words are the same (docs/tenants.md); so is to be the time, or it would tell what the words do not.

/// Each operation on a session or a workspace, asked in turn for another tenant's and for none, by a client with a
/// token.
func measureStrangers(_ corrald: String, _ options: Options, _ results: Results) throws {
    let daemon = try MeasuredDaemon(corrald)
    let things = try StrangeThings(daemon)
    let asking = try RawAsking(daemon.socket, token: things.token)
    let rounds = max(20, options.rounds)
    var worst: [(ratio: Double, name: String)] = []
    // The first 60 refusals of a minute are recorded one by one and wait for that; the rest is counted.
    for route in APIRoute.all where route.name == "inspectSession" {
        for _ in 0..<100 { _ = try asking.time(things.request(route, foreign: false)) }
    }
    for route in APIRoute.all where route.isAboutOneOfATenant {
        let requests = (things.request(route, foreign: true), things.request(route, foreign: false))
        try things.compare(route, try asking.ask(requests.0), try asking.ask(requests.1))
        var (foreign, unknown): ([UInt64], [UInt64]) = ([], [])
        for round in 0..<rounds {
            // Neither is always the first one.
            if round % 2 == 0 { foreign.append(try asking.time(requests.0)) }
            unknown.append(try asking.time(requests.1))
            if round % 2 == 1 { foreign.append(try asking.time(requests.0)) }
        }
        guard let own = Distribution(foreign), let other = Distribution(unknown) else { continue }
        let middle = Double(own.percentile(50)) / Double(other.percentile(50))
        let high = Double(own.percentile(95)) / Double(other.percentile(95))
        try add(
            "strangers/\(route.name)",
            "microseconds until another tenant's is refused, and what there is not",
            [
                ("foreign", Double(own.percentile(50)) / 1000),
                ("unknown", Double(other.percentile(50)) / 1000),
                ("ratio p50", middle), ("ratio p95", high),
            ], samples: rounds, results)
        worst.append((max(middle, 1 / middle), route.name))
    }
    guard let most = worst.max(by: { $0.ratio < $1.ratio }) else { return }
    try add(
        "strangers",
        "the largest ratio of two medians, of \(worst.count) operations; it is that of \(most.name)",
        [("most", most.ratio), ("operations", Double(worst.count))], samples: rounds, results)
}

/// What belongs to one tenant, and the token of another.
private struct StrangeThings {
    let token: String
    private let session: String
    private let process: String
    private static let workspace = "blues-workspace1"

    init(_ daemon: MeasuredDaemon) throws {
        let client = daemon.client
        for name in ["red", "blue"] {
            _ = try client.ask(
                HTTPRequest(.post, ["v1", "tenants"]).with(json: .object { $0.add("name", name) }))
        }
        let made = try client.ask(
            HTTPRequest(.post, ["v1", "tokens"], query: [("tenant", "red")])
                .with(json: .object { $0.add("role", "client") }))
        guard let token = try made.json()["token"]?.text else { throw Options.Problem("there is no token") }
        self.token = token
        session = try client.id(
            of: HTTPRequest(.post, ["v1", "sessions"], query: [("tenant", "blue")])
                .with(json: .object { _ in }))
        process = try client.id(of: SessionCall.start(session, shell: "sleep 3600"))
        _ = try client.ask(
            HTTPRequest(.post, ["v1", "workspaces"], query: [("tenant", "blue")])
                .with(
                    json: .object { object in
                        object.add("name", Self.workspace)
                        object.add("bytes", 16 << 20)
                    }))
        _ = try client.ask(
            HTTPRequest(
                .post, ["v1", "workspaces", Self.workspace, "snapshots"], query: [("tenant", "blue")]
            ).with(json: .object { $0.add("name", "s") }))
    }

    /// The bytes of a request, which is all right but for what it is about.
    func request(_ route: APIRoute, foreign: Bool) -> [UInt8] {
        // As long as the others.
        let session = foreign ? session : "00000000000000ff"
        let workspace = foreign ? Self.workspace : "no-such-workspac"
        let path = route.path(
            of: ["session": session, "process": process, "workspace": workspace, "snapshot": "s"])
        var head = "\(route.method.rawValue) \(path) HTTP/1.1\r\nHost: corral\r\n"
        head += "Authorization: Bearer \(token)\r\n"
        for line in route.upgradeLines { head += "\(line)\r\n" }
        let body = route.passingBody
        if let body {
            let type = route.takesBytes ? "application/octet-stream" : "application/json"
            head += "Content-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n"
        }
        return Array("\(head)\r\n\(body ?? "")".utf8)
    }

    /// Without this the times would be of something else.
    func compare(_ route: APIRoute, _ foreign: [UInt8], _ unknown: [UInt8]) throws {
        let texts = [foreign, unknown].map { String(decoding: $0, as: UTF8.self) }
        for text in texts where !text.hasPrefix("HTTP/1.1 404 ") {
            throw Options.Problem("\(route.name) is not refused with 404: \(text.prefix(300))")
        }
    }
}

/// Whole requests and answers at a unix socket, on one connection for as long as that lasts.
private final class RawAsking {
    private let path: String
    private var socket: FileDescriptor
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init(_ path: String, token: String) throws {
        self.path = path
        socket = try RawAsking.connected(path)
    }

    private static func connected(_ path: String) throws(SystemError) -> FileDescriptor {
        let socket = try FileDescriptor.unixSocket(nonBlocking: false)
        try socket.connect(to: path)
        return socket
    }

    /// - Returns: nanoseconds from the request's first byte to the answer's last.
    func time(_ request: [UInt8]) throws -> UInt64 {
        let begin = monotonicTime()
        let answer = try exchange(request)
        let time = monotonicTime() - begin
        try prepare(behind: answer)
        return time
    }

    func ask(_ request: [UInt8]) throws -> [UInt8] {
        let answer = try exchange(request)
        try prepare(behind: answer)
        return answer
    }

    /// Connects anew behind an answer that ends the connection, so that no connecting is timed.
    private func prepare(behind answer: [UInt8]) throws {
        let text = String(decoding: answer, as: UTF8.self)
        if text.contains("onnection: close") || text.contains("onnection: Close") {
            socket = try RawAsking.connected(path)
        }
    }

    private func exchange(_ request: [UInt8]) throws -> [UInt8] {
        try socket.writeAll(request)
        var answer: [UInt8] = []
        while true {
            var room = buffer.mutableSpan
            let count = try socket.read(into: &room)
            guard count > 0 else { throw Options.Problem("corrald hung up: \(answer.count) bytes") }
            answer += buffer[..<count]
            if let size = wholeSize(answer), answer.count >= size { return answer }
        }
    }

    /// How long head and body are; nil where the head is not whole.
    private func wholeSize(_ answer: [UInt8]) -> Int? {
        let end = Array("\r\n\r\n".utf8)
        guard let index = answer.indices.first(where: { answer[$0...].starts(with: end) }) else { return nil }
        let head = String(decoding: answer[..<index], as: UTF8.self).lowercased()
        let line = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
        let length = line.flatMap { Int($0.dropFirst(15).drop { $0 == " " }) } ?? 0
        return index + 4 + length
    }
}
