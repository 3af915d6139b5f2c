import API
import Glibc
import Linux
import TestSupport
import Testing
import Wire

/// A `corrald` with its own `corral-warden`, in a directory of the test's own, as root starts them or as an
/// ordinary user does.
final class TestDaemon {
    let directory: TemporaryDirectory
    private(set) var program: RunningProgram
    private let words: [String]
    private let variables: [String: String]
    private let descriptors: [CInt]
    var state: String { directory("s") }
    var socket: String { directory("run/corral.sock") }

    /// Whom root's becomes. No group may connect besides.
    static let user = user(group: "nobody-has-it")

    private static func user(group: String) -> [String] {
        Host.isRoot ? ["--set", "user=nobody", "--set", "socket.group=\(group)"] : []
    }

    /// - Parameters:
    ///   - wrapper: starts the program that follows it.
    ///   - command: what starts corrald, if not its own name.
    ///   - group: whose members may connect to root's.
    ///   - descriptors: which it has as 3 and so on.
    init(
        _ more: [String] = [], wrapper: [String] = [], command: [String] = [Product.path("corrald")],
        in directory: TemporaryDirectory? = nil, environment: [String: String] = [:],
        group: String = "nobody-has-it", descriptors: [CInt] = []
    ) throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        variables = environment
        self.descriptors = descriptors
        words =
            wrapper.map { $0 == "STATE" ? directory("s") : $0 }
            + command + ["--state", directory("s"), "--set", "runtime=\(directory("run"))"]
            + TestDaemon.user(group: group) + more
        program = try TestDaemon.start(words, environment, descriptors)
        try waitUntilServing()
    }

    deinit {
        _ = try? program.signal(SIGKILL)
        _ = try? program.wait(timeout: 60)
        endWarden()
    }

    private static func start(
        _ words: [String], _ more: [String: String], _ descriptors: [CInt] = []
    ) throws -> RunningProgram {
        // The rules of this source tree, wherever the build directory is.
        let environment = Program.environment.merging(["CORRAL_DATA": Repository.root]) { $1 }
            .merging(more) { $1 }
        return try Program(words, environment: environment, descriptors: descriptors).start()
    }

    /// A second one of the same command line; it is the caller's to end.
    func another() throws -> Program.Outcome { try TestDaemon.start(words, variables).wait(timeout: 60) }

    func waitUntilServing() throws {
        try #require(
            try program.waitForText("serving", within: 120), "the daemon said: \(program.errorsSoFar)")
    }

    // MARK: Ends

    func kill() throws {
        try program.signal(SIGKILL)
        _ = try program.wait(timeout: 60)
    }

    /// Ends it as the operator does.
    func stop() throws -> CInt? {
        try program.signal(SIGTERM)
        return try program.wait(timeout: 60).status
    }

    /// - Parameter wrapper: starts the program that follows it.
    func startAgain(wrapper: [String] = []) throws {
        try beginAgain(wrapper: wrapper)
        try waitUntilServing()
    }

    /// Without waiting for anything.
    func beginAgain(wrapper: [String] = []) throws {
        program = try TestDaemon.start(wrapper + words, variables, descriptors)
    }

    /// Of one that ends by itself.
    func exitStatus() throws -> CInt? { try program.wait(timeout: 60).status }
    func endingSignal() throws -> CInt? { try program.wait(timeout: 60).signal }

    /// Whether any process has this command line.
    static func isRunning(_ words: [String]) -> Bool {
        File.names(in: "/proc").contains { name in
            guard let bytes = try? File.read("/proc/\(name)/cmdline") else { return false }
            return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) } == words
        }
    }

    var pid: pid_t? { TestDaemon.process(["corrald", state]) }
    var warden: pid_t? { TestDaemon.process(["corral-warden", "\(state)/warden"]) }

    private func endWarden() {
        guard let warden else { return }
        _ = Glibc.kill(warden, SIGTERM)
        _ = eventually(within: 120) { self.warden == nil }
        if let warden = self.warden { _ = Glibc.kill(warden, SIGKILL) }
    }

    /// The process whose command line has these words; a zombie has none.
    private static func process(_ words: [String]) -> pid_t? {
        for name in File.names(in: "/proc") {
            guard let pid = pid_t(name), let bytes = try? File.read("/proc/\(name)/cmdline") else { continue }
            let line = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            guard let first = line.first, first.hasSuffix("/\(words[0])") else { continue }
            if line.contains(words[1]) { return pid }
        }
        return nil
    }

    // MARK: Calls

    struct Answer {
        let status: Int
        let bytes: [UInt8]

        var json: JSONTree? { try? JSONTree(parsing: bytes) }
        subscript(_ name: String) -> JSONTree? { json?[name] }
        func text(_ name: String) -> String { self[name]?.text ?? "" }
        var error: String { json?["error"]?["code"]?.text ?? "" }
        var field: String { json?["error"]?["field"]?.text ?? "" }
        /// A member that is base64.
        func decoded(_ name: String) -> String {
            String(decoding: Base64.decode(text(name)) ?? [], as: UTF8.self)
        }
    }

    func curl(_ method: String, _ path: String, _ body: String? = nil, _ more: [String] = []) -> [String] {
        ["curl", "-sS", "--max-time", "300", "--unix-socket", socket, "-X", method]
            + (body.map { ["--data-binary", $0.utf8.count < 4096 ? $0 : "@-"] } ?? []) + more + [
                "http://corral\(path)"
            ]
    }

    /// One request, whose answer is held against the operation's table.
    @discardableResult
    func call(_ method: String, _ path: String, _ body: String? = nil) throws -> Answer {
        let outcome = try Program.run(
            curl(method, path, body, ["-w", "\n%{http_code}"]), stdin: body.map { Array($0.utf8) },
            timeout: 300)
        let lines = outcome.stdout.split(separator: 0x0A, omittingEmptySubsequences: false)
        let status = Int(String(decoding: lines.last ?? [], as: UTF8.self)) ?? 0
        let text = outcome.stdout.dropLast((lines.last?.count ?? 0) + 1)
        let answer = Answer(status: status, bytes: Array(text))
        try check(answer, method, path)
        return answer
    }

    private func check(_ answer: Answer, _ method: String, _ path: String) throws {
        if answer.status >= 400 {
            _ = try APIReader(answer.bytes, as: .failure)
            return
        }
        let parts = path.split(separator: "?")[0].split(separator: "/")
        let route = APIRoute.all.first { route in
            let pattern = route.path.split(separator: "/")
            return route.method.rawValue == method && pattern.count == parts.count
                && zip(pattern, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        if case .object(let object) = route?.answer { _ = try APIReader(answer.bytes, as: object) }
    }

    /// A session that runs.
    func session(_ body: String = "{}") throws -> String {
        let answer = try call("POST", "/v1/sessions", body)
        try #require(
            answer.status == 201, "\(String(decoding: answer.bytes, as: UTF8.self)) \(program.errorsSoFar)")
        return answer.text("id")
    }

    @discardableResult
    func exec(_ id: String, _ shell: String, _ more: String = "") throws -> Answer {
        let text = JSONText.object { $0.add("shell", shell) }.description.dropLast()
        return try call("POST", "/v1/sessions/\(id)/exec", text + (more.isEmpty ? "}" : ",\(more)}"))
    }

    func state(_ id: String) throws -> String { try call("GET", "/v1/sessions/\(id)").text("state") }

    func waitForEnd(_ id: String) throws -> Answer {
        let answer = try call("GET", "/v1/sessions/\(id)/wait")
        try #require(answer.status == 200)
        return answer
    }
}

extension JSONTree {
    subscript(_ name: String) -> JSONTree? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == name }?.value
    }

    var text: String? {
        switch value {
        case .string(let text), .number(let text): text
        case .bool(let flag): "\(flag)"
        default: nil
        }
    }

    var list: [JSONTree] {
        if case .array(let elements) = value { elements } else { [] }
    }
}
