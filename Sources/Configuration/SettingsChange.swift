/// What became of a key between two readings of the configuration.
package struct SettingsChange: Hashable, Sendable {
    package let key: SettingKey
    package let before: SettingValue
    package let after: Setting

    /// A sentence for the log: `limits.sessions: 1000 -> 50 (corral.yaml:3): in force`.
    package var sentence: String {
        let change =
            "\(key.rawValue): \(before.written(as: key.kind)) -> \(after.value.written(as: key.kind))"
        let state =
            switch key.reload {
            case .live: "in force"
            case .restart: "holds from the next start on"
            case .warden:
                "holds from the next start of the warden on, before which corral daemon stop --sessions ends "
                    + "all sessions"
            }
        return "\(change) (\(after.origin)): \(state)"
    }
}

extension Settings {
    /// Every key whose value is another in `other`, in the table's order. Where a value comes from does
    /// not count.
    package func changes(to other: Settings) -> [SettingsChange] {
        SettingKey.allCases.compactMap { key in
            let (before, after) = (self[key].value, other[key])
            return before == after.value ? nil : SettingsChange(key: key, before: before, after: after)
        }
    }

    /// What holds after a reload: the values of `other` where a key can change while the daemon runs, and
    /// else those of now.
    package func reloaded(with other: Settings) -> Settings {
        var result = self
        for key in SettingKey.allCases where key.reload == .live || self[key].value == other[key].value {
            result[key] = other[key]
        }
        return result
    }
}
