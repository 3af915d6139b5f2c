import API
import Linux
import TestSupport
import Testing
import Wire

/// Users of two tenants at one daemon of root's, whose socket everybody may connect to.
final class SharedDaemon {
    static let red: UInt32 = 4201
    static let blue: UInt32 = 4202
    let daemon: TestDaemon

    /// - Parameter more: words behind the others of its command line.
    init(_ more: [String] = [], in directory: TemporaryDirectory? = nil) throws {
        daemon = try TestDaemon(
            [
                "--set", "socket.mode=0666",
                "--set", "tenants.uids=\(SharedDaemon.red)=red:\(SharedDaemon.blue)-4299=blue",
            ] + more, in: directory, group: "nogroup")
        for name in ["red", "blue"] {
            let made = try daemon.call("POST", "/v1/tenants", #"{"name":"\#(name)"}"#)
            try #require(made.status == 201, "\(String(decoding: made.bytes, as: UTF8.self))")
        }
    }

    struct Answer {
        let status: Int
        let text: String
        var json: JSONTree? { try? JSONTree(parsing: Array(text.utf8)) }
        var code: String { json?["error"]?["code"]?.text ?? "" }
    }

    /// - Parameters:
    ///   - seconds: after which an answer that goes on is cut off.
    ///   - uid: who asks.
    func call(
        _ uid: UInt32?, _ method: String, _ path: String, _ body: String? = nil, _ more: [String] = [],
        seconds: Int = 60
    ) throws -> Answer {
        let limits = ["--max-time", "\(seconds)", "-w", "\n%{http_code}"]
        let outcome = try Program.run(
            daemon.curl(method, path, body, limits + more), timeout: 120, uid: uid)
        let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        return Answer(
            status: Int(lines.last ?? "") ?? 0, text: lines.dropLast().joined(separator: "\n"))
    }

    func session(_ uid: UInt32?, _ body: String = "{}") throws -> String {
        let answer = try call(uid, "POST", "/v1/sessions", body)
        try #require(answer.status == 201, "\(answer.text) \(daemon.program.errorsSoFar)")
        return answer.json?["id"]?.text ?? ""
    }
}

@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct TenantTests {
    private let shared: SharedDaemon
    private var red: UInt32 { SharedDaemon.red }
    private var blue: UInt32 { SharedDaemon.blue }

    init() throws { shared = try SharedDaemon() }

    @Test func `each user sees and names what is of the own tenant, and root everything`() throws {
        let one = try shared.session(red, #"{"name":"web"}"#)
        let two = try shared.session(blue, #"{"name":"web"}"#)
        for (uid, own, other) in [(red, one, two), (blue, two, one)] {
            let list = try shared.call(uid, "GET", "/v1/sessions").text
            #expect(list.contains(own) && !list.contains(other), "\(list)")
            #expect(try shared.call(uid, "GET", "/v1/sessions/web").json?["id"]?.text == own)
            #expect(try shared.call(uid, "GET", "/v1/info").json?["sessions"]?.text == "1")
            let tenants = try shared.call(uid, "GET", "/v1/tenants").json?["tenants"]?.list ?? []
            #expect(tenants.map { $0["name"]?.text } == [uid == red ? "red" : "blue"])
        }
        // Root's own tenant is `default`, in which there is nothing.
        #expect(try shared.call(nil, "GET", "/v1/sessions").text == #"{"sessions":[]}"#)
        let all = try shared.call(nil, "GET", "/v1/sessions?all_tenants").text
        #expect(all.contains(one) && all.contains(two))
        let reds = try shared.call(nil, "GET", "/v1/sessions?tenant=red").text
        #expect(reds.contains(one) && !reds.contains(two))
        #expect(try shared.call(nil, "GET", "/v1/sessions/web").status == 409)
        #expect(try shared.call(nil, "GET", "/v1/sessions/web?tenant=blue").json?["id"]?.text == two)
        #expect(try shared.call(nil, "GET", "/v1/sessions/\(one)").status == 200)
        // Nobody else may look over the fence, and whether there is a tenant is not told.
        #expect(try shared.call(red, "GET", "/v1/sessions?all_tenants").status == 403)
        let foreign = try shared.call(red, "GET", "/v1/sessions?tenant=blue")
        let unknown = try shared.call(red, "GET", "/v1/sessions?tenant=pink")
        #expect(foreign.status == 404 && foreign.text.replacing("blue", with: "pink") == unknown.text)
        #expect(try shared.call(red, "POST", "/v1/sessions", #"{"tenant":"blue"}"#).status == 404)
        #expect(try shared.call(red, "GET", "/v1/tenants/blue").status == 404)
    }

    @Test func `whose a session is outlasts the daemon`() throws {
        let one = try shared.session(red, #"{"name":"web"}"#)
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try shared.call(red, "GET", "/v1/sessions/web").json?["id"]?.text == one)
        #expect(try shared.call(blue, "GET", "/v1/sessions/\(one)").status == 404)
        #expect(try shared.call(nil, "GET", "/v1/tenants").json?["tenants"]?.list.count == 3)
    }

    @Test func `events are those of the own tenant`() throws {
        let since = "2020-01-01T00:00:00Z&until=2020-01-01T00:00:00Z"
        _ = try shared.call(red, "GET", "/v1/events?since=\(since)", seconds: 5)
        let one = try shared.session(red)
        let two = try shared.session(blue)
        let reds = try shared.call(red, "GET", "/v1/events?since=2020-01-01T00:00:00Z", seconds: 3).text
        #expect(reds.contains(one) && !reds.contains(two), "\(reds)")
        let all = try shared.call(
            nil, "GET", "/v1/events?since=2020-01-01T00:00:00Z&all_tenants=1", seconds: 3
        ).text
        #expect(all.contains(one) && all.contains(two) && all.contains("tenant.created"))
        #expect(try shared.call(red, "GET", "/v1/events?session=\(two)").status == 404)
    }

    @Test func `a tenant whose sessions run stays, and one without goes with its records`() throws {
        let one = try shared.session(red)
        let refused = try shared.call(nil, "DELETE", "/v1/tenants/red")
        #expect(refused.status == 409 && refused.text.contains("tenant-in-use"), "\(refused.text)")
        #expect(try shared.call(red, "POST", "/v1/sessions/\(one)/kill", #"{"grace":0}"#).status == 200)
        #expect(try shared.call(nil, "DELETE", "/v1/tenants/red").status == 204)
        #expect(try shared.call(nil, "GET", "/v1/sessions/\(one)").status == 404)
        // Its users are nobody's now: a refusal that names the tenant, and nothing begins.
        let orphan = try shared.call(red, "POST", "/v1/sessions", "{}")
        #expect(orphan.status == 403 && orphan.text.contains("tenant red"), "\(orphan.text)")
        #expect(try shared.call(red, "GET", "/v1/health").status == 200)
        // A new one of that name finds nothing of the old.
        #expect(try shared.call(nil, "POST", "/v1/tenants", #"{"name":"red"}"#).status == 201)
        #expect(try shared.call(red, "GET", "/v1/sessions?all").text == #"{"sessions":[]}"#)
        #expect(try shared.call(nil, "DELETE", "/v1/tenants/default").status == 409)
        #expect(try shared.call(nil, "DELETE", "/v1/tenants/pink").status == 404)
    }

    @Test func `tenants are changed by administrators alone, and by one of two at once`() throws {
        #expect(try shared.call(red, "POST", "/v1/tenants", #"{"name":"pink"}"#).status == 403)
        #expect(try shared.call(red, "POST", "/v1/tenants/red/set", #"{"description":"x"}"#).status == 403)
        #expect(try shared.call(red, "DELETE", "/v1/tenants/blue").status == 403)
        #expect(try shared.call(nil, "POST", "/v1/tenants", #"{"name":"red"}"#).status == 409)
        for name in ["Red", "", "../x", "-"] {
            #expect(try shared.call(nil, "POST", "/v1/tenants", #"{"name":"\#(name)"}"#).status == 400)
        }
        let change = #"{"description":"the red team","version":1}"#
        #expect(try shared.call(nil, "POST", "/v1/tenants/red/set", change).json?["version"]?.text == "2")
        let late = try shared.call(nil, "POST", "/v1/tenants/red/set", change)
        #expect(late.status == 409 && late.text.contains("tenant-changed"), "\(late.text)")
        #expect(try shared.call(nil, "POST", "/v1/tenants/red/set", "{}").status == 400)
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        let red = try shared.call(nil, "GET", "/v1/tenants/red").json
        #expect(red?["description"]?.text == "the red team" && red?["version"]?.text == "2")
        #expect(red?["uids"]?.list.map(\.text) == ["\(SharedDaemon.red)"])
    }
}
