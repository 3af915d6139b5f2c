import Launch
import Sandbox

/// `--ulimit NAME=SOFT[:HARD]` and `--nofile N`: the limits of each process, under docker's names.
///
/// The hard limit is the profile's key of that resource, locks included; a lower soft one stands beside it.
struct Ulimits: Sendable, Hashable {
    private(set) var overrides: [ProfileOverride] = []
    private(set) var soft: [SoftLimit] = []

    init(_ arguments: Arguments) throws(ValueError) {
        var given: [String] = []
        func once(_ name: String, _ option: String) throws(ValueError) {
            if given.contains(name) { throw ValueError("\(option): \(name) is given twice") }
            given.append(name)
        }
        for text in arguments.all("ulimit") {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw ValueError(
                    "--ulimit: \(quoted(text)) has no =; expected NAME=SOFT[:HARD], such as nofile=512:1024")
            }
            let resource = try Ulimits.resource(String(parts[0]))
            try once(resource.rawValue, "--ulimit")
            try add(resource, String(parts[1]), "--ulimit: \(resource.rawValue)")
        }
        if let text = arguments.value("nofile") {
            try once("nofile", "--nofile")
            try add(.nofile, text, "--nofile")
        }
    }

    /// The resources that can be set.
    private enum Resource: String, CaseIterable {
        case core, fsize, nofile, stack

        /// How its values are written, and the key that holds them.
        var rule: Quantity {
            switch self {
            // A dump would go where the host's core_pattern says, outside of the sandbox.
            case .core: Quantity(.size, 0...0)
            case .fsize: Limits.Rule.fileSize
            case .nofile: Limits.Rule.openFiles
            case .stack: Limits.Rule.stack
            }
        }

        /// Of getrlimit(2).
        var number: Int32 {
            switch self {
            case .fsize: 1
            case .stack: 3
            case .core: 4
            case .nofile: 7
            }
        }
    }

    /// Docker's other names, and what does their work here.
    private static let elsewhere: [(name: String, cure: String)] = [
        ("as", "--memory limits the whole sandbox"), ("data", "--memory limits the whole sandbox"),
        ("rss", "--memory limits the whole sandbox"), ("nproc", "--pids limits the whole sandbox"),
        ("cpu", "--cpu-time limits the whole sandbox"),
        ("memlock", "the kernel's own limit holds"), ("locks", "the kernel has no such limit any more"),
        ("msgqueue", "the kernel's own limit holds"), ("nice", "a sandbox cannot raise its priority"),
        ("rtprio", "a sandbox cannot raise its priority"),
        ("rttime", "a sandbox cannot raise its priority"), ("sigpending", "the kernel's own limit holds"),
    ]

    private static func resource(_ name: String) throws(ValueError) -> Resource {
        if let resource = Resource(rawValue: name) { return resource }
        let names = Resource.allCases.map(\.rawValue)
        let expected = "expected \(names.joined(separator: ", "))"
        if let other = elsewhere.first(where: { $0.name == name }) {
            throw ValueError("--ulimit: \(name) cannot be set; \(other.cure); \(expected)")
        }
        let hint = suggestion(for: name, in: names).map { "; \($0)" } ?? ""
        throw ValueError("--ulimit: unknown name \(quoted(name)); \(expected)\(hint)")
    }

    private mutating func add(
        _ resource: Resource, _ text: String, _ place: String
    ) throws(ValueError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        var values: [UInt64] = []
        for part in parts {
            do throws(ValueError) {
                values.append(try resource.rule.read(part))
            } catch {
                let why = resource == .core ? "; no process in a sandbox dumps core" : ""
                throw ValueError("\(place): \(error.problem)\(why)")
            }
        }
        let (low, hard) = (values[0], values[values.count - 1])
        guard low <= hard else {
            throw ValueError("\(place): the soft limit \(parts[0]) is above the hard limit \(parts[1])")
        }
        switch resource {
        case .core: break
        case .fsize: overrides.append(.fileSize(hard))
        case .nofile: overrides.append(.openFiles(UInt32(clamping: hard)))
        case .stack: overrides.append(.stack(hard))
        }
        if low < hard { soft.append(SoftLimit(resource: resource.number, value: low)) }
    }
}
