import Cgroups
import Configuration
import Glibc
import Linux
import Preparation
import Sandbox

/// What a daemon needs and how the one that runs is; `corral run` needs none of it.
struct DaemonFindings {
    /// Nil where there is no home directory to look for files in.
    private let loaded: LoadedSettings?
    /// Nil where the configuration is wrong: what would be looked at is not known then.
    private let place: DaemonPlace?
    private let status: DaemonStatus?
    /// Why the daemon cannot be asked.
    private let problem: String?

    /// - Parameter arguments: of a command that has `ConfigCommand.options`.
    init(_ arguments: Arguments) throws(CommandError) {
        // `corral run` does without a home, so this does as well.
        let isHomeless = (try? ConfigCommand.place()) == nil
        loaded = isHomeless ? nil : try ConfigCommand.loaded(arguments)
        guard let loaded, loaded.errors.isEmpty else {
            (place, status, problem) = (nil, nil, nil)
            return
        }
        let place = try DaemonPlace(arguments)
        self.place = place
        do throws(CommandError) {
            status = try DaemonStatus.look(at: place)
            problem = nil
        } catch {
            status = nil
            problem = error.description
        }
    }

    /// What can be looked at by itself, in the order in which it is told.
    static let names = [
        "configuration", "daemon", "versions", "socket", "state space", "descriptors", "id range", "clock",
        "systemd", "delegation", "volume limits", "leftovers",
    ]

    /// - Parameter asked: of ``names``; the others are not looked at.
    func found(_ asked: [String] = names) -> [DoctorFinding] {
        DaemonFindings.names.filter(asked.contains).compactMap { look(at: $0) }
    }

    /// - Returns: nil where the configuration is wrong, and so nobody knows what to look at.
    private func look(at name: String) -> DoctorFinding? {
        switch name {
        case "configuration": configuration
        case "daemon": place.map(daemon)
        case "versions": place.map { _ in versions }
        case "socket": place.map(SocketFinding.look)
        case "state space": place.map { StateSpaceFinding.look($0.state) }
        case "descriptors": place.map { DescriptorFinding.look($0, status?.pid) }
        case "id range": place.map { IDRangeFinding.look($0.settings.uids) }
        case "clock": ClockFinding.look()
        case "systemd": SystemdFinding.look(place, status)
        case "delegation": delegation
        case "volume limits": volumeLimits
        default: LeftoverFinding.look()
        }
    }

    private var configuration: DoctorFinding {
        guard let loaded else {
            return .warning(
                "configuration", "there is no home directory to look for it in",
                why: "no daemon of this user's can be found or started",
                cure: "name one in HOME, or in XDG_CONFIG_HOME and the like")
        }
        let names = loaded.files.map { SettingsFiles.called($0) }.joined(separator: ", ")
        guard loaded.errors.isEmpty else {
            return .failed(
                "configuration", shown(loaded.errors.map(\.description).joined(separator: "; ")),
                why: "no daemon starts with it, and one that runs keeps what it had",
                cure: "corral config check")
        }
        guard loaded.warnings.isEmpty else {
            return .warning(
                "configuration", shown(loaded.warnings.joined(separator: "; ")),
                why: "something that was meant to be a setting is none", cure: "corral config check")
        }
        return .ok("configuration", names.isEmpty ? "as built in; there are no files" : names)
    }

