/// One thing that is measured: what it is called, of which kind it is, and what its labels are.
package struct Metric: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// Only grows, and begins at zero with the process that counts.
        case counter
        case gauge
        /// How many observations were at most so large.
        case histogram
    }

    /// With the unit at its end, and without `_total`, which belongs to the samples of a counter.
    package let name: String
    package let kind: Kind
    /// A sentence without its full stop.
    package let help: String
    package let labels: [String]
    /// Whether somebody else counts it, and is asked: where there is no answer it is left out, since a 0 would be
    /// taken for a new beginning.
    package let isAsked: Bool
    /// Of a histogram: upper bounds, each larger than the one before; `+Inf` is always there.
    package let buckets: [Double]

    package init(
        _ kind: Kind, _ name: String, _ help: String, labels: [String] = [], buckets: [Double] = [],
        isAsked: Bool = false
    ) {
        self.kind = kind
        self.name = name
        self.help = help
        self.labels = labels
        self.buckets = buckets
        self.isAsked = isAsked
    }

    /// The name that expressions use: of a counter its sample, of a histogram what its samples begin with.
    package var sampleName: String { kind == .counter ? "\(name)_total" : name }

    /// Every name that a sample of it may have.
    package var sampleNames: [String] {
        kind == .histogram ? ["\(name)_bucket", "\(name)_sum", "\(name)_count"] : [sampleName]
    }
}
