import Cgroups
import Configuration
import Glibc
import Linux
import Sandbox

/// Whether a daemon runs from systemd's units or beside them, and whether these are as they were installed.
struct SystemdFinding: Sendable {
    static let warden = "corral-warden.service"
    static let corrald = "corral.service"
    static let socket = "corral.socket"

    /// One of the daemon's processes: who it is, and the unit that it is in; nil for one that cannot be told.
    struct Part: Sendable, Hashable {
        var unit: ProcessUnit?
    }

    /// Whether they are of the system's manager or of a user's.
    var isSystem = true
    /// Nil for what does not run.
    var corrald: Part?
    var warden: Part?
    /// By name, as the manager has them; nil where it cannot be asked.
    var units: [String: SystemdUnit]?
    /// By name: what this installation has of a unit that the manager has from another file, with other text.
    var replaced: [String: String] = [:]

    // MARK: Looking

    /// - Parameters:
    ///   - place: the daemon's; nil where it is not known.
    ///   - status: what runs there.
    static func look(_ place: DaemonPlace?, _ status: DaemonStatus?) -> DoctorFinding {
        // What sd_booted(3) looks at.
        guard unsafe access("/run/systemd/system", F_OK) == 0 else { return notBooted }
        guard let place, let status else { return .ok("systemd", "the daemon that it may keep is not known") }
        var finding = SystemdFinding(isSystem: place.settings.place.isSystem)
        // The units are for the daemon that the files of the system's or the user's place describe, and for no other.
        let usual = LoadedSettings.load(place: place.settings.place, environment: []).settings
        guard usual.text(.state) == place.state else {
            return .ok("systemd", "its units are for another daemon than that of \(shown(place.state))")
        }
        finding.corrald = status.pid.map { Part(unit: ProcessUnit.of(pid: $0)) }
        finding.warden = status.wardenPID.map { Part(unit: ProcessUnit.of(pid: $0)) }
        finding.units = SystemdUnit.ask(isSystem: finding.isSystem)
        finding.replaced = finding.findReplaced()
        return finding.result
    }

    private static let notBooted = DoctorFinding.ok(
        "systemd", "does not run this machine; corral daemon run starts a daemon")

    /// Compares what is in force with what was installed beside this very program.
    private func findReplaced() -> [String: String] {
        guard let directory = SelfPath.directory, let slash = directory.utf8.lastIndex(of: UInt8(ascii: "/"))
        else { return [:] }
        let place = "\(directory[..<slash])/lib/systemd/\(isSystem ? "system" : "user")"
        func text(_ path: String) -> [UInt8]? {
            try? FileDescriptor.open(path, O_RDONLY).readAll(limit: 1 << 20)
        }
        var found: [String: String] = [:]
        for (name, unit) in units ?? [:] where !unit.file.isEmpty {
            let own = "\(place)/\(name)"
            // By their text: /lib may be a link to /usr/lib.
            if let installed = text(own), let held = text(unit.file), installed != held { found[name] = own }
        }
        return found
    }

    // MARK: Judging

    var result: DoctorFinding {
        guard let units else { return .ok("systemd", "cannot be asked for its units\(places)") }
        let known = units.filter { $0.value.isLoaded }
        guard known[SystemdFinding.warden] != nil, known[SystemdFinding.corrald] != nil else {
            return .ok("systemd", "has no units of Corral's; a daemon is started by hand (docs/systemd.md)")
        }
        return beside ?? undelegated ?? stale(known) ?? changed(known) ?? well(known)
    }

    private var control: String { isSystem ? "systemctl" : "systemctl --user" }

    /// ` (corrald is in session-3.scope)`, for what is known all the same.
    private var places: String {
        let parts = [("corrald", corrald), ("the warden", warden)].compactMap { name, part in
            part?.unit.map { "\(name) is in \(shown($0.name))" }
        }
        return parts.isEmpty ? "" : "; \(parts.joined(separator: ", "))"
    }

    /// A process that runs and is not its unit's. One whose unit cannot be told is not judged.
    private var beside: DoctorFinding? {
        func stray(_ part: Part?, _ unit: String) -> String? {
            guard let name = part?.unit?.name, name != unit else { return nil }
            return shown(name)
        }
        let why =
            "nobody starts it again when it dies or the machine starts, and who ends that unit ends it as well"
        if let place = stray(warden, SystemdFinding.warden) {
            return .warning(
                "systemd", "the warden runs in \(place), beside \(SystemdFinding.warden)", why: why,
                cure: "corral daemon stop --sessions && \(control) enable --now \(SystemdFinding.socket) "
                    + "\(SystemdFinding.corrald) (ends all sessions)")
        }
        if let place = stray(corrald, SystemdFinding.corrald) {
            return .warning(
                "systemd", "corrald runs in \(place), beside \(SystemdFinding.corrald)", why: why,
                cure: "corral daemon stop && \(control) enable --now \(SystemdFinding.socket) "
                    + "\(SystemdFinding.corrald) (sessions go on)")
        }
        return nil
    }

