import Glibc
import TestSupport
import Testing
import Wire

/// Plans, which a daemon holds tenants to.
@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct PlanTests {
    private let directory: TemporaryDirectory
    private let daemon: TestDaemon

    /// With the shipped plans behind those of the test's own.
    init() throws {
        directory = try TemporaryDirectory()
        try #require(unsafe mkdir(directory("plans"), 0o755) == 0)
        daemon = try TestDaemon(
            ["--set", "plans=\(directory("plans")):\(Repository.path("profiles/plans"))"], in: directory)
    }

    private func write(_ name: String, _ text: String) throws {
        try File.write(Array(text.utf8), to: directory("plans/\(name).yaml"), mode: 0o644)
    }

    private func tenant(_ name: String, _ plan: String) throws {
        let made = try daemon.call("POST", "/v1/tenants", #"{"name":"\#(name)","plan":"\#(plan)"}"#)
        try #require(made.status == 201, "\(String(decoding: made.bytes, as: UTF8.self))")
        #expect(made.text("plan") == plan)
    }

    private func create(_ tenant: String, _ body: String = "{}") throws -> TestDaemon.Answer {
        try daemon.call("POST", "/v1/sessions?tenant=\(tenant)", body)
    }

    private func message(_ answer: TestDaemon.Answer) -> String {
        answer.json?["error"]?["message"]?.text ?? ""
    }

    private func quota(_ tenant: String, _ name: String) throws -> JSONTree? {
        let tables = try daemon.call("GET", "/v1/quotas?tenant=\(tenant)").json?["tenants"]?.list ?? []
        return tables.first?["quotas"]?.list.first { $0["quota"]?.text == name }
    }

    private func reload() throws -> JSONTree? {
        let before = try daemon.call("GET", "/v1/info").json?["reload"]?["number"]?.text
        let pid = try #require(daemon.pid)
        #expect(kill(pid, SIGHUP) == 0)
        #expect(
            try eventually {
                try daemon.call("GET", "/v1/info").json?["reload"]?["number"]?.text != before
            })
        return try daemon.call("GET", "/v1/info").json?["reload"]
    }

    @Test func `a session has what its tenant's plan allows, and the rest is refused with what there is`()
        throws
    {
        try tenant("red", "free")
        // The control: without a plan the same is taken.
        let other = try daemon.call("POST", "/v1/sessions", #"{"profile":"default","image":"host"}"#)
        #expect(other.status == 201)
        let refused = try create("red", #"{"profile":"default"}"#)
        #expect(refused.status == 403 && refused.field == "profile")
        #expect(
            message(refused).contains(
                #"the plan free of the tenant red does not have "default"; it has offline_readonly"#),
            "\(message(refused))")
        for (body, field) in [
            (#"{"image":"another"}"#, "image"), (#"{"limits":{"memory":67108864}}"#, "limits.memory"),
            (#"{"limits":{"pids":4}}"#, "limits.pids"), (#"{"ttl":60000}"#, "ttl"),
        ] {
            let locked = try create("red", body)
            #expect(locked.status == 403 && locked.field == field, "\(body): \(message(locked))")
            let why = "locked by the plan free of the tenant red (profiles/plans/free.yaml:"
            #expect(message(locked).contains(why))
        }
        // What names no profile has the plan's first; what repeats the profile changes nothing.
        let made = try create("red", #"{"image":"host","limits":{"memory":268435456}}"#)
        #expect(made.status == 201 && made.text("profile") == "offline_readonly", "\(message(made))")
        #expect(try quota("red", "memory")?["used"]?.text == "268435456")
        #expect(try quota("red", "cpus")?["used"]?.text == "500")
        let renewed = try daemon.call("POST", "/v1/sessions/\(made.text("id"))/renew", #"{"ttl":60000}"#)
        #expect(renewed.status == 403 && renewed.field == "ttl", "\(message(renewed))")
        #expect(try daemon.call("GET", "/v1/sessions?tenant=red").json?["sessions"]?.list.count == 1)
    }

    @Test func `quotas are the plan's, until one is set of the tenant's own or it is reset to the plan`()
        throws
    {
        try tenant("red", "free")
        #expect(try quota("red", "execs_per_day")?["limit"]?.text == "10")
        #expect(try quota("red", "execs_per_day")?["origin"]?.text == "plan")
        func set(_ limits: String) throws {
            let answer = try daemon.call("POST", "/v1/tenants/red/quotas", #"{"limits":\#(limits)}"#)
            #expect(answer.status == 200)
        }
        try set(#"{"execs_per_day":1,"sessions":3}"#)
        #expect(try quota("red", "execs_per_day")?["origin"]?.text == "tenant")
        let id = try create("red").text("id")
        #expect(try daemon.exec(id, "true").text("exit") == "0")
        let refused = try daemon.call("POST", "/v1/sessions/\(id)/exec", #"{"shell":"true"}"#)
        #expect(refused.status == 429 && message(refused).contains("tenant red may have 1 of execs_per_day"))
        try set(#"{"execs_per_day":null}"#)
        #expect(try quota("red", "execs_per_day")?["state"]?.text == "no limit")
        try daemon.kill()
        try daemon.startAgain()
        #expect(try quota("red", "execs_per_day")?["state"]?.text == "no limit")
        let reset = #"{"quota":"execs_per_day","to_plan":true}"#
        #expect(try daemon.call("POST", "/v1/tenants/red/quotas/reset", reset).status == 200)
        #expect(try quota("red", "execs_per_day")?["limit"]?.text == "10")
        #expect(try quota("red", "execs_per_day")?["used"]?.text == "1")
        #expect(try quota("red", "sessions")?["limit"]?.text == "3")
        #expect(
            try daemon.call("POST", "/v1/tenants/red/quotas/reset", #"{"to_plan":true}"#).status == 200)
        #expect(try quota("red", "sessions")?["state"]?.text == "no limit")
        let wrong = try daemon.call("POST", "/v1/tenants/red/quotas/reset", #"{"quota":"sessions"}"#)
        #expect(wrong.status == 400 && wrong.field == "quota")
        // Another plan, and none.
        let changed = try daemon.call("POST", "/v1/tenants/red/set", #"{"plan":"pro"}"#)
        #expect(changed.text("plan") == "pro")
        #expect(try quota("red", "execs_per_day")?["limit"]?.text == "100")
        #expect(try create("red").text("profile") == "default")
        #expect(try daemon.call("POST", "/v1/tenants/red/set", #"{"plan":null}"#).status == 200)
        #expect(try quota("red", "execs_per_day")?["state"]?.text == "no limit")
    }

    @Test func `a session has no more memory and processors than the plan says`() throws {
        try write("small", "profiles: [default]\nlimits: {memory: 64MiB, cpus: 0.25}\n")
        try tenant("red", "small")
        // Its profile has more.
        let made = try create("red")
        #expect(made.status == 201, "\(message(made))")
        #expect(try quota("red", "memory")?["used"]?.text == "67108864")
        #expect(try quota("red", "cpus")?["used"]?.text == "250")
        let refused = try create("red", #"{"limits":{"memory":134217728}}"#)
        #expect(refused.status == 403 && refused.field == "limits.memory")
        #expect(
            message(refused).contains(
                "128MiB is more than the plan small of the tenant red has for a session, 64MiB"))
        #expect(try create("red", #"{"limits":{"cpus":1001}}"#).status == 403)
        #expect(try create("red", #"{"limits":{"memory":33554432}}"#).status == 201)
        #expect(try quota("red", "memory")?["used"]?.text == "100663296")
    }

    @Test func `the plan enterprise is refused its network with the reason, as long as there is no proxy`()
        throws
    {
        try tenant("red", "enterprise")
        #expect(try quota("red", "execs_per_day")?["state"]?.text == "no limit")
        let refused = try create("red")
        #expect(refused.status >= 400 && message(refused).contains("proxy"), "\(message(refused))")
        #expect(try quota("red", "sessions")?["used"]?.text == "0")
    }

    @Test func `a plan that is wrong or unknown is refused, and nothing is made`() throws {
        try write("round", "extends: about\n")
        try write("about", "extends: round\nprofiles: any\n")
        try write("odd", "profiles: [no_such_profile]\n")
        for (plan, status, part) in [
            ("round", 400, "leads in a circle"),
            ("odd", 400, #"the plan odd names the profile \"no_such_profile\""#),
            ("fre", 404, "did you mean free?"), ("../free", 400, "../free"),
        ] {
            let body = #"{"name":"red","plan":"\#(plan)"}"#
            let refused = try daemon.call("POST", "/v1/tenants", body)
            let text = String(decoding: refused.bytes, as: UTF8.self)
            #expect(refused.status == status && refused.field == "plan", "\(text)")
            #expect(text.contains(part), "\(text)")
        }
        #expect(try daemon.call("GET", "/v1/tenants/red").status == 404)
        #expect(try daemon.call("POST", "/v1/tenants", #"{"name":"red"}"#).status == 201)
        #expect(try daemon.call("POST", "/v1/tenants/red/set", #"{"plan":"odd"}"#).status == 400)
        #expect(try daemon.call("GET", "/v1/tenants/red").json?["plan"] == nil)
    }

    @Test func `a reload takes plans that changed, says what stays, and of a mistake changes nothing`() throws
    {
        try write("own", "profiles: [default]\nquotas: {execs_per_day: 5}\n")
        try tenant("red", "own")
        let id = try create("red").text("id")
        try write("own", "profiles: [offline]\nlocked: [image]\nquotas: {execs_per_day: 6}\n")
        // Not before it is asked for.
        #expect(try quota("red", "execs_per_day")?["limit"]?.text == "5")
        let told = try reload()?["changes"]?.list.compactMap(\.text) ?? []
        #expect(told.contains { $0.hasPrefix("plan own: quotas.execs_per_day: 5 to 6") }, "\(told)")
        #expect(told.contains { $0.hasSuffix("; 1 sessions that there are keep what they began with") })
        #expect(try quota("red", "execs_per_day")?["limit"]?.text == "6")
        #expect(try daemon.exec(id, "true").text("exit") == "0")
        #expect(try create("red", #"{"profile":"default"}"#).status == 403)
        #expect(try create("red").text("profile") == "offline")
        try write("own", "profiles: [offline]\nquota: {}\n")
        let problems = try reload()?["problems"]?.list.compactMap(\.text) ?? []
        #expect(problems.contains { $0.contains("own.yaml:2:1: quota: is not a key here") }, "\(problems)")
        #expect(try quota("red", "execs_per_day")?["limit"]?.text == "6")
        // A daemon that starts with it lets nothing of that tenant begin, and says why; others go on.
        try daemon.kill()
        try daemon.startAgain()
        for refused in [
            try create("red"),
            try daemon.call("POST", "/v1/sessions/\(id)/exec", #"{"shell":"true"}"#),
        ] {
            #expect(refused.status == 503 && message(refused).contains("own.yaml:2:1"), "\(message(refused))")
        }
        #expect(try daemon.call("POST", "/v1/sessions", "{}").status == 201)
        try write("own", "profiles: [offline]\n")
        _ = try reload()
        #expect(try create("red").status == 201)
    }

    @Test func `a tenant whose sessions run stays, and of two changes at once the last holds`() throws {
        try tenant("red", "pro")
        let id = try create("red").text("id")
        let removed = try daemon.call("DELETE", "/v1/tenants/red")
        #expect(removed.status == 409 && message(removed).contains("1 sessions that have not ended"))
        #expect(try daemon.exec(id, "true").text("exit") == "0")
        // Without a version, as with docker update: both are told that it is done, and the later one is.
        for limit in [7, 8] {
            let body = #"{"limits":{"sessions":\#(limit)}}"#
            #expect(try daemon.call("POST", "/v1/tenants/red/quotas", body).status == 200)
        }
        #expect(try quota("red", "sessions")?["limit"]?.text == "8")
        _ = try daemon.call("POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#)
        #expect(try daemon.call("DELETE", "/v1/tenants/red").status == 204)
        // A later one of that name has nothing of it.
        try tenant("red", "free")
        #expect(try quota("red", "sessions")?["state"]?.text == "no limit")
        let used = try daemon.call("GET", "/v1/usage?tenant=red").json?["tenants"]?.list.first
        #expect(used?["execs"]?.text == "0")
    }
}