    private func daemon(_ place: DaemonPlace) -> DoctorFinding {
        let socket = shown(place.socket)
        guard let status else {
            return .warning(
                "daemon", problem ?? "cannot be asked", why: "sessions are had from it",
                cure:
                    "usermod -aG \(place.settings.textOrNone(.socketGroup) ?? "corral") USER, and log in anew"
            )
        }
        let problems = status.problems.filter { !$0.contains(" is of build ") }
        let cure = "corral daemon status, and its log; docs/operators.md has each case"
        switch status.state {
        case .stopped where status.wardenPID == nil:
            return .ok("daemon", "none listens at \(socket); corral run needs none")
        case .stopped:
            return .warning(
                "daemon", problems.first ?? "corrald does not run, and its warden does",
                why: "sessions go on, and nobody can ask for them", cure: "corral daemon run")
        case .degraded:
            return .failed(
                "daemon",
                shown(problems.isEmpty ? "does not serve in full" : problems.joined(separator: "; ")),
                why: "part of what clients ask for is refused", cure: cure)
        case .ok:
            let what = "listens at \(socket), with \(sessionCount(status.sessions ?? 0))"
            if problems.isEmpty { return .ok("daemon", what) }
            return .warning(
                "daemon", shown(problems.joined(separator: "; ")),
                why: "it works with less than there could be",
                cure: cure)
        }
    }

    private var versions: DoctorFinding {
        DaemonFindings.versions(
            corral: CorralCommand.version, corrald: status?.corrald, warden: status?.warden)
    }

    /// - Parameters: versions; nil for what does not run, or does not say it.
    static func versions(corral: String, corrald: String?, warden: String?) -> DoctorFinding {
        let parts = [("corral", corral), ("corrald", corrald), ("warden", warden)].compactMap {
            name, version in
            version.map { "\(name) \(shown($0))" }
        }
        let what = parts.joined(separator: ", ")
        if let warden, warden != corral {
            return .warning(
                "versions", what, why: "the warden does not have what was mended since its build",
                cure: "corral daemon stop --sessions && corral daemon run --detach (ends all sessions)")
        }
        if let corrald, corrald != corral {
            return .warning(
                "versions", what, why: "corrald does not have what was mended since its build",
                cure: "corral daemon stop && corral daemon run --detach (sessions go on)")
        }
        return .ok("versions", what)
    }

    /// What systemd has handed over is left alone by it; what it has not it may take away again, or move.
    private var delegation: DoctorFinding {
        do throws(CgroupError) {
            let layout = try CgroupLayout.detect()
            guard let part = layout.parts.first(where: { $0.version == "v2" }) else {
                return layout.parts.isEmpty
                    ? undelegated : .ok("delegation", "v1, where root makes groups; nothing is delegated")
            }
            if geteuid() == 0 { return .ok("delegation", "root's groups are made in \(shown(part.path))") }
            return .ok("delegation", "\(shown(part.path)) is this user's")
        } catch {
            return .warning(
                "delegation", error.description, why: "limits of a whole sandbox rest on a cgroup", cure: nil)
        }
    }

    private var undelegated: DoctorFinding {
        .warning(
            "delegation", "no cgroup is this user's",
            why:
                "limits of memory, processors and processes hold in part or not at all, and pause is refused",
            cure: "systemd-run --user --scope -p Delegate=yes corral daemon run")
    }

    private var volumeLimits: DoctorFinding {
        DaemonFindings.volumeLimits(status?.volumes)
    }

    /// - Parameter volumes: as the daemon tells; nil where none does.
    static func volumeLimits(_ volumes: DaemonStatus.Volumes?) -> DoctorFinding {
        guard let volumes else { return .ok("volume limits", "no daemon tells what it has") }
        let why = "a workspace without a limit can fill the device for all"
        guard let driver = volumes.driver else {
            return .warning(
                "volume limits", shown("there are no volumes: \(volumes.reason)"),
                why: "workspaces that outlive sessions, and --disk of a session, need them",
                cure:
                    "apt-get install btrfs-progs, on a kernel with btrfs and loop devices, or a state directory "
                    + "with quotas")
        }
        guard !volumes.enforced.contains("not enforced") else {
            return .warning(
                "volume limits", shown("\(driver): \(volumes.enforced)"), why: why,
                cure: "put the state directory on btrfs, or on ext4 or xfs with project quotas "
                    + "(docs/workspaces.md)")
        }
        return .ok("volume limits", shown("\(driver): \(volumes.enforced)"))
    }
}
