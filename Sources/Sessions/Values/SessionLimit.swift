package import Sandbox

/// A limit of the profile's that a session may state for itself, by the name it has in requests.
///
/// It ends up as the ``ProfileOverride`` that `corral run` makes of its option, so locks and rules of
/// profiles hold for both.
package enum SessionLimit: String, CaseIterable, Sendable {
    case memory, cpus, pids
    case cpuTime = "cpu_time"
    case pidsKill = "pids_kill"
    case openFiles = "open_files"
    case fileSize = "file_size"
    case stack
    case outputLimit = "output_limit"
    case outputKill = "output_kill"
    case timeout, network

    /// The limit of that name.
    package init(named text: String) throws(ValueError) {
        guard let limit = SessionLimit(rawValue: text) else {
            let names = SessionLimit.allCases.map(\.rawValue)
            let cure = suggestion(for: text, in: names) ?? "expected one of \(names.joined(separator: ", "))"
            throw ValueError("\(quoted(text)) is not a limit; \(cure)")
        }
        self = limit
    }

    /// Which one an override states; nil for what is no limit: a variable, the image.
    package init?(of override: ProfileOverride) {
        switch override {
        case .memory: self = .memory
        case .cpus: self = .cpus
        case .pids: self = .pids
        case .cpuTime: self = .cpuTime
        case .pidsKill: self = .pidsKill
        case .outputLimit: self = .outputLimit
        case .outputKill: self = .outputKill
        case .timeout: self = .timeout
        case .openFiles: self = .openFiles
        case .fileSize: self = .fileSize
        case .stack: self = .stack
        case .network: self = .network
        case .variable, .image: return nil
        }
    }

    /// What `text` asks for, as profiles write it: `64MiB`, `0.5`, `30s`, `none`.
    package func read(_ text: String) throws(ValueError) -> ProfileOverride {
        switch self {
        case .memory: .memory(try Limits.Rule.memory.read(text))
        case .cpus: .cpus(try narrow(Limits.Rule.cpus, text))
        case .pids: .pids(try narrow(Limits.Rule.pids, text))
        case .cpuTime: .cpuTime(try Limits.Rule.cpuTime.readOrNone(text))
        case .pidsKill: try on(.pidsKill, text)
        case .openFiles: .openFiles(try narrow(Limits.Rule.openFiles, text))
        case .fileSize: .fileSize(try Limits.Rule.fileSize.read(text))
        case .stack: .stack(try Limits.Rule.stack.read(text))
        case .outputLimit: .outputLimit(try OutputPolicy.Rule.limit.readOrNone(text))
        case .outputKill: try on(.outputKill, text)
        case .timeout: .timeout(try Lifetime.Rule.timeout.readOrNone(text))
        case .network: .network(try mode(text))
        }
    }

    private func narrow(_ quantity: Quantity, _ text: String) throws(ValueError) -> UInt32 {
        let value = try quantity.read(text)
        guard let narrow = UInt32(exactly: value) else {
            throw ValueError("\(quoted(text)) is too large")
        }
        return narrow
    }

    /// These can be switched on and not off, as the options of `corral run`.
    private func on(_ override: ProfileOverride, _ text: String) throws(ValueError) -> ProfileOverride {
        guard text == "true" else { throw ValueError("\(quoted(text)) cannot be; expected true") }
        return override
    }

    private func mode(_ text: String) throws(ValueError) -> Network.Mode {
        guard let mode = Network.Mode(rawValue: text) else {
            let words = Network.Mode.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValueError("\(quoted(text)) is not a mode of the network; expected one of \(words)")
        }
        return mode
    }
}
