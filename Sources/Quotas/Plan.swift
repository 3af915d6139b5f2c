package import Sandbox

/// A named set of what a tenant's sessions may be: profiles, what requests may not change, the most of each session,
/// and quotas. What a file and those that it extends amount to.
package struct Plan: Hashable, Sendable {
    package let name: String
    package let description: String
    package let profiles: AllowedProfiles
    package let locks: [ProfileLock]
    package let quotas: QuotaLimits
    /// Of each session, in bytes; nil for no limit.
    package let memory: UInt64?
    /// Of each session, in thousandths of a processor; nil for no limit.
    package let milliCPUs: UInt64?
    /// What a tenant's sessions together weigh beside those of others; nil where no file says so.
    package let weight: UInt32?
    /// What errors call the files, its own first.
    package let files: [String]

    package enum AllowedProfiles: Hashable, Sendable, CustomStringConvertible {
        case any
        /// At least one.
        case only([String])

        package func allows(_ name: String) -> Bool {
            switch self {
            case .any: true
            case .only(let names): names.contains(name)
            }
        }

        package var description: String {
            switch self {
            case .any: "any"
            case .only(let names): names.joined(separator: ", ")
            }
        }
    }

    /// Merges a chain of files, the plan's own first. Of two the one that extends wins, key by key; what either
    /// locks is locked.
    /// - Throws: where no file names profiles.
    init(_ chain: [PlanFile]) throws(ConfigError) {
        let own = chain[0]
        guard let profiles = chain.lazy.compactMap(\.profiles).first else {
            throw ConfigError(
                file: own.file, line: 1, column: 1, key: "profiles",
                problem: "is missing; expected a list of profiles, or any")
        }
        name = own.name
        description = chain.lazy.compactMap(\.description).first ?? ""
        self.profiles = profiles.isEmpty ? .any : .only(profiles.map(\.value))
        var locks: [ProfileLock] = []
        for lock in chain.reversed().flatMap(\.locks) where !locks.contains(where: { $0.path == lock.path }) {
            locks.append(lock)
        }
        self.locks = locks
        var quotas = QuotaLimits()
        for file in chain.reversed() { for (quota, limit) in file.quotas { quotas[quota] = limit } }
        self.quotas = quotas
        memory = chain.lazy.compactMap(\.memory).first ?? nil
        milliCPUs = chain.lazy.compactMap(\.cpus).first ?? nil
        weight = chain.lazy.compactMap(\.weight).first
        files = chain.map(\.file)
    }

    /// Where a field is locked, by itself or with its section; nil where it is not.
    package func lockOrigin(of field: ProfileField) -> String? {
        locks.first { $0.covers(field) }?.origin
    }

    /// The profile of a request that names none.
    /// - Parameter usual: the node's, which holds where the plan allows it.
    package func profile(usual: String) -> String {
        guard case .only(let names) = profiles, !names.contains(usual) else { return usual }
        return names.first ?? usual
    }

    /// What differs in another reading of the plan, a clause for each.
    package func changes(to other: Plan) -> [String] {
        var changes: [String] = []
        if profiles != other.profiles { changes.append("profiles: \(profiles) to \(other.profiles)") }
        let (before, after) = (locks.map(\.path).sorted(), other.locks.map(\.path).sorted())
        if before != after {
            changes.append(
                "locked: [\(before.joined(separator: ", "))] to [\(after.joined(separator: ", "))]")
        }
        func compare(_ name: String, _ rule: Quantity, _ old: UInt64?, _ new: UInt64?) {
            guard old != new else { return }
            changes.append(
                "\(name): \(old.map(rule.write) ?? "none") to \(new.map(rule.write) ?? "none")")
        }
        compare("limits.memory", PlanKey.memory, memory, other.memory)
        compare("limits.cpus", PlanKey.cpus, milliCPUs, other.milliCPUs)
        compare("weight", PlanKey.weightRule, weight.map { UInt64($0) }, other.weight.map { UInt64($0) })
        for quota in Quota.allCases {
            compare("quotas.\(quota.rawValue)", quota.rule, quotas[quota], other.quotas[quota])
        }
        return changes
    }
}
