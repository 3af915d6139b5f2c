import Glibc
import Launch
import Linux
import Preparation
import Quotas
import Sandbox
import Volumes
import Wire

/// Whether the parts of this installation are there and belong together.
struct InstallationFindings {
    private let host: HostAbilities

    init(_ host: HostAbilities) { self.host = host }

    var all: [DoctorFinding] { [initFile, unpacker, profiles, plans, images, state, volumes] }

    private var initFile: DoctorFinding {
        let why = "it is the first process of every sandbox and carries out what corral plans"
        let cure = "install sandbox-init of this build (make install), or name it in CORRAL_INIT"
        do throws(LaunchError) {
            let identity = try InitIdentity.ask()
            let place = shown(FilePath.resolved(identity.path))
            if identity.matches { return .ok("sandbox-init", "\(place), of this build's plans") }
            let says =
                identity.planVersion.map { "takes plans of version \($0)" } ?? "does not say what it is"
            return .failed(
                "sandbox-init", "\(place) \(says); expected version \(InitIdentity.expected)", why: why,
                cure: cure)
        } catch {
            return .failed("sandbox-init", error.description, why: why, cure: cure)
        }
    }

    private var unpacker: DoctorFinding {
        do throws(CommandError) {
            return .ok("corral-unpack", shown(try UnpackSandbox.program()))
        } catch {
            return .warning(
                "corral-unpack", error.description, why: "archives cannot be imported as images",
                cure: "install corral-unpack of this build (make install), or name it in CORRAL_UNPACK")
        }
    }

    private var profiles: DoctorFinding {
        let why = "a run takes its rules from one of them"
        do throws(CommandError) {
            let installation = try prepared(Installation.find())
            let names = try prepared(installation.directories.names(.profile))
            let wrong = names.filter { !ProfileValidation($0, installation).errors.isEmpty }
            guard !wrong.isEmpty else { return .ok("profiles", names.joined(separator: ", ")) }
            let list = wrong.joined(separator: ", ")
            let cure = "corral profile validate \(wrong.joined(separator: " "))"
            if wrong.contains("default") {
                return .failed("profiles", "wrong: \(list)", why: why, cure: cure)
            }
            return .warning("profiles", "wrong: \(list)", why: why, cure: cure)
        } catch {
            return .failed(
                "profiles", error.description, why: why,
                cure: "make install, or name the directory that holds them in CORRAL_DATA")
        }
    }

    /// Where a daemon looks unless it is told otherwise, and the user's own.
    private var plans: DoctorFinding {
        let why = "a tenant on one of them begins nothing while its plan is wrong"
        do throws(CommandError) {
            let installation = try prepared(Installation.find())
            let names = try prepared(installation.plans.names(.plan))
            let library = installation.planLibrary
            let wrong = names.filter { name in (try? library.plan(name)) == nil }
            guard !wrong.isEmpty else {
                return .ok("plans", names.isEmpty ? "none" : names.joined(separator: ", "))
            }
            return .warning(
                "plans", "wrong: \(wrong.joined(separator: ", "))", why: why,
                cure: "corral plan check \(wrong.joined(separator: " "))")
        } catch {
            return .warning("plans", error.description, why: why, cure: "make install")
        }
    }

    private var images: DoctorFinding {
        let why = "images cannot be imported or built"
        do throws(CommandError) {
            guard let lookup = try prepared(ImageLookup.find()) else {
                return .warning(
                    "images", "no place for a store", why: why, cure: "name an absolute path in CORRAL_IMAGES"
                )
            }
            let path = shown(lookup.path)
            if StatePlace.isWritable(lookup.path) { return .ok("images", "the store is \(path)") }
            return .warning(
                "images", "\(path) cannot be written to", why: why,
                cure: "name a directory of yours in CORRAL_IMAGES")
        } catch {
            return .warning("images", error.description, why: why, cure: nil)
        }
    }

