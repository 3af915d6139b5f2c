import Preparation
package import Sandbox

/// What `corral run` was asked to do: checked values, nothing opened yet but files of
/// variables.
package struct RunOptions: Sendable {
    /// The relay that was asked for: `DIALECT=UPSTREAM`.
    struct Relay: Sendable, Hashable {
        var dialect: String
        var upstream: String
    }

    var profile: String
    /// Those of files first, so that an option wins over a file.
    package var environment: [EnvironmentVariable]
    package var directory: String?
    var workspace: String?
    package var mounts: [AddedMount]
    var memory: UInt64?
    var milliCPUs: UInt64?
    var pids: UInt64?
    var pidsKill: Bool
    /// The inner nil is `none`, here and below.
    var cpuTime: UInt64??
    var outputLimit: UInt64??
    var outputKill: Bool
    var timeout: UInt64??
    var image: String?
    /// In place of the profile's.
    var network: Network.Mode?
    var ulimits: Ulimits
    var tags: RunTags
    var relay: Relay?
    var interactive: Bool
    /// `-t`: the program gets a terminal of its own.
    var terminal: Bool
    var json: Bool
    var report: String?
    var plan: Bool
    package var command: [String]

    /// - Throws: a sentence that names the option, what was given and what was expected.
    package init(_ arguments: Arguments) throws(ValueError) {
        profile = arguments.value("profile") ?? "default"
        var variables: [EnvironmentVariable] = []
        for path in arguments.all("env-file") { variables += try EnvironmentFile.read(path).variables }
        for text in arguments.all("env") { variables.append(try RunOptions.variable(text)) }
        environment = variables
        if let path = arguments.value("workdir") {
            try RunOptions.check(directory: path)
            directory = path
        }
        workspace = arguments.value("workspace")
        mounts = try MountOptions.read(arguments)
        memory = try RunOptions.quantity(arguments, "memory", Limits.Rule.memory)
        milliCPUs = try RunOptions.quantity(arguments, "cpus", Limits.Rule.cpus)
        pids = try RunOptions.quantity(arguments, "pids", Limits.Rule.pids)
        pidsKill = arguments.has("pids-kill")
        outputKill = arguments.has("output-kill")
        if arguments.value("cpu-time") != nil {
            cpuTime = .some(try RunOptions.quantity(arguments, "cpu-time", Limits.Rule.cpuTime))
        }
        if arguments.value("output-limit") != nil {
            outputLimit = .some(try RunOptions.quantity(arguments, "output-limit", OutputPolicy.Rule.limit))
        }
        if arguments.value("timeout") != nil {
            timeout = .some(try RunOptions.quantity(arguments, "timeout", Lifetime.Rule.timeout))
        }
        if let name = arguments.value("image") {
            do throws(ValueError) {
                try checkSimpleName(name)
            } catch {
                throw ValueError("--image: \(error.problem)")
            }
            image = name
        }
        network = arguments.value("network").flatMap(Network.Mode.init)
        ulimits = try Ulimits(arguments)
        tags = try RunTags(arguments)
        if let text = arguments.value("relay") { relay = try RunOptions.relay(text) }
        interactive = arguments.has("interactive")
        terminal = arguments.has("tty")
        json = arguments.has("json")
        report = arguments.value("report")
        plan = arguments.has("plan")
        command = arguments.operands
        if command.first?.isEmpty ?? true { throw ValueError("COMMAND is empty") }
        if command.contains(where: { $0.utf8.contains(0) }) {
            throw ValueError("an argument of the command contains a NUL byte")
        }
    }

    /// The rules that decide which parts of the seccomp policy there are.
    var variant: RulesVariant {
        RulesVariant(
            relay: relay != nil, hostDirectory: workspace != nil || mounts.contains(where: \.isOfHost),
            terminal: terminal, image: image)
    }

    /// What the options say about the profile's fields: its uppermost layer, without the image, which
    /// the rules are looked up with.
    var overrides: [ProfileOverride] {
        var overrides: [ProfileOverride] = []
        if let memory { overrides.append(.memory(memory)) }
        if let milliCPUs { overrides.append(.cpus(UInt32(clamping: milliCPUs))) }
        if let pids { overrides.append(.pids(UInt32(clamping: pids))) }
        if let timeout { overrides.append(.timeout(timeout)) }
        if let cpuTime { overrides.append(.cpuTime(cpuTime)) }
        if pidsKill { overrides.append(.pidsKill) }
        if let outputLimit { overrides.append(.outputLimit(outputLimit)) }
        if outputKill { overrides.append(.outputKill) }
        if let network { overrides.append(.network(network)) }
        overrides += ulimits.overrides
        return overrides + environment.map(ProfileOverride.variable)
    }

    private static func quantity(
        _ arguments: Arguments, _ name: String, _ rule: Quantity
    ) throws(ValueError) -> UInt64? {
        guard let text = arguments.value(name) else { return nil }
        do throws(ValueError) {
            return try rule.readOrNone(text)
        } catch {
            throw ValueError("--\(name): \(error.problem)")
        }
    }

    private static func variable(_ text: String) throws(ValueError) -> EnvironmentVariable {
        do throws(ValueError) {
            return try EnvironmentVariable(assignment: text)
        } catch {
            throw ValueError("--env: \(error.problem)")
        }
    }

    /// Only names of places inside: a path that can lead to a descriptor of somebody's
    /// (`/proc/self/fd/7`, CVE-2024-21626) is refused before anything is started.
    private static func check(directory path: String) throws(ValueError) {
        if path == "/" { return }
        do throws(ValueError) {
            try checkPath(path)
        } catch {
            throw ValueError("--workdir: \(error.problem)")
        }
        if path == "/proc" || isBelow(path, "/proc") {
            throw ValueError("--workdir: \(quoted(path)) is below /proc; expected a directory of files")
        }
    }

    private static func relay(_ text: String) throws(ValueError) -> Relay {
        let dialects = ["tgo"]
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        guard parts.count == 2 else {
            throw ValueError(
                "--relay: \(quoted(text)) has no \"=\"; expected DIALECT=SOCKET, such as tgo=/run/tgo.sock")
        }
        guard dialects.contains(parts[0]) else {
            let hint = nearestMatch(to: parts[0], in: dialects).map { "; did you mean \($0)?" } ?? ""
            throw ValueError("--relay: unknown dialect \(quoted(parts[0])); expected tgo\(hint)")
        }
        guard !parts[1].isEmpty else {
            throw ValueError("--relay: the path of the upstream socket is missing")
        }
        return Relay(dialect: parts[0], upstream: parts[1])
    }
}
