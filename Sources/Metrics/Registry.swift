/// Values of metrics, as a value: whoever owns it counts, and a copy of it is filled with what is looked up and
/// written out.
///
/// The first label of a metric has at most ``mostValues`` values. Whatever comes after that is counted under
/// ``other``, so that no number of tenants or words makes an answer of any size.
package struct Registry: Sendable {
    /// Of the first label of one metric.
    package static let mostValues = 100
    package static let other = "other"

    /// Observations by bucket, each in the first that it fits; the last bucket is for those that fit none.
    struct Histogram: Hashable, Sendable {
        var counts: [UInt64]
        var sum = 0.0

        var count: UInt64 { counts.reduce(0, &+) }
    }

    enum Value: Hashable, Sendable {
        case number(Double)
        case histogram(Histogram)
    }

    struct Family: Sendable {
        let metric: Metric
        var series: [[String]: Value] = [:]
        fileprivate var firsts: Set<String> = []
    }

    private(set) var families: [Family]
    private var places: [String: Int] = [:]

    /// - Parameter metrics: in the order in which they are written.
    package init(_ metrics: [Metric]) {
        families = metrics.map { Family(metric: $0) }
        for (index, metric) in metrics.enumerated() {
            places[metric.name] = index
            // What has happened never is told as 0, where it is known what would be told. A gauge that nobody has
            // set is not there.
            if metric.labels.isEmpty, metric.kind != .gauge, !metric.isAsked {
                families[index].series[[]] = Self.nothing(of: metric)
            }
        }
    }

    private static func nothing(of metric: Metric) -> Value {
        metric.kind == .histogram
            ? .histogram(Histogram(counts: Array(repeating: 0, count: metric.buckets.count + 1))) : .number(0)
    }

    /// Adds to a counter or a gauge; what would make a counter smaller, or is no number, is left out.
    /// - Parameter labels: one for each of the metric's, else nothing is counted.
    package mutating func add(_ amount: Double = 1, to metric: Metric, _ labels: String...) {
        add(amount, to: metric, labels: labels)
    }

    package mutating func add(_ amount: Double, to metric: Metric, labels: [String]) {
        guard amount.isFinite, amount >= 0 || metric.kind == .gauge else { return }
        change(metric, labels) { value in
            if case .number(let before) = value { value = .number(before + amount) }
        }
    }

    /// Notes an observation in a histogram.
    /// - Parameter value: in the unit that the metric's name ends with.
    package mutating func observe(_ value: Double, in metric: Metric, _ labels: String...) {
        guard value.isFinite, value >= 0 else { return }
        change(metric, labels) { entry in
            guard case .histogram(var histogram) = entry else { return }
            let index = metric.buckets.firstIndex { value <= $0 } ?? metric.buckets.count
            histogram.counts[index] &+= 1
            histogram.sum += value
            entry = .histogram(histogram)
        }
    }

    private mutating func change(_ metric: Metric, _ labels: [String], _ body: (inout Value) -> Void) {
        guard let place = places[metric.name], labels.count == metric.labels.count else { return }
        let key = families[place].bounded(labels)
        var value = families[place].series[key] ?? Self.nothing(of: metric)
        body(&value)
        families[place].series[key] = value
    }
}

extension Registry.Family {
    /// The labels under which something is counted.
    fileprivate mutating func bounded(_ labels: [String]) -> [String] {
        guard let first = labels.first, !firsts.contains(first) else { return labels }
        if firsts.count < Registry.mostValues {
            firsts.insert(first)
            return labels
        }
        return [Registry.other] + labels.dropFirst()
    }
}
