import CLinux
import Glibc
import Launch
import Linux
import Preparation
import Sandbox
import Seccomp

/// The sandbox that archives are unpacked in: that of the profile `strict`, but for its limits, with a
/// root that has nothing but the unpacker, and the tree as workspace.
enum UnpackSandbox {
    /// Where the tree is inside.
    private static let tree = "/tree"

    /// What must hold wherever Corral runs. What an ordinary user or an older kernel lacks of the rest
    /// does not open the way out of the tree.
    private static let required: [Layer] = [
        .userNamespace, .mountNamespace, .pidNamespace, .netNamespace, .ipcNamespace, .utsNamespace,
        .capabilities, .noNewPrivileges, .session, .keyring, .descriptors, .seccomp, .rlimits, .pids,
    ]

    /// The path of the unpacker's file: `CORRAL_UNPACK`, else beside this program, else where `make
    /// install` puts it; without links, since it is the same path inside.
    static func program() throws(CommandError) -> String {
        var candidates: [String] = []
        if let named = unsafe getenv("CORRAL_UNPACK") {
            candidates = [unsafe String(cString: named)]
        } else if let directory = SelfPath.directory {
            candidates = ["\(directory)/corral-unpack", "\(directory)/../libexec/corral/corral-unpack"]
        }
        for candidate in candidates {
            guard let file = try? FileDescriptor.open(candidate, CLINUX_O_PATH) else { continue }
            var buffer = [CChar](repeating: 0, count: 4096)
            let count = unsafe readlink("/proc/self/fd/\(file.number)", &buffer, buffer.count)
            guard count > 0, count < buffer.count else { continue }
            return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        throw CommandError(
            "corral-unpack was not found; looked for \(candidates.joined(separator: ", ")); "
                + "name it in CORRAL_UNPACK")
    }

    /// How long one archive may take, in milliseconds.
    static let timeout: UInt64 = 30 * 60 * 1000

    static func rules(_ program: String, host: HostSetup) throws(CommandError) -> LaunchRules {
        // Never a profile of the same name that somebody made.
        let rules = try prepared(
            Installation.find().withoutOthers.rules(
                "strict", RulesVariant(hostDirectory: true), cache: StateDirectory.cache()))
        var (profile, image) = (rules.profile, rules.image)
        profile.filesystem.workspace = .writable
        profile.require = required
        // The page cache of what is written counts, and goes when there is need.
        profile.limits.memory = min(512 << 20, host.abilities.totalMemory)
        profile.limits.swap = 0
        // The unpacker has one thread; the init is the other process.
        profile.limits.pids = 8
        profile.limits.milliCPUs = 1000
        profile.limits.openFiles = 512
        // The unpacker checks it against its own limits, and says so.
        profile.limits.fileSize = 1 << 40
        image.name = "unpack"
        image.hostname = "unpack"
        image.workspace = tree
        image.binds = [Image.Bind(path: program, optional: false)]
        image.files = []
        image.symlinks = []
        image.tmpfs = []
        return LaunchRules(
            profile: profile, image: image, filter: rules.filter,
            hostPaths: try prepared(HostPaths.probe(image)))
    }

    static func plan(
        _ rules: LaunchRules, _ host: HostSetup, identity: Identity, cgroups: [Layer: LayerState]
    ) throws(CommandError) -> LaunchPlan {
        let spec = SandboxSpec(
            profile: rules.profile, limits: rules.limits, image: rules.image, filter: rules.filter.bytes,
            identity: identity, workspace: .directory("the tree"), sockets: [], cgroups: cgroups,
            without: host.without)
        let plan: LaunchPlan
        do throws(LaunchError) {
            plan = try LaunchPlanner.plan(spec, host: host.abilities, hostPaths: rules.hostPaths)
        } catch {
            throw CommandError(error.description)
        }
        // Landlock may hold in part on an older kernel, and must be there.
        if case .off(let why) = plan.layers[.landlockFiles], !host.without.contains(.landlockFiles) {
            throw CommandError("archives are not unpacked without landlock: \(why)")
        }
        return plan
    }
}
