/// How a registry is written: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, 0.0.4), and
/// OpenMetrics 1.0, https://prometheus.io/docs/specs/om/open_metrics_spec/.
package enum Exposition: Hashable, Sendable {
    case text
    case openMetrics

    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// What a client asks for in its header `Accept`: OpenMetrics where that is preferred, or as dear and named,
    /// else text. What is asked for of other kinds is answered with text, as other exporters do.
    /// - Parameter accept: nil where there is no such header.
    package init(accept: String?) {
        var best = (text: 0.0, openMetrics: 0.0)
        for range in (accept ?? "").split(separator: ",").prefix(64) {
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let type = parts.first else { continue }
            let quality =
                parts.dropFirst().first { $0.hasPrefix("q=") }
                .map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            let version = parts.first { $0.hasPrefix("version=") }?.dropFirst(8)
            switch type {
            case "application/openmetrics-text" where version == nil || version == "1.0.0":
                best.openMetrics = max(best.openMetrics, quality)
            case "text/plain", "text/*", "*/*": best.text = max(best.text, quality)
            default: break
            }
        }
        self = best.openMetrics > 0 && best.openMetrics >= best.text ? .openMetrics : .text
    }

    package func bytes(_ registry: Registry) -> [UInt8] {
        var text = ""
        for family in registry.families where !family.series.isEmpty { write(family, to: &text) }
        if self == .openMetrics { text += "# EOF\n" }
        return Array(text.utf8)
    }

    private func write(_ family: Registry.Family, to text: inout String) {
        let metric = family.metric
        // In text every line has the name of the samples, in OpenMetrics the metric's own.
        let name = self == .text ? metric.sampleName : metric.name
        text += "# HELP \(name) \(escaped(metric.help))\n# TYPE \(name) \(metric.kind.rawValue)\n"
        if self == .openMetrics, let unit = metric.unit { text += "# UNIT \(name) \(unit)\n" }
        let sorted = family.series.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        for (labels, value) in sorted {
            let pairs = Array(zip(metric.labels, labels))
            switch value {
            case .number(let number): line(metric.sampleName, pairs, number, to: &text)
            case .histogram(let histogram): write(histogram, of: metric, pairs, to: &text)
            }
        }
    }

    private func write(
        _ histogram: Registry.Histogram, of metric: Metric, _ pairs: [(String, String)],
        to text: inout String
    ) {
        var count: UInt64 = 0
        for (bound, inside) in zip(metric.buckets + [.infinity], histogram.counts) {
            count &+= inside
            let bucket = pairs + [("le", bound == .infinity ? "+Inf" : "\(bound)")]
            line("\(metric.name)_bucket", bucket, Double(count), to: &text)
        }
        line("\(metric.name)_sum", pairs, histogram.sum, to: &text)
        line("\(metric.name)_count", pairs, Double(histogram.count), to: &text)
    }

    private func line(
        _ name: String, _ labels: [(String, String)], _ value: Double, to text: inout String
    ) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(written(value))\n"
    }

    /// Whole numbers without a point, as far as they are exact.
    private func written(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return "\(whole)" }
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }

    /// - Parameter quotes: whether the text stands between them. OpenMetrics escapes them in help as well.
    private func escaped(_ text: String, quotes: Bool = false) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes || self == .openMetrics: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Metric {
    /// What its name says it is measured in; nil for a number of things.
    var unit: String? { ["seconds", "bytes"].first { name.hasSuffix("_\($0)") } }
}
