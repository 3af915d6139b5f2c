package import Wire

/// One measured thing with its figures, as a line of the benchmarks' result.
///
///     {"name":"launch/corral","unit":"ms","samples":300,"values":{"p50":6.1},"ratios":{"p50":1.37},
///      "relativeTo":"launch/bwrap"}
package struct Measurement: Sendable {
    package typealias Figure = (name: String, value: Double)

    /// A path: what is measured, then of whom, then under which circumstance.
    package var name: String
    /// Of all values; ratios have none.
    package var unit: String
    /// From how many single measurements the values are.
    package var samples: Int
    package var values: [Figure]
    package var ratios: [Figure] = []
    /// The measurement that the ratios are to.
    package var relativeTo: String?

    package init(name: String, unit: String, samples: Int, values: [Figure]) {
        self.name = name
        self.unit = unit
        self.samples = samples
        self.values = values
    }

    /// Adds the ratio of each value to that of the same name in `other`, where that is not 0.
    package mutating func relate(to other: Measurement) {
        for value in values {
            guard let base = other.values.first(where: { $0.name == value.name })?.value, base != 0 else {
                continue
            }
            ratios.append((value.name, value.value / base))
        }
        relativeTo = other.name
    }

    package var json: JSONText {
        .object { line in
            line.add("name", name)
            line.add("unit", unit)
            line.add("samples", samples)
            line.object("values") { object in
                for value in values { object.add(value.name, number(value.value)) }
            }
            if let relativeTo {
                line.object("ratios") { object in
                    for ratio in ratios { object.add(ratio.name, number(ratio.value)) }
                }
                line.add("relativeTo", relativeTo)
            }
        }
    }
}

/// What was not measured, and why, as a line of the same result.
package func leftOut(_ name: String, _ reason: String) -> JSONText {
    .object { line in
        line.add("leftOut", name)
        line.add("reason", reason)
    }
}

/// JSON has no notation for what is not finite; `null` is no figure.
private func number(_ value: Double) -> JSONText {
    JSONText(alreadyJSON: Array((value.isFinite ? "\(value)" : "null").utf8))
}
