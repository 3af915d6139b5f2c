import Metrics
import TestSupport
import Testing
import Wire

/// What monitoring systems are told by a daemon that runs.
@Suite(.serialized) struct MetricsTests {
    /// Samples by name and labels, as they are written.
    private func samples(_ text: String) -> [String: Double] {
        var samples: [String: Double] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let parts = line.split(separator: " ")
            samples[parts.dropLast().joined(separator: " ")] = Double(parts.last ?? "")
        }
        return samples
    }

    /// - Parameter isWhole: whether what the warden says has to be there, which on a busy machine may come too late.
    private func scrape(
        _ daemon: TestDaemon, _ path: String = "/metrics", _ more: [String] = [], isWhole: Bool = true
    ) throws -> (text: String, samples: [String: Double]) {
        var text = ""
        let isThere = try eventually {
            text = try Program.run(daemon.curl("GET", path, nil, more), timeout: 120).output
            return !isWhole || text.contains("\ncorral_network_namespaces_limit ")
        }
        #expect(isThere, "\(text)")
        return (text, samples(text))
    }

    @Test func `what happens is counted, and what there is is told`() throws {
        let daemon = try TestDaemon()
        let before = try scrape(daemon).samples
        #expect(before["corral_sessions{state=\"running\"}"] == 0)
        #expect(before["corral_session_launches_total"] == 0)
        #expect(before["corral_warden_connected"] == 1 && before["corral_store_writable"] == 1)

        let id = try daemon.session()
        #expect(try daemon.exec(id, "exit 3").status == 200)
        #expect(try daemon.exec(id, "kill -TERM $$").status == 200)
        #expect(try daemon.call("GET", "/v1/sessions/00000000000000ff").status == 404)
        let during = try scrape(daemon).samples
        #expect(during["corral_sessions{state=\"running\"}"] == 1)
        #expect(during["corral_session_launches_total"] == 1)
        #expect(during["corral_session_launch_seconds_count"] == 1)
        #expect(during["corral_session_launch_seconds_bucket{le=\"+Inf\"}"] == 1)
        #expect(during["corral_process_start_seconds_count{kind=\"exec\"}"] == 2)
        #expect(during["corral_exec_seconds_count"] == 2)
        #expect(during["corral_process_ends_total{kind=\"exec\",cause=\"exited\"}"] == 1)
        #expect(during["corral_process_ends_total{kind=\"exec\",cause=\"signalled\"}"] == 1)
        #expect(during["corral_processes{kind=\"exec\",state=\"ended\"}"] == 2)
        #expect(during["corral_requests_total{operation=\"exec\"}"] == 2)
        #expect(during["corral_refusals_total{code=\"not-found\"}"] == 1)
        #expect(during["corral_tenant_quota_used{tenant=\"default\",quota=\"sessions\"}"] == 1)
        #expect((during["corral_audit_records_total"] ?? 0) >= 3)
        #expect((during["corral_store_lag_seconds_count"] ?? 0) >= 3)
        #expect((during["corral_warden_sessions"] ?? 0) == 1)
        #expect((during["process_resident_memory_bytes"] ?? 0) > 1_048_576)
        #expect((during["process_open_fds"] ?? 0) > 5)
        #expect((during["corral_state_size_bytes"] ?? 0) > (during["corral_state_free_bytes"] ?? 0))

        #expect(try daemon.call("POST", "/v1/sessions/\(id)/kill", #"{"grace":0}"#).status == 200)
        let (text, after) = try scrape(daemon)
        #expect(after["corral_session_ends_total{cause=\"operator\"}"] == 1)
        #expect((after["corral_session_kills_total"] ?? 0) >= 1)
        #expect(after["corral_sessions{state=\"running\"}"] == 0)
        // No sample says which session it was.
        #expect(!text.contains(id))
        let told = Set(after.keys.map { String($0.prefix { $0 != "{" }) })
        let known = Set(Metric.all.flatMap(\.sampleNames))
        #expect(told.subtracting(known).isEmpty, "\(told.subtracting(known))")
        // Some wait for what did not happen here.
        let rare = ["corral_limit_hits_total", "corral_tenant_quota_limit"]
        #expect(known.subtracting(told).isSubset(of: rare), "\(known.subtracting(told))")
    }

    @Test func `memory that ran out is a limit that was hit`() throws {
        let daemon = try TestDaemon()
        let id = try daemon.session(#"{"limits":{"memory":33554432}}"#)
        let ended = try daemon.exec(id, "tail /dev/zero")
        #expect(ended.status == 200, "\(String(decoding: ended.bytes, as: UTF8.self))")
        if !Host.isRoot { return print("skipped: limits of memory take root here") }
        #expect(
            try eventually {
                (try scrape(daemon).samples["corral_limit_hits_total{limit=\"memory\"}"] ?? 0) >= 1
            })
    }

    @Test func `the format is the one that was asked for, at both paths`() throws {
        let daemon = try TestDaemon()
        for path in ["/metrics", "/v1/metrics"] {
            let plain = try scrape(daemon, path, ["-i"]).text
            #expect(plain.contains("text/plain; version=0.0.4; charset=utf-8"), "\(plain.prefix(300))")
            let header = "Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
            let open = try scrape(daemon, path, ["-i", "-H", header]).text
            #expect(open.contains("application/openmetrics-text; version=1.0.0; charset=utf-8"))
            #expect(open.hasSuffix("# EOF\n"))
        }
        #expect(try daemon.call("POST", "/metrics").status == 405)
        #expect(try daemon.call("GET", "/metrics?tenant=x").status == 400)
    }

    @Test func `without a warden the rest is told`() throws {
        let daemon = try TestDaemon()
        #expect(try scrape(daemon).samples["corral_network_namespaces_limit"] != nil)
        let warden = try #require(daemon.warden)
        // Stopped, it says nothing, and nobody waits for it for long.
        _ = try Program.run(["kill", "-STOP", "\(warden)"])
        let without = try scrape(daemon, isWhole: false).samples
        _ = try Program.run(["kill", "-CONT", "\(warden)"])
        #expect(without["corral_network_namespaces_limit"] == nil)
        // A counter that nobody tells is not 0.
        #expect(without["corral_network_namespaces_taken_total"] == nil)
        #expect(without["corral_warden_connected"] == 1 && without["process_cpu_seconds_total"] != nil)
    }

    @Test(.enabled(if: Host.isRoot, "skipped: only root can ask as several users"))
    func `a tenant is told what it has itself, and nothing of others or of the node`() throws {
        let shared = try SharedDaemon()
        _ = try shared.session(SharedDaemon.red)
        _ = try shared.session(SharedDaemon.blue)
        _ = try shared.session(SharedDaemon.blue)
        let red = try shared.call(SharedDaemon.red, "GET", "/metrics")
        let found = samples(red.text)
        #expect(red.status == 200)
        #expect(found["corral_sessions{state=\"running\"}"] == 1)
        #expect(found["corral_tenant_quota_used{tenant=\"red\",quota=\"sessions\"}"] == 1)
        #expect(!red.text.contains("blue"))
        let names = Set(found.keys.map { String($0.prefix { $0 != "{" }) })
        #expect(
            names == [
                "corral_build_info", "corral_sessions", "corral_processes", "corral_tenant_quota_used",
            ], "\(names)")
        // The control: root sees both.
        let all = samples(try shared.call(nil, "GET", "/metrics").text)
        #expect(all["corral_sessions{state=\"running\"}"] == 3)
        #expect(all["corral_tenant_quota_used{tenant=\"blue\",quota=\"sessions\"}"] == 2)
    }

    @Test func `corral daemon metrics prints it, and says where nobody answers`() throws {
        let daemon = try TestDaemon()
        let printed = try daemon.command("metrics")
        #expect(printed.status == 0 && printed.output.hasPrefix("# HELP corral_build_info "))
        #expect(samples(printed.output)["corral_warden_connected"] == 1)
        let open = try daemon.command("metrics", "--openmetrics")
        #expect(open.status == 0 && open.output.hasSuffix("# EOF\n"))
        try daemon.kill()
        let refused = try daemon.command("metrics")
        #expect(refused.status == 1 && refused.output.isEmpty)
        #expect(refused.errors.hasPrefix("corral daemon metrics: "), "\(refused.errors)")
    }
}
