import Sandbox

/// What the environment and a command's options say.
package enum SettingsVariables {
    /// Variables of that beginning that are no settings: they name parts of an installation, or belong to
    /// tests.
    private static let others = [
        "CORRAL_DATA", "CORRAL_INIT", "CORRAL_UNPACK", "CORRAL_HOST", "CORRAL_TOKEN",
    ]
    private static let otherBeginnings = ["CORRAL_TEST_", "CORRAL_ATTACK_"]

    package struct Reading: Sendable {
        package var layer = SettingsLayer()
        package var errors: [SettingsError] = []
        /// Variables that look like settings and are none. They change nothing.
        package var warnings: [String] = []
    }

    /// - Parameter environment: entries such as `CORRAL_STATE=/srv/corral`. One that is set to nothing is
    ///   as if it were not there.
    package static func read(_ environment: [String]) -> Reading {
        var reading = Reading()
        let known = SettingKey.allCases.map(\.variable)
        for entry in environment where entry.hasPrefix("CORRAL_") {
            guard let equals = entry.utf8.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(entry[..<equals])
            let value = String(entry[entry.utf8.index(after: equals)...])
            guard let key = SettingKey.allCases.first(where: { $0.variable == name }) else {
                if others.contains(name) || otherBeginnings.contains(where: { name.hasPrefix($0) }) {
                    continue
                }
                let hint = suggestion(for: name, in: known).map { "; \($0)" } ?? ""
                reading.warnings.append("\(shown(name)): no setting has this variable\(hint)")
                continue
            }
            guard !value.isEmpty else { continue }
            do throws(ValueError) {
                reading.layer.state(key, try key.read(value), .variable(name))
            } catch {
                reading.errors.append(SettingsError(.variable(name), key, error.problem))
            }
        }
        return reading
    }

    /// An option of its own for a key, such as `--state DIR`.
    package static func option(
        _ name: String, _ key: SettingKey, _ text: String, into layer: inout SettingsLayer
    ) throws(SettingsError) {
        do throws(ValueError) {
            layer.state(key, try key.read(text), .option(name))
        } catch {
            throw SettingsError("\(name): \(error.problem)")
        }
    }

    /// `--set KEY=VALUE`.
    package static func assignment(
        _ text: String, into layer: inout SettingsLayer
    ) throws(SettingsError) {
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            throw SettingsError("--set: \(quoted(text)) has no =; expected KEY=VALUE")
        }
        let name = String(text[..<equals])
        let value = String(text[text.utf8.index(after: equals)...])
        do throws(ValueError) {
            let key = try SettingKey(named: name)
            if layer.statements.contains(where: { $0.key == key && $0.origin == .option("--set") }) {
                throw ValueError("\(name) is given twice")
            }
            layer.state(key, try key.read(value), .option("--set"))
        } catch {
            throw SettingsError(
                "--set: \(SettingKey(rawValue: name) == nil ? "" : "\(name): ")\(error.problem)")
        }
    }
}
