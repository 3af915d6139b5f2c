/// Sizes for people: binary, with their unit.
package enum SizeText {
    private static let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// `512 B`, `1.5 GiB`, `128 MiB`: one decimal below a hundred where it is not zero.
    package static func of(_ bytes: UInt64) -> String {
        if bytes < 1024 { return "\(bytes) B" }
        for (index, unit) in units.enumerated() {
            let scale = UInt128(1) << UInt128(10 * (index + 1))
            let tenths = (UInt128(bytes) * 10 + scale / 2) / scale
            if tenths < 1000 {
                return tenths % 10 == 0 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
            }
            let whole = (UInt128(bytes) + scale / 2) / scale
            if whole < 1024 { return "\(whole) \(unit)" }
        }
        return "\(bytes) B"
    }

    /// Used of allowed, `12 MiB / 256 MiB`; a dash where there is no limit.
    package static func of(_ used: UInt64, limit: UInt64?) -> String {
        "\(of(used)) / \(limit.map { of($0) } ?? "-")"
    }
}

/// Durations for people.
package enum DurationText {
    /// The two largest units: `350ms`, `12.3s`, `2m 5s`, `1h 30m`, `3d 4h`.
    package static func of(milliseconds: UInt64) -> String {
        let seconds = milliseconds / 1000
        switch seconds {
        case 0: return "\(milliseconds)ms"
        case ..<60:
            let tenths = milliseconds % 1000 / 100
            return tenths == 0 ? "\(seconds)s" : "\(seconds).\(tenths)s"
        case ..<3600: return pair(seconds, 60, "m", 1, "s")
        case ..<86_400: return pair(seconds, 3600, "h", 60, "m")
        default: return pair(seconds, 86_400, "d", 3600, "h")
        }
    }

    private static func pair(
        _ seconds: UInt64, _ large: UInt64, _ name: String, _ small: UInt64, _ smaller: String
    ) -> String {
        let rest = seconds % large / small
        return rest == 0 ? "\(seconds / large)\(name)" : "\(seconds / large)\(name) \(rest)\(smaller)"
    }
}

/// How long ago something was, in docker's words.
package enum RelativeTime {
    /// `2 minutes ago`, `About an hour ago`; `in 5 seconds` for what is to come.
    package static func text(_ time: WallTime, now: WallTime) -> String {
        let age = now.milliseconds - time.milliseconds
        if age >= 0 { return "\(length(seconds: UInt64(age) / 1000)) ago" }
        let length = length(seconds: age.magnitude / 1000)
        return "in \(length.prefix(1).lowercased())\(length.dropFirst())"
    }

    /// As docker's `units.HumanDuration` has it.
    package static func length(seconds: UInt64) -> String {
        let minutes = seconds / 60
        let hours = (seconds + 1800) / 3600
        switch (seconds, minutes, hours) {
        case (0, _, _): return "Less than a second"
        case (1, _, _): return "1 second"
        case (..<60, _, _): return "\(seconds) seconds"
        case (_, 1, _): return "About a minute"
        case (_, ..<60, _): return "\(minutes) minutes"
        case (_, _, 1): return "About an hour"
        case (_, _, ..<48): return "\(hours) hours"
        case (_, _, ..<336): return "\(hours / 24) days"
        case (_, _, ..<1440): return "\(hours / 168) weeks"
        case (_, _, ..<17_520): return "\(hours / 720) months"
        default: return "\(hours / 8760) years"
        }
    }
}
