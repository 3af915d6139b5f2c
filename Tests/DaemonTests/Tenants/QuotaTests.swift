import API
import Quotas
import TestSupport
import Testing
import Wire

/// What tenants may have, held to by the daemon.
@Suite(.serialized, .enabled(if: Host.isRoot, "only root can ask as several users"))
struct QuotaTests {
    private let shared: SharedDaemon
    private var red: UInt32 { SharedDaemon.red }

    init() throws { shared = try SharedDaemon() }

    private func set(_ limits: String) throws -> SharedDaemon.Answer {
        try shared.call(nil, "POST", "/v1/tenants/red/quotas", #"{"limits":\#(limits)}"#)
    }

    private func entry(_ quota: String) throws -> JSONTree? {
        let tables = try shared.call(nil, "GET", "/v1/quotas?tenant=red").json?["tenants"]?.list ?? []
        return tables.first?["quotas"]?.list.first { $0["quota"]?.text == quota }
    }

    private func used(_ quota: String) throws -> String { try entry(quota)?["used"]?.text ?? "" }

    private func exec(_ id: String, _ shell: String = "true") throws -> SharedDaemon.Answer {
        try shared.call(red, "POST", "/v1/sessions/\(id)/exec", #"{"shell":"\#(shell)"}"#)
    }

    @Test func `the table of the API has every quota once`() {
        #expect(
            Set(APIObject.enforcedQuotas + APIObject.plannedQuotas) == Set(Quota.allCases.map(\.rawValue)))
        #expect(APIObject.enforcedQuotas.count + APIObject.plannedQuotas.count == Quota.allCases.count)
    }

    @Test func `a session too many is refused with whose quota, its value, what is in use and was asked`()
        throws
    {
        // The control: without a quota there is none too many.
        let first = try shared.session(red)
        let second = try shared.session(red)
        #expect(try set(#"{"sessions":2}"#).status == 200)
        let refused = try shared.call(red, "POST", "/v1/sessions", "{}")
        #expect(refused.status == 429 && refused.text.contains("quota-sessions"), "\(refused.text)")
        #expect(refused.text.contains("tenant red may have 2 of sessions, has 2 and was asked for 1 more"))
        #expect(try shared.call(red, "GET", "/v1/sessions").text.contains(second))
        // The others have theirs, and what has ended is given back, once.
        _ = try shared.session(SharedDaemon.blue)
        for _ in 0..<2 {
            _ = try shared.call(red, "POST", "/v1/sessions/\(first)/kill", #"{"grace":0}"#)
            #expect(try used("sessions") == "1")
        }
        _ = try shared.session(red)
        #expect(try shared.call(red, "POST", "/v1/sessions", "{}").status == 429)
    }

    @Test func `memory and processors are those of the request, else of the profile`() throws {
        #expect(try set(#"{"memory":402653184,"cpus":1000}"#).status == 200)
        let half = #"{"limits":{"memory":268435456,"cpus":500}}"#
        let one = try shared.session(red, half)
        #expect(try used("memory") == "268435456" && used("cpus") == "500")
        let refused = try shared.call(red, "POST", "/v1/sessions", half)
        #expect(refused.status == 429 && refused.text.contains("384MiB of memory"), "\(refused.text)")
        let small = try shared.session(red, #"{"limits":{"memory":67108864,"cpus":100}}"#)
        #expect(try used("memory") == "335544320")
        for id in [one, small] { _ = try shared.call(red, "DELETE", "/v1/sessions/\(id)?force") }
        #expect(try used("memory") == "0" && used("cpus") == "0" && used("sessions") == "0")
    }

    @Test func `processes come back when they end, and execs of a day do not`() throws {
        let id = try shared.session(red)
        #expect(try set(#"{"processes":1,"execs_per_day":3}"#).status == 200)
        let sleeper = try shared.call(
            red, "POST", "/v1/sessions/\(id)/processes", #"{"argv":["/bin/sleep","600"],"name":"s"}"#)
        #expect(sleeper.status == 201, "\(sleeper.text)")
        #expect(try exec(id).text.contains("quota-processes"))
        #expect(
            try shared.call(red, "POST", "/v1/sessions/\(id)/processes/s/stop", #"{"grace":0}"#).status == 200
        )
        #expect(try used("processes") == "0" && used("execs_per_day") == "0")
        for _ in 0..<3 { #expect(try exec(id).status == 200) }
        // What cannot be started has been asked for all the same, and holds nothing.
        let refused = try exec(id)
        #expect(refused.status == 429 && refused.text.contains("counted anew at 20"), "\(refused.text)")
        #expect(try used("processes") == "0")
        // A daemon that was killed forgets none of it.
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try used("execs_per_day") == "3" && used("sessions") == "1" && used("processes") == "0")
        #expect(try exec(id).status == 429)
        let reset = try shared.call(
            nil, "POST", "/v1/tenants/red/quotas/reset", #"{"quota":"execs_per_day"}"#)
        #expect(reset.status == 200, "\(reset.text)")
        #expect(try exec(id).status == 200)
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try used("execs_per_day") == "1")
    }

    @Test func `what fails gives back what it took`() throws {
        #expect(try set(#"{"sessions":1,"processes":1}"#).status == 200)
        #expect(try shared.call(red, "POST", "/v1/sessions", #"{"image":"no-such-image"}"#).status >= 400)
        #expect(try used("sessions") == "0" && used("memory") == "0")
        let id = try shared.session(red, #"{"name":"a"}"#)
        #expect(
            try shared.call(red, "POST", "/v1/sessions/\(id)/exec", #"{"argv":["/no/such"]}"#).status == 400)
        #expect(try used("processes") == "0")
        #expect(try exec(id).status == 200)
        // A name that is taken is no creation.
        #expect(try set(#"{"sessions":2}"#).status == 200)
        let creations = try used("creations_per_minute")
        #expect(try shared.call(red, "POST", "/v1/sessions", #"{"name":"a"}"#).status == 409)
        #expect(try used("sessions") == "1")
        #expect(Int(try used("creations_per_minute")) ?? 0 <= Int(creations) ?? 0)
    }

    @Test func `a limit below what is in use ends nothing, lets nothing begin, and is shown`() throws {
        let id = try shared.session(red)
        _ = try shared.session(red)
        #expect(try set(#"{"sessions":1}"#).status == 200)
        #expect(try entry("sessions")?["limit"]?.text == "1" && used("sessions") == "2")
        #expect(try shared.call(red, "POST", "/v1/sessions", "{}").status == 429)
        #expect(try exec(id).status == 200)
    }

    @Test func `what is no limit is refused and changes nothing`() throws {
        #expect(try set(#"{"sessions":5}"#).status == 200)
        for (limits, field) in [
            (#"{"sessions":0}"#, "limits.sessions"), (#"{"sessions":-1}"#, "limits.sessions"),
            (#"{"sessions":1.5}"#, "limits.sessions"), (#"{"sessions":100000}"#, "limits.sessions"),
            (#"{"sessions":1001}"#, "limits.sessions"), (#"{"memory":1}"#, "limits.memory"),
            (#"{"disk":1024}"#, "limits.disk"), (#"{"cpu_time_per_day":999}"#, "limits.cpu_time_per_day"),
            (#"{"relay_bytes_per_hour":1024}"#, "limits.relay_bytes_per_hour"),
            (#"{"nothing":1}"#, "limits.nothing"), ("{}", "limits"),
            (#"{"memory":1073741824,"sessions":0}"#, "limits.sessions"),
        ] {
            let refused = try set(limits)
            #expect(refused.status == 400, "\(limits): \(refused.text)")
            #expect(refused.json?["error"]?["field"]?.text == field, "\(limits): \(refused.text)")
        }
        #expect(try entry("sessions")?["limit"]?.text == "5")
        #expect(try entry("memory")?["limit"] == nil)
        #expect(try entry("disk")?["state"]?.text == "no limit")
        #expect(try entry("relay_bytes_per_hour")?["state"]?.text == "not in force")
        #expect(try set(#"{"sessions":null}"#).status == 200)
        #expect(try entry("sessions")?["state"]?.text == "no limit")
    }

    @Test func `of two operators at once one is told, and others may not`() throws {
        let version = try shared.call(nil, "GET", "/v1/tenants/red").json?["version"]?.text ?? ""
        let change = #"{"limits":{"sessions":3},"version":\#(version)}"#
        #expect(try shared.call(nil, "POST", "/v1/tenants/red/quotas", change).status == 200)
        #expect(try shared.call(nil, "POST", "/v1/tenants/red/quotas", change).status == 409)
        let own = #"{"limits":{"sessions":30}}"#
        #expect(try shared.call(red, "POST", "/v1/tenants/red/quotas", own).status == 403)
        #expect(try shared.call(red, "GET", "/v1/quotas?tenant=blue").status == 404)
        #expect(try shared.call(red, "GET", "/v1/quotas").text.contains(#""tenant":"red""#))
    }

    @Test func `of sixteen operators at the same moment one changes what all of them saw`() throws {
        let version = try shared.call(nil, "GET", "/v1/tenants/red").json?["version"]?.text ?? ""
        let clients = try (1...16).map { number in
            let change = #"{"limits":{"sessions":\#(number)},"version":\#(version)}"#
            return try Program(
                shared.daemon.curl(
                    "POST", "/v1/tenants/red/quotas", change,
                    ["--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}"])
            ).start()
        }
        let codes = try clients.map { try $0.wait(timeout: 120).output }
        #expect(codes.count { $0 == "200" } == 1 && codes.count { $0 == "409" } == 15, "\(codes)")
        let winner = try #require(codes.firstIndex(of: "200"))
        #expect(try entry("sessions")?["limit"]?.text == "\(winner + 1)")
    }

    @Test func `events tell of 80 and of 95 percent, once each on the way up`() throws {
        let id = try shared.session(red)
        #expect(try set(#"{"execs_per_day":20}"#).status == 200)
        for _ in 0..<20 { #expect(try exec(id).status == 200) }
        let events = try shared.call(
            nil, "GET", "/v1/events?since=2020-01-01T00:00:00Z&tenant=red", seconds: 3
        ).text
        let told = events.split(separator: "\n").filter {
            $0.contains("tenant.quota") && $0.hasPrefix("data")
        }
        #expect(told.count == 2, "\(told)")
        #expect(told.first?.contains("80 percent of execs_per_day are used: 16 of 20") == true)
        #expect(told.last?.contains("95 percent") == true)
    }

    @Test func `processor time of a day counts when a process has ended, and then nothing more begins`()
        throws
    {
        #expect(try set(#"{"cpu_time_per_day":1000}"#).status == 200)
        let id = try shared.session(red)
        // As long as there is some left a process is begun, and it is not ended when that is used up.
        let busy =
            "while :; do i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; "
            + "read -r line < /proc/$$/stat; set -- $line; [ ${14} -gt 130 ] && exit 7; done"
        let ran = try shared.call(
            red, "POST", "/v1/sessions/\(id)/exec", #"{"shell":"\#(busy)"}"#, seconds: 110)
        #expect(ran.json?["exit"]?.text == "7", "\(ran.text)")
        let spent = try #require(UInt64(try used("cpu_time_per_day")))
        #expect(spent >= 1300)
        let events = try shared.call(
            nil, "GET", "/v1/events?since=2020-01-01T00:00:00Z&tenant=red", seconds: 3
        ).text
        #expect(events.contains("95 percent of cpu_time_per_day are used"), "\(events)")
        let refused = try exec(id)
        #expect(refused.status == 429 && refused.text.contains("quota-cpu-time-per-day"), "\(refused.text)")
        #expect(refused.text.contains("tenant red may have 1s of cpu_time_per_day and has used"))
        #expect(try shared.call(red, "POST", "/v1/sessions", "{}").status == 429)
        #expect(try shared.call(red, "GET", "/v1/sessions/\(id)").json?["state"]?.text == "running")
        // Others have theirs, and it outlasts the daemon.
        _ = try shared.session(SharedDaemon.blue)
        try shared.daemon.kill()
        try shared.daemon.startAgain()
        #expect(try used("cpu_time_per_day") == "\(spent)")
        #expect(try exec(id).status == 429)
        let reset = #"{"quota":"cpu_time_per_day"}"#
        #expect(try shared.call(nil, "POST", "/v1/tenants/red/quotas/reset", reset).status == 200)
        #expect(try exec(id).status == 200)
    }

    @Test func `what is refused after it was reserved makes no event, and what is not does`() throws {
        let own = try SharedDaemon(["--set", "limits.processes=1"])
        let limits = #"{"limits":{"execs_per_day":1}}"#
        #expect(try own.call(nil, "POST", "/v1/tenants/red/quotas", limits).status == 200)
        let path = "/v1/sessions/\(try own.session(red))"
        let sleeper = #"{"argv":["/bin/sleep","600"],"name":"s"}"#
        #expect(try own.call(red, "POST", "\(path)/processes", sleeper).status == 201)
        func told() throws -> Int {
            let events = "/v1/events?since=2020-01-01T00:00:00Z&tenant=red"
            return try own.call(nil, "GET", events, seconds: 3).text.split(separator: "\n")
                .count { $0.hasPrefix("data") && $0.contains("tenant.quota") }
        }
        // The session has as many processes as there may be, which is known behind the quota.
        let refused = try own.call(red, "POST", "\(path)/exec", #"{"argv":["/bin/true"]}"#)
        #expect(refused.status == 429 && !refused.text.contains("quota-"), "\(refused.text)")
        #expect(try told() == 0)
        #expect(try own.call(red, "POST", "\(path)/processes/s/stop", #"{"grace":0}"#).status == 200)
        #expect(try own.call(red, "POST", "\(path)/exec", #"{"argv":["/bin/true"]}"#).status == 200)
        #expect(try told() == 1)
    }

    @Test func `the command line shows, sets and resets`() throws {
        func corral(_ words: String...) throws -> Program.Outcome {
            try Program.run(
                [Product.path("corral")] + words,
                environment: Program.environment.merging(["CORRAL_SOCKET_PATH": shared.daemon.socket]) { $1 })
        }
        #expect(try corral("quota", "set", "red", "sessions=2", "memory=1GiB").output == "red\n")
        let shown = try corral("quota", "show", "--tenant", "red")
        #expect(shown.output.contains("1GiB") && shown.output.contains("not in force"), "\(shown.output)")
        for wrong in [
            "sessions=0", "sessions=-1", "sessions=", "cpu_time_per_day=1ms", "relay_bytes_per_hour=1GiB",
            "session=1", "sessions",
        ] {
            let refused = try corral("quota", "set", "red", wrong)
            #expect(refused.status != 0 && !refused.errors.isEmpty, "\(wrong)")
        }
        #expect(try corral("quota", "reset", "red", "execs_per_day").status == 0)
        #expect(try corral("tenant", "create", "pink").output == "pink\n")
        #expect(try corral("tenant", "ls").output.contains("pink"))
        #expect(try corral("tenant", "set", "--description", "p", "pink").status == 0)
        #expect(try corral("tenant", "inspect", "pink").output.contains(#""p""#))
        #expect(try corral("tenant", "rm", "pink").output == "pink\n")
        #expect(try corral("tenant", "rm", "pink").status == 1)
    }
}
