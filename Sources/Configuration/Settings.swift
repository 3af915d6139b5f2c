package import Network
import Sandbox

/// What one source says: a file, the environment, the options of a command.
package struct SettingsLayer: Hashable, Sendable {
    package struct Statement: Hashable, Sendable {
        package let key: SettingKey
        package let value: SettingValue
        package let origin: SettingOrigin
    }

    /// In the source's order, no key twice.
    package private(set) var statements: [Statement] = []

    package init() {}

    package mutating func state(_ key: SettingKey, _ value: SettingValue, _ origin: SettingOrigin) {
        statements.append(Statement(key: key, value: value, origin: origin))
    }
}

/// A value that holds, and where it comes from.
package struct Setting: Hashable, Sendable {
    package let value: SettingValue
    package let origin: SettingOrigin
    /// What lower layers said, the nearest first; built-in defaults are not among them.
    package let replaced: [SettingsLayer.Statement]
}

/// Every key with its value.
package struct Settings: Hashable, Sendable {
    package let place: Place
    /// One for each of `SettingKey.allCases`, in that order.
    private var all: [Setting]

    /// - Parameter layers: the lowest first; a later one wins, key by key.
    package init(place: Place, layers: [SettingsLayer] = []) {
        self.place = place
        var given: [SettingKey: [SettingsLayer.Statement]] = [:]
        for layer in layers {
            for statement in layer.statements { given[statement.key, default: []].insert(statement, at: 0) }
        }
        func text(_ key: SettingKey, or standard: String) -> String {
            if case .text(let text)? = given[key]?.first?.value { return text }
            return standard
        }
        let state = text(.state, or: place.state)
        let runtime = text(.runtime, or: state == place.state ? place.runtime : "\(state)/run")
        all = SettingKey.allCases.map { key in
            let standard = key.builtIn(place, state: state, runtime: runtime)
            let statements = given[key] ?? []
            return Setting(
                value: statements.first?.value ?? standard, origin: statements.first?.origin ?? .builtIn,
                replaced: Array(statements.dropFirst()))
        }
    }

    package subscript(key: SettingKey) -> Setting {
        get { all[key.index] }
        set { all[key.index] = newValue }
    }

    // MARK: Values of one kind

    /// A path, a name or a word.
    package func text(_ key: SettingKey) -> String {
        guard case .text(let text) = self[key].value else { preconditionFailure("\(key) is no text") }
        return text
    }

    /// Nil where it is `none`.
    package func textOrNone(_ key: SettingKey) -> String? {
        if case .none = self[key].value { return nil }
        return text(key)
    }

    /// In the unit of the key's kind.
    package func number(_ key: SettingKey) -> UInt64 {
        guard case .number(let number) = self[key].value else { preconditionFailure("\(key) is no number") }
        return number
    }

    /// Nil where it is `none`.
    package func numberOrNone(_ key: SettingKey) -> UInt64? {
        if case .none = self[key].value { return nil }
        return number(key)
    }

    package func list(_ key: SettingKey) -> [String] {
        guard case .list(let items) = self[key].value else { preconditionFailure("\(key) is no list") }
        return items
    }

    /// Where the API listens for clients with tokens; nil for nowhere. Read by the same rule before.
    package var tcpAddress: TCPAddress? { textOrNone(.listenTCP).flatMap { TCPAddress($0) } }

    package var uids: ClosedRange<UInt64> {
        guard case .range(let range) = self[.uids].value else { preconditionFailure("uids is no range") }
        return range
    }
}

extension SettingKey {
    /// Its place in the table.
    fileprivate var index: Int {
        SettingKey.allCases.firstIndex(of: self) ?? SettingKey.allCases.startIndex
    }
}

extension Settings {
    /// What is wrong with values that are right each for itself, one sentence each with its place.
    package var problems: [SettingsError] {
        var problems: [SettingsError] = []
        func problem(_ key: SettingKey, _ text: String) {
            problems.append(SettingsError(self[key].origin, key, text))
        }
        let room = (uids.upperBound - uids.lowerBound + 1) / 2
        let sessions = number(.limitSessions)
        if sessions > room {
            problem(
                self[.limitSessions].origin.isGiven ? .limitSessions : .uids,
                "\(sessions) sessions need \(sessions * 2) user ids; uids has \(room * 2) (\(self[.uids].origin))"
            )
        }
        let most = numberOrNone(.defaultMax)
        for key in [SettingKey.defaultTTL, .defaultIdle] {
            guard let most, let time = numberOrNone(key), time > most else { continue }
            let blamed = self[key].origin.isGiven ? key : .defaultMax
            problem(
                blamed,
                "\(key.rawValue) is \(self[key].value.written(as: key.kind)), which is longer than defaults.max, "
                    + self[.defaultMax].value.written(as: SettingKey.defaultMax.kind))
        }
        if place.isSystem, textOrNone(.user) == nil || ["root", "0"].contains(text(.user)) {
            problem(.user, "corrald does not stay root; expected an account of its own, such as corral")
        }
        if let address = tcpAddress, !address.isLoopback, text(.listenUnencrypted) != "anywhere" {
            problem(
                .listenTCP,
                "other machines reach \(address), and nothing would be encrypted, tokens neither; expected an address "
                    + "such as 127.0.0.1 behind a proxy that does TLS, or listen.unencrypted: anywhere")
        }
        if text(.runtime) == text(.state) {
            problem(
                self[.runtime].origin.isGiven ? .runtime : .state,
                "state and runtime are the same directory; expected two, since one is emptied at boot")
        }
        return problems
    }
}

/// A setting that cannot be used: from where, which, why.
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String

    init(_ origin: SettingOrigin, _ key: SettingKey, _ problem: String) {
        switch origin {
        case .builtIn: description = "\(key.rawValue): \(problem)"
        case .file(let file, let line, let column):
            description = "\(file):\(line):\(column): \(key.rawValue): \(problem)"
        case .variable(let name): description = "\(name): \(problem)"
        case .option(let name): description = "\(name): \(key.rawValue): \(problem)"
        }
    }

    init(_ error: ConfigError) { description = error.description }

    init(_ description: String) { self.description = description }
}
