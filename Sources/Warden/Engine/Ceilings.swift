import Sandbox
import WardenProtocol

/// What the operator allows every session, whatever is ordered.
///
/// A limit without a ceiling of its own has the profile's value for one: an order may lower it, and raise it
/// only where the operator says how far.
struct Ceilings: Hashable, Sendable {
    /// Names that orders may have; nil for all there are.
    var profiles: [String]?
    var images: [String]?
    /// Sandboxes at a time, those that cannot be removed among them.
    var sessions = 4096
    /// Running processes that were asked for, of one session.
    var processes = 256
    /// Whether processes can have terminals.
    var terminals = true
    /// Whether a profile may share the host's network.
    var hostNetwork = false
    /// Bytes of all variables of one process.
    var environment: UInt64 = 1 << 20
    var volumes = VolumePolicy()
    var mounts = MountPolicy()
    /// By the name of the limit in profiles, such as `limits.memory`.
    private(set) var limits: [String: UInt64] = [:]

    /// Sets one of them, as the command line has it.
    /// - Parameter value: as profiles write it; names have commas between them.
    mutating func set(_ name: String, _ value: String) throws(ValueError) {
        do throws(ValueError) {
            switch name {
            case "profiles": profiles = try Ceilings.names(value)
            case "images": images = try Ceilings.names(value)
            case "sessions": sessions = Int(try Quantity(.count, 1...32_768).read(value))
            case "processes": processes = Int(try Quantity(.count, 1...65_536).read(value))
            case "terminals": terminals = try Ceilings.flag(value)
            case "host-network": hostNetwork = try Ceilings.flag(value)
            case "environment": environment = try Quantity(.size, 1024...4 << 20).read(value)
            case "volume": volumes.bytes = try Quantity(.size, 64 << 10...1 << 50).read(value)
            case "volumes": volumes.count = Int(try Quantity(.count, 1...65_536).read(value))
            case "volume-image": volumes.image = try Quantity(.size, 256 << 20...1 << 50).read(value)
            case "mount-root": mounts.roots.append(try Ceilings.path(value))
            case "mount-never": mounts.never.append(try Ceilings.path(value))
            case "soft-volumes": volumes.allowSoft = try Ceilings.flag(value)
            default:
                guard let limit = CeilingLimit.all.first(where: { $0.name == name }) else {
                    throw ValueError("there is no such ceiling; expected one of \(Ceilings.known)")
                }
                limits[name] = try limit.rule.readOrNone(value) ?? .max
            }
        } catch {
            throw ValueError("the ceiling \(quoted(name)): \(error.problem)")
        }
    }

    private static var known: String {
        let others = [
            "profiles", "images", "sessions", "processes", "terminals", "host-network", "environment",
            "volume", "volumes", "volume-image", "soft-volumes", "mount-root", "mount-never",
        ]
        return (others + CeilingLimit.all.map(\.name)).joined(separator: ", ")
    }

    private static func names(_ text: String) throws(ValueError) -> [String] {
        let names = text.split(separator: ",").map(String.init)
        for name in names { try checkSimpleName(name) }
        return names
    }

    private static func path(_ text: String) throws(ValueError) -> String {
        try checkPath(text)
        return text
    }

    private static func flag(_ text: String) throws(ValueError) -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw ValueError("\(quoted(text)) is neither true nor false")
        }
    }
}

// MARK: Judging orders

extension Ceilings {
    /// What an order names, before anything is read.
    func check(_ order: SessionOrder) throws(Refusal) {
        try Ceilings.check(name: order.profile, "profile", profiles)
        if let image = order.image { try Ceilings.check(name: image, "image", images) }
    }

    /// Names only: a path would lead to files that are not the operator's.
    private static func check(name: String, _ kind: String, _ allowed: [String]?) throws(Refusal) {
        do throws(ValueError) {
            try checkSimpleName(name)
        } catch {
            throw Refusal(.order, "\(kind): \(error.problem)")
        }
        guard let allowed, !allowed.contains(name) else { return }
        let list = allowed.joined(separator: ", ")
        throw Refusal(
            .ceiling, "the \(kind) \(name) is not among those that sessions may have: \(list)",
            limit: "\(kind)s", asked: name, allowed: list)
    }

    /// What came of an order.
    /// - Parameter own: the profile without the order's overrides.
    func check(_ profile: Profile, own: Profile) throws(Refusal) {
        if profile.network.mode == .host, !hostNetwork {
            throw Refusal(
                .ceiling, "the profile \(profile.name) shares the host's network, which no session may",
                limit: "network.mode", asked: "host", allowed: "none or proxy")
        }
        try Ceilings.check(name: profile.image, "image", images)
        for limit in CeilingLimit.all {
            let (asked, given) = (limit.value(profile), limit.value(own))
            if asked != given { try limit.checkRange(asked) }
            let allowed = limits[limit.name] ?? given
            guard asked > allowed else { continue }
            throw Refusal(
                .ceiling,
                "\(limit.name) of \(limit.text(asked)) is more than sessions may have: \(limit.text(allowed))",
                limit: limit.name, asked: limit.text(asked), allowed: limit.text(allowed))
        }
    }

    /// One more of something that there can be so many of.
    static func check(_ name: String, _ count: Int, atMost most: Int) throws(Refusal) {
        guard count >= most else { return }
        throw Refusal(
            .ceiling, "there are \(count) \(name), and there may be no more", limit: name,
            asked: "\(count + 1)", allowed: "\(most)")
    }
}

/// A limit of profiles that has a ceiling.
struct CeilingLimit: Sendable {
    let name: String
    let rule: Quantity
    /// `.max` for none.
    let value: @Sendable (Profile) -> UInt64

    static let all = [
        CeilingLimit(name: "limits.memory", rule: Limits.Rule.memory) { $0.limits.memory },
        CeilingLimit(name: "limits.swap", rule: Limits.Rule.swap) { $0.limits.swap },
        CeilingLimit(name: "limits.pids", rule: Limits.Rule.pids) { UInt64($0.limits.pids) },
        CeilingLimit(name: "limits.cpus", rule: Limits.Rule.cpus) { UInt64($0.limits.milliCPUs) },
        CeilingLimit(name: "limits.cpu_time", rule: Limits.Rule.cpuTime) { $0.limits.cpuTime ?? .max },
        CeilingLimit(name: "limits.open_files", rule: Limits.Rule.openFiles) { UInt64($0.limits.openFiles) },
        CeilingLimit(name: "limits.file_size", rule: Limits.Rule.fileSize) { $0.limits.fileSize },
        CeilingLimit(name: "limits.stack", rule: Limits.Rule.stack) { $0.limits.stack },
        CeilingLimit(name: "limits.workspace", rule: Limits.Rule.workspace) { $0.limits.workspaceBytes },
        CeilingLimit(name: "output.limit", rule: OutputPolicy.Rule.limit) { $0.output.limit ?? .max },
        CeilingLimit(name: "lifetime.timeout", rule: Lifetime.Rule.timeout) {
            $0.lifetime.timeout ?? .max
        },
    ]

    func text(_ value: UInt64) -> String { value == .max ? "none" : rule.write(value) }

    /// Nobody has read the value out of a text, which would have checked it.
    func checkRange(_ asked: UInt64) throws(Refusal) {
        if asked == .max, rule.orNone { return }
        guard !rule.range.contains(asked) else { return }
        throw Refusal(
            .order,
            "\(name) of \(text(asked)) cannot be; expected \(text(rule.range.lowerBound)) to "
                + text(rule.range.upperBound))
    }
}