    private var undelegated: DoctorFinding? {
        // Of a user's manager that is older than version 251 no mark can be had; `delegation` says what there is.
        guard isSystem, let unit = warden?.unit, !unit.isDelegated else { return nil }
        return .warning(
            "systemd", "\(shown(unit.name)) has no delegated cgroup",
            why:
                "systemd may change and remove what is below its units; groups of sandboxes are made beside them",
            cure: "Delegate=yes by \(control) edit \(SystemdFinding.warden), then \(control) restart "
                + "\(SystemdFinding.warden) (ends all sessions)")
    }

    private func stale(_ known: [String: SystemdUnit]) -> DoctorFinding? {
        let names = known.filter(\.value.needsReload).map(\.key).sorted()
        guard !names.isEmpty else { return nil }
        // Whoever only asks systemd to read the files has not changed what runs.
        let ends = names.contains(SystemdFinding.warden) ? " (ends all sessions)" : " (sessions go on)"
        return .warning(
            "systemd", "\(names.joined(separator: ", ")) changed on disk since systemd read it",
            why: "what was changed is not in force",
            cure: "\(control) daemon-reload && \(control) restart \(names.joined(separator: " "))\(ends)")
    }

    private func changed(_ known: [String: SystemdUnit]) -> DoctorFinding? {
        guard let name = replaced.keys.sorted().first, let unit = known[name], let own = replaced[name] else {
            return nil
        }
        return .warning(
            "systemd", "\(name) is that of \(shown(unit.file)), and says something else than \(shown(own))",
            why: "an upgrade changes the latter, which is not in force",
            cure: unit.file.hasPrefix("/etc/")
                ? "\(control) revert \(name), and what differs by \(control) edit \(name)"
                : "remove the installation that is no longer used, or \(shown(unit.file))")
    }

    private func well(_ known: [String: SystemdUnit]) -> DoctorFinding {
        let extra = known.filter { $0.value.additions > 0 }.map(\.key).sorted()
        let changed = extra.isEmpty ? "" : "; drop-ins change \(extra.joined(separator: ", "))"
        if corrald?.unit != nil, warden?.unit != nil {
            return .ok("systemd", "keeps corrald and the warden, each in its unit\(changed)")
        }
        guard corrald == nil, warden == nil else {
            return .ok("systemd", "has units\(places)\(changed)")
        }
        let state = known[SystemdFinding.socket]?.state ?? ""
        let begins =
            state == "active" ? "the first client starts a daemon" : "\(SystemdFinding.socket) is not started"
        return .ok("systemd", "has units, and \(begins)\(changed)")
    }
}

/// What systemd says of one of its units (systemctl(1), `show`).
struct SystemdUnit: Hashable, Sendable {
    /// Whether there is a file that it could read.
    var isLoaded = false
    /// `active`, `inactive` and so on.
    var state = ""
    /// Where it was read.
    var file = ""
    /// How many drop-ins it has.
    var additions = 0
    /// Whether a file of its was changed since it was read.
    var needsReload = false

    private static let properties = [
        "Id", "LoadState", "ActiveState", "FragmentPath", "DropInPaths", "NeedDaemonReload",
    ]

    /// - Returns: by name; nil where systemd cannot be asked.
    static func ask(isSystem: Bool) -> [String: SystemdUnit]? {
        let paths = ["/usr/bin/systemctl", "/bin/systemctl"]
        guard let path = paths.first(where: { unsafe access($0, X_OK) == 0 }) else { return nil }
        let program = HostProgram(
            path: path,
            words: ["systemctl"] + (isSystem ? [] : ["--user"]) + ["show", "--no-pager"]
                + ["--property=\(properties.joined(separator: ","))", "--"]
                + [SystemdFinding.corrald, SystemdFinding.warden, SystemdFinding.socket],
            environment: HostProgram.ownEnvironment)
        guard let outcome = try? program.run(timeout: 20_000), outcome.status == 0 else { return nil }
        return read(outcome.output)
    }

    /// - Parameter text: `NAME=VALUE` lines, with an empty one between units.
    static func read(_ text: String) -> [String: SystemdUnit] {
        var units: [String: SystemdUnit] = [:]
        var (name, unit) = ("", SystemdUnit())
        // The last one has no empty line behind it.
        let lines: [Substring] = "\(text)\n\n".split(separator: "\n", omittingEmptySubsequences: false)
        for line in lines {
            if line.isEmpty {
                if !name.isEmpty { units[name] = unit }
                (name, unit) = ("", SystemdUnit())
                continue
            }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map(String.init)
            guard parts.count == 2 else { continue }
            switch parts[0] {
            case "Id": name = parts[1]
            case "LoadState": unit.isLoaded = parts[1] == "loaded"
            case "ActiveState": unit.state = parts[1]
            case "FragmentPath": unit.file = parts[1]
            case "DropInPaths": unit.additions = parts[1].split(separator: " ").count
            case "NeedDaemonReload": unit.needsReload = parts[1] == "yes"
            default: break
            }
        }
        return units
    }
}
