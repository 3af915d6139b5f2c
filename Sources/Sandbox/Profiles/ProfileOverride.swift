/// What the command line says about a profile: its uppermost layer, laid over a profile that has been
/// merged already, so that starting a sandbox merges nothing else.
package enum ProfileOverride: Hashable, Sendable {
    /// In bytes.
    case memory(UInt64)
    /// In thousandths.
    case cpus(UInt32)
    case pids(UInt32)
    /// In milliseconds; nil for none.
    case cpuTime(UInt64?)
    case pidsKill
    /// In bytes; nil for none.
    case outputLimit(UInt64?)
    case outputKill
    /// In milliseconds; nil for none.
    case timeout(UInt64?)
    case variable(EnvironmentVariable)
    /// A name.
    case image(String)
    /// Of each process.
    case openFiles(UInt32)
    /// Of each process, in bytes.
    case fileSize(UInt64)
    /// Of each process, in bytes.
    case stack(UInt64)
    case network(Network.Mode)

    package var field: ProfileField {
        switch self {
        case .memory: ProfileField(.memory)
        case .cpus: ProfileField(.cpus)
        case .pids: ProfileField(.pids)
        case .cpuTime: ProfileField(.cpuTime)
        case .pidsKill: ProfileField(.pidsKill)
        case .outputLimit: ProfileField(.outputLimit)
        case .outputKill: ProfileField(.outputKill)
        case .timeout: ProfileField(.timeout)
        case .variable(let variable): ProfileField(variable: variable.name)
        case .image: ProfileField(.image)
        case .openFiles: ProfileField(.openFiles)
        case .fileSize: ProfileField(.fileSize)
        case .stack: ProfileField(.stack)
        case .network: ProfileField(.networkMode)
        }
    }

    package var option: String {
        switch self {
        case .memory: "--memory"
        case .cpus: "--cpus"
        case .pids: "--pids"
        case .cpuTime: "--cpu-time"
        case .pidsKill: "--pids-kill"
        case .outputLimit: "--output-limit"
        case .outputKill: "--output-kill"
        case .timeout: "--timeout"
        case .variable: "--env"
        case .image: "--image"
        case .openFiles: "--ulimit nofile"
        case .fileSize: "--ulimit fsize"
        case .stack: "--ulimit stack"
        case .network: "--network"
        }
    }

    package var value: ProfileValue {
        switch self {
        case .memory(let bytes): .number(bytes)
        case .cpus(let thousandths): .number(UInt64(thousandths))
        case .pids(let count): .number(UInt64(count))
        case .timeout(let time), .cpuTime(let time): time.map(ProfileValue.number) ?? .unlimited
        case .outputLimit(let bytes): bytes.map(ProfileValue.number) ?? .unlimited
        case .pidsKill, .outputKill: .flag(true)
        case .variable(let variable): .text(variable.value)
        case .image(let name): .text(name)
        case .openFiles(let count): .number(UInt64(count))
        case .fileSize(let bytes), .stack(let bytes): .number(bytes)
        case .network(let mode): .text(mode.rawValue)
        }
    }

    /// Why an option is not followed: `--memory: limits.memory is locked by ...`.
    package struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }
}

extension Profile {
    /// This profile with `overrides` over it, the last one of a field on top.
    /// - Throws: for the first that would change what is locked, or asks for more time than there may be.
    package func overridden(by overrides: [ProfileOverride]) throws(ProfileOverride.Refusal) -> Profile {
        var result = self
        for override in overrides {
            if !locks.isEmpty { try check(override) }
            result.set(override)
        }
        if result.lifetime != lifetime { try result.checkLifetime() }
        return result
    }

    private mutating func set(_ override: ProfileOverride) {
        switch override {
        case .memory(let bytes): limits.memory = bytes
        case .cpus(let thousandths): limits.milliCPUs = thousandths
        case .pids(let count): limits.pids = count
        case .cpuTime(let time): limits.cpuTime = time
        case .pidsKill: limits.pidsKill = true
        case .outputLimit(let bytes): output.limit = bytes
        case .outputKill: output.kill = true
        case .timeout(let time): lifetime.timeout = time
        case .variable(let variable):
            environment.removeAll { $0.name == variable.name }
            environment.append(variable)
        case .image(let name): image = name
        case .openFiles(let count): limits.openFiles = count
        case .fileSize(let bytes): limits.fileSize = bytes
        case .stack(let bytes): limits.stack = bytes
        case .network(let mode): network.mode = mode
        }
    }

    private func check(_ override: ProfileOverride) throws(ProfileOverride.Refusal) {
        let field = override.field
        guard let origin = lockOrigin(of: field) else { return }
        let held = value(like: override)
        guard held != override.value else { return }
        let stays = held.map { "stays \($0.written(as: field.key.kind))" } ?? "stays unset"
        throw ProfileOverride.Refusal(
            description: "\(override.option): \(field.path) is locked by \(origin) and \(stays)")
    }

    /// What this profile has in the place of an override.
    private func value(like override: ProfileOverride) -> ProfileValue? {
        switch override {
        case .memory: .number(limits.memory)
        case .cpus: .number(UInt64(limits.milliCPUs))
        case .pids: .number(UInt64(limits.pids))
        case .cpuTime: limits.cpuTime.map(ProfileValue.number) ?? .unlimited
        case .pidsKill: .flag(limits.pidsKill)
        case .outputLimit: output.limit.map(ProfileValue.number) ?? .unlimited
        case .outputKill: .flag(output.kill)
        case .timeout: lifetime.timeout.map(ProfileValue.number) ?? .unlimited
        case .variable(let variable):
            environment.first { $0.name == variable.name }.map { .text($0.value) }
        case .image: .text(image)
        case .openFiles: .number(UInt64(limits.openFiles))
        case .fileSize: .number(limits.fileSize)
        case .stack: .number(limits.stack)
        case .network: .text(network.mode.rawValue)
        }
    }

    private func checkLifetime() throws(ProfileOverride.Refusal) {
        guard let most = lifetime.maxTimeout else { return }
        if let timeout = lifetime.timeout, timeout <= most { return }
        let asked = lifetime.timeout.map { Lifetime.Rule.timeout.write($0) } ?? "none"
        throw ProfileOverride.Refusal(
            description: "--timeout: \(asked) is more than lifetime.max_timeout, "
                + "\(Lifetime.Rule.timeout.write(most)) (\(lifetime.maxTimeoutOrigin))")
    }
}
