// Counting, and how it is written.

import Testing

@testable import Metrics

private let requests = Metric(.counter, "x_requests", "Requests", labels: ["code"])
private let failures = Metric(.counter, "x_failures", "Failures")
private let free = Metric(.gauge, "x_free_bytes", "Free")
private let times = Metric(.histogram, "x_run_seconds", "Runs", buckets: [0.5, 1])

private func text(_ registry: Registry, _ exposition: Exposition = .text) -> String {
    String(decoding: exposition.bytes(registry), as: UTF8.self)
}

@Suite struct RegistryTests {
    @Test func `what happened never is a zero, and what nobody has set is not there`() {
        let asked = Metric(.counter, "x_asked", "Asked", isAsked: true)
        let registry = Registry([requests, failures, free, asked])
        #expect(
            text(registry)
                == "# HELP x_failures_total Failures\n# TYPE x_failures_total counter\nx_failures_total 0\n")
    }

    @Test func `counters add up by their labels, and never shrink`() {
        var registry = Registry([requests, failures])
        registry.add(to: requests, "b")
        registry.add(2, to: requests, "a")
        registry.add(to: requests, "b")
        for wrong in [-1, .nan, .infinity] { registry.add(wrong, to: failures) }
        // A label too few would be another series than is meant.
        registry.add(to: requests)
        #expect(
            text(registry) == """
                # HELP x_requests_total Requests
                # TYPE x_requests_total counter
                x_requests_total{code="a"} 2
                x_requests_total{code="b"} 2
                # HELP x_failures_total Failures
                # TYPE x_failures_total counter
                x_failures_total 0

                """)
    }

    @Test func `buckets are cumulative, with their bounds inside`() {
        var registry = Registry([times])
        for value in [0.25, 0.5, 0.75, 1, 4] { registry.observe(value, in: times) }
        registry.observe(-1, in: times)
        registry.observe(.nan, in: times)
        #expect(
            text(registry) == """
                # HELP x_run_seconds Runs
                # TYPE x_run_seconds histogram
                x_run_seconds_bucket{le="0.5"} 2
                x_run_seconds_bucket{le="1.0"} 4
                x_run_seconds_bucket{le="+Inf"} 5
                x_run_seconds_sum 6.5
                x_run_seconds_count 5

                """)
    }

    @Test func `OpenMetrics has the metric's own name, its unit and an end`() {
        var registry = Registry([failures, free])
        registry.add(0.5, to: free)
        #expect(
            text(registry, .openMetrics) == """
                # HELP x_failures Failures
                # TYPE x_failures counter
                x_failures_total 0
                # HELP x_free_bytes Free
                # TYPE x_free_bytes gauge
                # UNIT x_free_bytes bytes
                x_free_bytes 0.5
                # EOF

                """)
    }

    @Test func `a label has a hundred values, and the rest are one`() {
        var registry = Registry([Metric(.gauge, "x_used", "Used", labels: ["tenant", "quota"])])
        let metric = registry.families[0].metric
        for number in 0..<300 {
            registry.add(1, to: metric, "t\(number)", "a")
            registry.add(2, to: metric, "t\(number)", "b")
        }
        let lines = text(registry).split(separator: "\n")
        #expect(lines.count == 2 + 2 * 101)
        #expect(lines.contains(#"x_used{tenant="t99",quota="a"} 1"#))
        #expect(lines.contains(#"x_used{tenant="other",quota="a"} 200"#))
        #expect(lines.contains(#"x_used{tenant="other",quota="b"} 400"#))
    }

    @Test func `what stands in a label cannot end it`() {
        var registry = Registry([requests])
        registry.add(to: requests, "a\"} 5\nx 1\\")
        #expect(text(registry).hasSuffix("x_requests_total{code=\"a\\\"} 5\\nx 1\\\\\"} 1\n"))
        #expect(text(registry).split(separator: "\n").count == 3)
    }

    @Test(arguments: [
        (nil, Exposition.text), ("", .text), ("*/*", .text), ("application/json", .text),
        ("application/openmetrics-text", .openMetrics),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
        ),
        ("application/openmetrics-text; version=2.0.0", .text),
        ("text/plain, application/openmetrics-text; q=0.5", .text),
        ("application/openmetrics-text;q=0", .text),
        (String(repeating: ",", count: 10_000), .text), ("application/openmetrics-text;q=x", .text),
    ])
    func `the format is what the client prefers`(accept: String?, exposition: Exposition) {
        #expect(Exposition(accept: accept) == exposition)
    }
}
