import Launch
import Preparation
import Sandbox
import TestSupport
import Testing

@testable import Cgroups
@testable import Commands
@testable import Seccomp

@Suite struct PlanTextTests {
    private static let root = HostAbilities(
        uid: 0, gid: 0, supplementaryGroups: 0, privileged: true, landlockABI: 7, kernel: "6.18",
        totalMemory: 1 << 34, processors: 2, openFilesLimit: 20_000)

    private static let user = HostAbilities(
        uid: 3_999_999, gid: 3_999_999, supplementaryGroups: 2, privileged: false, landlockABI: 3,
        kernel: "6.1",
        totalMemory: 1 << 34, processors: 2, openFilesLimit: 20_000)

    private static let noCgroups = Dictionary(
        uniqueKeysWithValues: [Layer.memory, .swap, .pids, .cpu].map { ($0, "no delegated cgroup") })

    private static func plan(
        _ words: [String], host: HostAbilities = root, missing: [Layer: String] = [:]
    ) throws -> [String] {
        let options = try RunOptions(Arguments(parsing: words, for: RunCommand.command))
        let file = Repository.path("profiles/default.yaml")
        let profile = try Profile.decode(File.read(file), file: file)
        let imageFile = Repository.path("images/host.yaml")
        let image = try Image.decode(File.read(imageFile), file: imageFile)
        let rules = LaunchRules(
            profile: try LaunchRules.overridden(profile, by: options.overrides), image: image,
            filter: CompiledFilter(
                bytes: [UInt8](repeating: 0, count: 16), digest: [], allowedCount: 0, conditionalCount: 0,
                origin: .compiled),
            hostPaths: image.binds.reduce(into: HostPaths()) { $0.add($1.path, .directory) })
        let runHost = HostSetup(
            abilities: host, layout: CgroupLayout(hierarchies: [], missing: missing), workspace: nil,
            without: [])
        return try PlanText.text(rules, runHost, options).split(separator: "\n").map(String.init)
    }

    /// The indented lines below a heading.
    private static func section(_ name: String, of plan: [String]) -> [String] {
        let below = plan.drop { $0 != "\(name):" }.dropFirst()
        return below.prefix { $0.hasPrefix("  ") }.map { String($0.dropFirst(2)) }
    }

    @Test func `a plan says what the options changed`() throws {
        let plan = try Self.plan([
            "-eLANG=C", "-eA=b c", "-w/tmp", "--memory=64MiB", "--cpus=0.5", "--pids=7", "--timeout=90s",
            "--", "sh",
            "-c", "a\nb",
        ])
        #expect(Self.section("profile", of: plan) == ["default"])
        #expect(Self.section("command", of: plan) == [#""sh""#, #""-c""#, #""a\u{a}b""#])
        #expect(Self.section("working directory", of: plan) == ["/tmp"])
        #expect(
            Self.section("environment", of: plan)
                == ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home", "LANG=C", "A=b c"])
        let limits = Self.section("limits", of: plan)
        #expect(limits.contains("memory 64MiB, swap 0"))
        #expect(limits.contains("cpus 0.5") && limits.contains("pids 7") && limits.contains("timeout 90s"))
    }

    @Test func `the steps are those of the sandbox`() throws {
        let plan = try Self.plan(["--pids=7", "true"])
        #expect(
            Self.section("root, by the launcher", of: plan).contains("bind /usr, read-only, nosuid, nodev"))
        let steps = Self.section("sandbox, by the init", of: plan)
        #expect(steps.contains("proc /proc, read-only"))
        #expect(steps.contains("RLIMIT_NPROC 7"))
        #expect(steps.contains("seccomp policy base+general+ipc+unix+network+openat2, 2 instructions"))
        #expect(!steps.contains { $0.hasPrefix("listen") })
        let relayed = try Self.plan(["--relay=tgo=/nonexistent", "true"])
        #expect(Self.section("sandbox, by the init", of: relayed).contains("listen at /run/tgo/tgo.sock"))
    }

    @Test func `every layer is listed with its state`() throws {
        let layers = Self.section("layers", of: try Self.plan(["true"]))
        #expect(layers == Layer.allCases.map { "\($0.rawValue): in force" })
        let weak = Self.section(
            "layers", of: try Self.plan(["true"], host: Self.user, missing: Self.noCgroups))
        #expect(weak.count == Layer.allCases.count)
        #expect(weak.contains("uids: partial(the init and the processes share uid 3999999)"))
        #expect(weak.contains("groups: partial(2 groups of the user kept)"))
        #expect(weak.contains { $0.hasPrefix("landlock-fs: partial(landlock ABI 3: ") })
        #expect(weak.contains("pids: in force"))
        #expect(weak.contains("cpu: off(no delegated cgroup)"))
        #expect(weak.contains { $0.hasPrefix("memory: partial(no delegated cgroup; RLIMIT_DATA") })
    }

    @Test func `ids are those of the user or of a slot`() throws {
        let own = Self.section("ids", of: try Self.plan(["true"], host: Self.user, missing: Self.noCgroups))
        #expect(own == ["uid 3999999 for both the init and the program (1000 inside)"])
        let pair = Self.section("ids", of: try Self.plan(["true"]))
        #expect(pair.count == 1 && pair.first?.contains("from 200000 on") == true)
    }

    @Test func `a plan that could not be carried out is an error`() {
        #expect(
            throws: CommandError("the limit cpus of 3.0 is more than this host has: 2 processors")
        ) { try Self.plan(["--cpus=3", "true"]) }
    }
}
