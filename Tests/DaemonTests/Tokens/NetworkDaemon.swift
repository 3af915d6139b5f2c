import API
import Linux
import TestSupport
import Testing
import Wire

/// A daemon that listens at a TCP socket, and tokens for it.
final class NetworkDaemon {
    let daemon: TestDaemon
    /// `127.0.0.1:PORT`.
    let host: String

    init(_ more: [String] = []) throws {
        daemon = try TestDaemon(["--set", "listen.tcp=127.0.0.1:0"] + more)
        host = try NetworkDaemon.address(daemon)
    }

    private static func address(_ daemon: TestDaemon) throws -> String {
        // What the test daemon waits for, the warden says as well.
        _ = try daemon.program.waitForText("for clients with tokens", within: 120)
        let log = daemon.program.errorsSoFar
        let from = try #require(log.firstRange(of: "listening at ")?.upperBound, "the daemon said: \(log)")
        return String(log[from...].prefix { $0 != " " })
    }

    /// Of the last start.
    func addressNow() throws -> String { try Self.address(daemon) }

    struct Answer {
        let status: Int
        let headers: String
        let text: String
        var json: JSONTree? { try? JSONTree(parsing: Array(text.utf8)) }
        var code: String { json?["error"]?["code"]?.text ?? "" }
        var reason: String { json?["error"]?["reason"]?.text ?? "" }
    }

    func words(
        _ token: String?, _ method: String, _ path: String, _ body: String? = nil, _ more: [String] = [],
        host: String? = nil
    ) -> [String] {
        let field = token.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
        return ["curl", "-sS", "-X", method] + field + (body.map { ["--data-binary", $0] } ?? []) + more + [
            "http://\(host ?? self.host)\(path)"
        ]
    }

    /// - Parameters:
    ///   - token: nil for none.
    ///   - seconds: after which an answer that goes on is cut off.
    func call(
        _ token: String?, _ method: String, _ path: String, _ body: String? = nil, _ more: [String] = [],
        seconds: Int = 120
    ) throws -> Answer {
        let limits = ["--max-time", "\(seconds)", "-i", "-w", "\n%{http_code}"]
        let outcome = try Program.run(words(token, method, path, body, limits + more), timeout: 180)
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        let answer = lines.dropLast().joined(separator: "\n")
        let end = answer.firstRange(of: "\r\n\r\n")
        return Answer(
            status: Int(lines.last ?? "") ?? 0,
            headers: end.map { String(answer[..<$0.lowerBound]) } ?? "",
            text: end.map { String(answer[$0.upperBound...]) } ?? answer)
    }

    /// Makes a token at the unix socket.
    func token(_ role: String, _ tenant: String = "default", _ more: String = "") throws -> String {
        let answer = try daemon.call("POST", "/v1/tokens?tenant=\(tenant)", #"{"role":"\#(role)"\#(more)}"#)
        try #require(answer.status == 201, "\(String(decoding: answer.bytes, as: UTF8.self))")
        return answer.text("token")
    }

    func tenant(_ name: String) throws {
        let made = try daemon.call("POST", "/v1/tenants", #"{"name":"\#(name)"}"#)
        try #require(made.status == 201, "\(String(decoding: made.bytes, as: UTF8.self))")
    }

    /// Rows of the store.
    func rows(_ query: String) throws -> [String] {
        let outcome = try Program.run(
            ["sqlite3", "-readonly", "\(daemon.state)/daemon/corral.db", query])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").map(String.init)
    }
}
