package import Sandbox

/// What can be counted of a tenant and of the whole node, by the name that it has in plans, requests and answers.
package enum Quota: String, CaseIterable, Hashable, Sendable {
    case sessions, processes, memory, cpus, disk
    case cpuTimePerDay = "cpu_time_per_day"
    case execsPerDay = "execs_per_day"
    case creationsPerMinute = "creations_per_minute"
    case relayBytesPerHour = "relay_bytes_per_hour"

    /// What becomes of what was taken.
    package enum Nature: Hashable, Sendable {
        /// In use until it is given back.
        case held
        /// Gone until the window of time is over.
        case spent(QuotaWindow)
    }

    package var nature: Nature {
        switch self {
        case .sessions, .processes, .memory, .cpus, .disk: .held
        case .cpuTimePerDay, .execsPerDay: .spent(.day)
        case .creationsPerMinute: .spent(.minute)
        case .relayBytesPerHour: .spent(.hour)
        }
    }

    /// Whether how much is used up is known only afterwards: then nothing is asked for, and nothing more that uses it
    /// begins once there is none left.
    package var isMeasured: Bool { self == .cpuTimePerDay || self == .relayBytesPerHour }

    /// Whether what takes these amounts will use some of it up. Nothing of tenants' goes through a relay.
    func isUsed(by asked: Amounts) -> Bool {
        self == .cpuTimePerDay && (asked[.sessions] > 0 || asked[.processes] > 0)
    }

    /// How its values are written and which there may be. No quota is zero: who may have nothing of something has
    /// no tenant. The most is what no machine reaches, as somebody would write it: it is in messages and tables.
    package var rule: Quantity {
        switch self {
        case .sessions: Quantity(.count, 1...16_384, orNone: true)
        case .processes: Quantity(.count, 1...1_048_576, orNone: true)
        case .memory: Quantity(.size, 1 << 20...1 << 50, orNone: true)
        case .cpus: Quantity(.cpus, 10...16_384_000, orNone: true)
        case .disk: Quantity(.size, 1 << 16...1 << 56, orNone: true)
        case .cpuTimePerDay: Quantity(.duration, 1000...16_384 * 86_400_000, orNone: true)
        case .execsPerDay: Quantity(.count, 1...1_000_000_000, orNone: true)
        case .creationsPerMinute: Quantity(.count, 1...1_000_000, orNone: true)
        case .relayBytesPerHour: Quantity(.size, 1024...1 << 56, orNone: true)
        }
    }

    /// The quota of that name.
    package init(named text: String) throws(ValueError) {
        guard let quota = Quota(rawValue: text) else {
            let names = Quota.allCases.map(\.rawValue)
            let cure = suggestion(for: text, in: names) ?? "expected one of \(names.joined(separator: ", "))"
            throw ValueError("\(quoted(text)) is not a quota; \(cure)")
        }
        self = quota
    }
}

/// A stretch of UTC that quotas are counted in: it begins at a whole minute, hour or day since 1970.
package enum QuotaWindow: String, Hashable, Sendable {
    case minute, hour, day

    /// In seconds. Days of POSIX time have no leap seconds.
    package var length: UInt64 {
        switch self {
        case .minute: 60
        case .hour: 3600
        case .day: 86_400
        }
    }

    /// When the window began that holds `time`; both in seconds since 1970.
    package func start(of time: UInt64) -> UInt64 { time - time % length }
}

/// An amount of each quota: bytes, thousandths of a processor, milliseconds of processor time, or a count.
package struct Amounts: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    private var values: [Quota: UInt64] = [:]

    package init() {}

    package init(dictionaryLiteral elements: (Quota, UInt64)...) {
        for (quota, amount) in elements { self[quota] += amount }
    }

    package subscript(quota: Quota) -> UInt64 {
        get { values[quota] ?? 0 }
        // Without entries of zero, so that equal amounts are equal values.
        set { values[quota] = newValue == 0 ? nil : newValue }
    }

    package var isEmpty: Bool { values.isEmpty }

    /// Those that are not zero, in the order of ``Quota``.
    package var all: [(quota: Quota, amount: UInt64)] {
        Quota.allCases.compactMap { quota in values[quota].map { (quota, $0) } }
    }

    /// Only those of that kind.
    func only(held: Bool) -> Amounts {
        var result = Amounts()
        for (quota, amount) in values where (quota.nature == .held) == held { result[quota] = amount }
        return result
    }
}

/// The most there may be of each quota; what is not stated is not limited.
package struct QuotaLimits: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    private var values: [Quota: UInt64] = [:]

    package init() {}

    package init(dictionaryLiteral elements: (Quota, UInt64)...) {
        values = Dictionary(elements) { $1 }
    }

    package subscript(quota: Quota) -> UInt64? {
        get { values[quota] }
        set { values[quota] = newValue }
    }

    /// Those that are stated, in the order of ``Quota``.
    package var all: [(quota: Quota, limit: UInt64)] {
        Quota.allCases.compactMap { quota in values[quota].map { (quota, $0) } }
    }
}
