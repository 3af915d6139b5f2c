// The names of all metrics, and the files that use them.

import TestSupport
import Testing
import Wire

@testable import Metrics

/// A registry in which every metric has samples, with labels that have to be escaped among them.
private func filled() -> Registry {
    var registry = Registry(Metric.all)
    for metric in Metric.all {
        for value in ["plain", "with \"quotes\", a \\ and\na second line"] {
            let labels = metric.labels.map { _ in value }
            if metric.kind == .histogram, labels.count < 2 {
                for number in [0.0001, 0.3, 1000] {
                    if labels.isEmpty {
                        registry.observe(number, in: metric)
                    } else {
                        registry.observe(number, in: metric, value)
                    }
                }
            } else {
                registry.add(1.5, to: metric, labels: labels)
            }
        }
    }
    return registry
}

/// promtool, of Debian's package prometheus, or as CORRAL_PROMTOOL names it. It is no package of the tests: 19 MB,
/// and its installation starts a server.
private let promtool: String? = {
    let named = Program.ownEnvironment["CORRAL_PROMTOOL"] ?? "/usr/bin/promtool"
    if File.exists(named) { return named }
    print("skipped: promtool is not here; apt-get download prometheus, unpack it and set CORRAL_PROMTOOL")
    return nil
}()

@Suite struct CatalogueTests {
    @Test func `names are of Corral or of every exporter, in base units, and there once`() {
        #expect(Set(Metric.all.map(\.name)).count == Metric.all.count)
        for metric in Metric.all {
            let name = metric.name
            #expect(name.hasPrefix("corral_") || name.hasPrefix("process_"), "\(name)")
            #expect(name.utf8.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x5F }, "\(name)")
            for part in ["_total", "_ms", "_milliseconds", "_kb", "_percent", "_count", "_sum", "_bucket"] {
                #expect(!name.hasSuffix(part), "\(name)")
            }
            #expect((metric.kind == .histogram) == !metric.buckets.isEmpty, "\(name)")
            #expect(metric.buckets == metric.buckets.sorted() && metric.help.count < 110, "\(name)")
            #expect(metric.kind != .histogram || name.hasSuffix("_seconds"), "\(name)")
            #expect(Set(metric.labels).isDisjoint(with: ["session", "process", "id", "le"]), "\(name)")
        }
    }

    @Test func `promtool finds nothing wrong with what is written`() throws {
        guard let promtool else { return }
        let checked = try Program.run([promtool, "check", "metrics"], stdin: Exposition.text.bytes(filled()))
        #expect(checked.status == 0 && checked.errors.isEmpty, "\(checked.output)\(checked.errors)")
        // The control: what is not right is found.
        let wrong = Array("# TYPE corral_x counter\ncorral_x 1\n".utf8)
        #expect(try Program.run([promtool, "check", "metrics"], stdin: wrong).status != 0)
    }

    @Test func `the library of Prometheus reads both formats`() throws {
        let script = """
            import sys
            try:
                import prometheus_client
            except ImportError:
                print("skipped")
                sys.exit()
            if sys.argv[1] == "text":
                from prometheus_client.parser import text_string_to_metric_families as parse
            else:
                from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
            families = list(parse(sys.stdin.read()))
            for family in families:
                labels = [tuple(sorted(sample.labels.items())) for sample in family.samples]
                assert family.documentation and family.samples, family.name
                assert any("second line" in str(label) for label in labels) or not labels[0] or \\
                    "le" in dict(labels[0]), family.name
            print(len(families))
            """
        for (name, exposition) in [("text", Exposition.text), ("open", .openMetrics)] {
            let outcome = try Program.run(
                ["python3", "-c", script, name],
                environment: Program.environment.merging(
                    Program.ownEnvironment.filter { $0.key == "PYTHONPATH" }
                ) { $1 },
                stdin: exposition.bytes(filled()))
            if outcome.output == "skipped\n" {
                print("skipped: python3-prometheus-client is not here")
                return
            }
            #expect(outcome.output == "\(Metric.all.count)\n", "\(name): \(outcome.errors)")
        }
    }

    // MARK: The files that ship

    /// Words of an expression that look like a metric of Corral's or of the process.
    private func metrics(in expression: String) -> Set<String> {
        let words = expression.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")) }
        return Set(words.map(String.init).filter { $0.hasPrefix("corral_") || $0.hasPrefix("process_") })
    }

    private var samples: Set<String> { Set(Metric.all.flatMap(\.sampleNames)) }

    @Test func `every expression of the dashboard is about metrics that there are`() throws {
        let tree = try JSONTree(parsing: File.read(Repository.path("docs/monitoring/grafana-dashboard.json")))
        var expressions: [String] = []
        func walk(_ tree: JSONTree) {
            switch tree.value {
            case .object(let members):
                for member in members {
                    if ["expr", "query"].contains(member.key), case .string(let text) = member.value.value {
                        expressions.append(text)
                    }
                    walk(member.value)
                }
            case .array(let elements): elements.forEach(walk)
            default: break
            }
        }
        walk(tree)
        let used = Set(expressions.flatMap { metrics(in: $0) })
        #expect(used.count > 20 && used.subtracting(samples).isEmpty, "\(used.subtracting(samples))")
        // The control.
        #expect(
            metrics(in: "rate(corral_nothing_total[5m])").subtracting(samples) == ["corral_nothing_total"])
    }

    @Test func `every alert is about metrics that there are, and its page exists`() throws {
        let path = Repository.path("docs/monitoring/alerts.yaml")
        let script = """
            import json, sys, yaml
            groups = yaml.safe_load(open(sys.argv[1]))["groups"]
            for group in groups:
                for rule in group["rules"]:
                    assert rule["annotations"]["summary"] and rule["labels"]["severity"] in ("warning", "critical")
                    print(rule["alert"], rule["expr"].replace("\\n", " "))
            """
        let outcome = try Program.run(["python3", "-c", script, path])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let rules = outcome.output.split(separator: "\n")
        #expect(rules.count >= 10)
        let page = try #require(File.text(Repository.path("docs/metrics.md")))
        for rule in rules {
            let used = metrics(in: String(rule))
            #expect(!used.isEmpty && used.subtracting(samples).isEmpty, "\(rule)")
            #expect(page.contains("`\(rule.prefix { $0 != " " })`"), "\(rule)")
        }
        guard let promtool else { return }
        let checked = try Program.run([promtool, "check", "rules", path])
        #expect(checked.status == 0, "\(checked.output)\(checked.errors)")
    }

    @Test func `the page names every metric`() throws {
        let page = try #require(File.text(Repository.path("docs/metrics.md")))
        #expect(Metric.all.map(\.sampleName).filter { !page.contains("`\($0)`") } == [])
    }
}
