package import Sandbox

/// One file of `profiles/plans/` as it stands: what it says, and which other it extends.
package struct PlanFile: Hashable, Sendable {
    /// A value and its place in the file, for errors.
    package struct Said<Value: Hashable & Sendable>: Hashable, Sendable {
        package let value: Value
        package let key: String
        package let line: Int
        package let column: Int

        init(_ value: Value, at place: YAMLValue) {
            self.value = value
            key = place.key
            (line, column) = (place.node.mark.line, place.node.mark.column)
        }
    }

    /// Its file's name without `.yaml`.
    package let name: String
    /// What errors call the file.
    package let file: String
    var description: String?
    /// Another plan's name.
    package internal(set) var extends: Said<String>?
    /// Nil where it says nothing of them, empty for `any`.
    var profiles: [Said<String>]?
    var locks: [ProfileLock] = []
    /// None of a key is no limit.
    var quotas: [Quota: UInt64?] = [:]
    /// In bytes.
    var memory: UInt64??
    /// In thousandths.
    var cpus: UInt64??
    var weight: UInt32?

    /// The file, as far as it can be read, and everything that is wrong with it: all mistakes but those of YAML
    /// itself, behind which nothing can be told.
    /// - Parameters:
    ///   - yaml: the whole file; docs/plans.md describes its keys.
    ///   - file: its path, for messages; the last part without `.yaml` becomes the plan's name.
    package static func read(_ yaml: [UInt8], file: String) -> (file: PlanFile?, errors: [ConfigError]) {
        do throws(ConfigError) {
            let root = YAMLValue(node: try YAMLNode(parsing: yaml, file: file), key: "", file: file)
            var reader = PlanReader(PlanFile(name: try root.nameOfFile(), file: file))
            reader.whole(root)
            return (reader.plan, reader.errors)
        } catch {
            return (nil, [error])
        }
    }

    private init(name: String, file: String) {
        self.name = name
        self.file = file
    }

    func error<Value>(_ said: Said<Value>?, _ key: String, _ problem: String) -> ConfigError {
        ConfigError(
            file: file, line: said?.line ?? 1, column: said?.column ?? 1, key: said?.key ?? key,
            problem: problem)
    }
}

/// The keys of a plan's file.
package enum PlanKey: String, CaseIterable, Sendable {
    case description, extends, profiles, locked, limits, quotas, weight

    package var meaning: String {
        switch self {
        case .description: "What the plan is for, for people"
        case .extends: "Another plan, of which everything holds that this one does not say"
        case .profiles: "What sessions may have; the first is that of a request which names none"
        case .locked: "Keys and sections of profiles that requests may not change"
        case .limits: "The most that each session may have"
        case .quotas: "The most that the tenant may have, unless it has a quota of its own"
        case .weight:
            "What the tenant's sessions together weigh beside those of others, unless it has a weight of its own"
        }
    }

    /// The keys of ``limits``.
    package static let limitNames = ["memory", "cpus"]
    package static let memory = Quantity(.size, 8 << 20...1 << 50, orNone: true)
    package static let cpus = Quantity(.cpus, 10...8_192_000, orNone: true)
    static let mostProfiles = 64
    package static let weightRule = Quantity(.count, 1...10_000)
}

/// Goes through a file; a mistake does not hide the ones behind it.
private struct PlanReader {
    var plan: PlanFile
    var errors: [ConfigError] = []

    init(_ plan: PlanFile) { self.plan = plan }

    mutating func whole(_ root: YAMLValue) {
        entries(of: root, PlanKey.allCases.map(\.rawValue)) { (reader, name, value) throws(ConfigError) in
            switch PlanKey(rawValue: name) {
            case .description: reader.plan.description = try value.line(atMost: 200)
            case .extends:
                let target = try value.text { (text) throws(ValueError) in try checkSimpleName(text) }
                reader.plan.extends = PlanFile.Said(target, at: value)
            case .profiles: reader.plan.profiles = try reader.profiles(value)
            case .locked: try reader.locked(value)
            case .limits: reader.limits(value)
            case .quotas: reader.quotas(value)
            case .weight: reader.plan.weight = try value.number(PlanKey.weightRule)
            case nil: break
            }
        }
    }

    /// - Parameter body: takes each known name and its value.
    private mutating func entries(
        of section: YAMLValue, _ known: [String],
        _ body: (inout PlanReader, String, YAMLValue) throws(ConfigError) -> Void
    ) {
        do throws(ConfigError) {
            for (key, value) in try section.entries() {
                do throws(ConfigError) {
                    let name = try key.text()
                    guard known.contains(name) else {
                        let cure =
                            suggestion(for: name, in: known)
                            ?? "expected one of \(known.joined(separator: ", "))"
                        throw key.error("is not a key here; \(cure)")
                    }
                    try body(&self, name, value)
                } catch {
                    errors.append(error)
                }
            }
        } catch {
            errors.append(error)
        }
    }

    private func profiles(_ value: YAMLValue) throws(ConfigError) -> [PlanFile.Said<String>] {
        if case .scalar("any", plain: true) = value.node.content { return [] }
        var found: [PlanFile.Said<String>] = []
        for item in try value.items() {
            let name = try item.text { (text) throws(ValueError) in try checkSimpleName(text) }
            if found.contains(where: { $0.value == name }) {
                throw item.error("\(quoted(name)) is listed twice")
            }
            found.append(PlanFile.Said(name, at: item))
        }
        guard (1...PlanKey.mostProfiles).contains(found.count) else {
            throw value.error(
                "has \(found.count) names; expected 1 to \(PlanKey.mostProfiles), or any for every profile")
        }
        return found
    }

    private mutating func locked(_ value: YAMLValue) throws(ConfigError) {
        for item in try value.items() {
            let path = try item.text(PlanReader.checkLock)
            let mark = item.node.mark
            plan.locks.append(ProfileLock(path: path, origin: "\(plan.file):\(mark.line)"))
        }
    }

    private static func checkLock(_ text: String) throws(ValueError) {
        if text.hasPrefix("environment.") {
            return try EnvironmentVariable.checkName(String(text.dropFirst("environment.".count)))
        }
        let known = ProfileKey.allCases.filter(\.isField).map(\.rawValue) + ProfileKey.sections
        guard !known.contains(text) else { return }
        let cure = suggestion(for: text, in: known) ?? "expected one of \(known.joined(separator: ", "))"
        throw ValueError("\(quoted(text)) is not a key or a section of profiles; \(cure)")
    }

    private mutating func limits(_ value: YAMLValue) {
        entries(of: value, PlanKey.limitNames) { (reader, name, value) throws(ConfigError) in
            if name == "memory" {
                reader.plan.memory = .some(try value.numberOrNone(PlanKey.memory))
            } else {
                reader.plan.cpus = .some(try value.numberOrNone(PlanKey.cpus))
            }
        }
    }

    private mutating func quotas(_ value: YAMLValue) {
        entries(of: value, Quota.allCases.map(\.rawValue)) { (reader, name, value) throws(ConfigError) in
            guard let quota = Quota(rawValue: name) else { return }
            guard Quota.enforced.contains(quota) else {
                throw value.error("cannot be set: nothing counts it yet")
            }
            reader.plan.quotas[quota] = .some(try value.numberOrNone(quota.rule))
        }
    }
}