    private var state: DoctorFinding {
        guard let path = StateDirectory.runtime(host) else {
            return .warning(
                "state", "XDG_RUNTIME_DIR is not set",
                why: "cgroups cannot be used, for want of a place for locks",
                cure: "log in through systemd-logind, or loginctl enable-linger")
        }
        if StatePlace.isWritable(path) { return .ok("state", shown(path)) }
        return DoctorFinding(
            name: "state", state: host.privileged ? .failed : .warning,
            what: "\(shown(path)) cannot be written to", why: "ids and cgroups are taken by locks there",
            cure: host.privileged
                ? "mount -t tmpfs tmpfs /run" : "set XDG_RUNTIME_DIR to a directory of yours")
    }

    /// What a warden's volumes would be here. Looked at, and nothing made; the warden that runs says itself what it
    /// has (`corral daemon status`).
    private var volumes: DoctorFinding {
        let why = "workspaces that outlive sessions, and --disk of a session, need one"
        let place = StatePlace.existing("/var/lib/corral/warden/volumes")
        do throws(VolumeError) {
            switch try DriverChoice(facts(of: place), allowSoft: false) {
            case .native(let why): return .ok("volumes", "btrfs: \(why)")
            case .project(let why): return .ok("volumes", "project quotas: \(why)")
            case .image(_, let why): return .ok("volumes", "btrfs in an image: \(why)")
            case .directory(let why): return .ok("volumes", "directories without limits: \(why)")
            }
        } catch {
            return .warning(
                "volumes", shown("\(error)"), why: why,
                cure: host.privileged
                    ? "apt-get install btrfs-progs, on a kernel with btrfs and loop devices" : nil)
        }
    }
}

extension InstallationFindings {
    private func facts(of path: String) throws(VolumeError) -> VolumeFacts {
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw .system("to look at \(path)", error)
        }
        return try VolumeFacts.read(directory, path: path)
    }
}

/// A whole sandbox, tried out.
enum TrialFinding {
    private static let why = "this is what every run does"

    /// Runs `true` under the profile `default`, by this very program.
    /// - Parameter isExplained: another finding says why it cannot succeed.
    static func run(isExplained: Bool) -> DoctorFinding {
        let path = SelfPath.executable ?? "/proc/self/exe"
        let program = HostProgram(
            path: path, words: ["corral", "run", "--json", "--", "true"],
            environment: HostProgram.ownEnvironment)
        do throws(SystemError) {
            let outcome = try program.run(timeout: 60_000)
            return finding(outcome, isExplained: isExplained)
        } catch {
            return .failed("sandbox", "\(error)", why: why, cure: nil)
        }
    }

    static func finding(_ outcome: HostProgram.Outcome, isExplained: Bool) -> DoctorFinding {
        let lines = outcome.errors.split(separator: "\n")
        let report = lines.last { $0.hasPrefix("{") }.flatMap { try? JSONTree(parsing: Array($0.utf8)).value }
        guard outcome.status == 0 else {
            let message = lines.first { $0.hasPrefix("corral run: ") && !$0.contains("not in force") }
            return .failed(
                "sandbox", message.map { shown(String($0.dropFirst(12))) } ?? "ended with \(outcome.status)",
                why: why, cure: isExplained ? "what failed above comes first" : nil)
        }
        let weak = weakLayers(report)
        guard !weak.isEmpty else { return .ok("sandbox", "all \(Layer.allCases.count) layers are in force") }
        return .warning(
            "sandbox", "not in force in full: \(weak.joined(separator: ", "))",
            why: "each layer is a wall of its own; corral run --profile strict asks for all",
            cure: "see what is said above of each")
    }

    private static func weakLayers(_ report: JSONTree.Value?) -> [String] {
        guard case .object(let members) = report,
            case .object(let layers) = members.first(where: { $0.key == "layers" })?.value.value
        else { return ["unknown"] }
        return layers.compactMap { layer in
            guard case .string(let state) = layer.value.value else { return nil }
            return state == "in force" ? nil : "\(layer.key) \(state)"
        }
    }
}
