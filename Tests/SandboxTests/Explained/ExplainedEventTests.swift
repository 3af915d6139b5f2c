// What the evaluator says about random events under random images and profiles is what programs in real
// sandboxes find.

import CLinux
import Denials
import Glibc
import Linux
import Sandbox
import TestSupport
import Testing

@Suite(.enabled(if: Host.isRoot, "needs root"), .timeLimit(.minutes(20)))
struct ExplainedEventTests {
    /// Random images, each with one sandbox.
    private static let images = 200
    private static let eventsPerImage = 70

    @Test func `for random images and profiles every event ends as explained`() throws {
        let tree = try OpenTree()
        let data = try RandomData()
        var random = Seeded(state: 0xC022_A101)
        var seen: [String: Int] = [:]
        for _ in 0..<ExplainedEventTests.images {
            let source = RandomRules(&random, tree)
            let rules = try source.rules(
                hostPaths: .found(source, tree), landlockABI: Int(clinux_landlock_abi()))
            let events = try randomEvents(source, rules, tree, &random)
            let found = try data.ask(source, rules, events)
            for (event, errno) in zip(events, found) {
                let explanation = Evaluator.explanation(of: event, under: rules)
                let expected = errnoOf(explanation.denial)
                let key =
                    "\(explanation.denial?.source.rawValue ?? "allowed") \(Errno(rawValue: expected).name)"
                seen[key, default: 0] += 1
                if errno == expected || isOlderOrder(event, expected, errno) { continue }
                Issue.record(
                    """
                    \(EventProbe.line(event) ?? ""): explained \(Errno(rawValue: expected).name), found \
                    \(Errno(rawValue: errno).name)
                    \(explanation.steps.map { "\($0.source) \($0.rule.text)" }.joined(separator: "\n"))
                    \((source.image + source.profile).joined(separator: "\n"))
                    """)
                return
            }
        }
        // Otherwise the events would not be worth much.
        for errno in ["EACCES", "EROFS", "ENOENT", "EISDIR", "ENOTDIR", "ELOOP", "EINVAL"] {
            #expect(seen["mounts \(errno)", default: 0] >= 20, "\(seen)")
        }
        for kind in [
            "landlock EACCES", "network ENETUNREACH", "network EADDRNOTAVAIL", "capabilities EACCES",
        ] {
            #expect(seen[kind, default: 0] >= 20, "\(seen)")
        }
        #expect(seen.values.reduce(0, +) >= 10_000, "\(seen)")
    }

    /// Before about Linux 6.16 truncate(2) asks the mount before the mode.
    private func isOlderOrder(_ event: Event, _ expected: CInt, _ found: CInt) -> Bool {
        guard case .path(let path) = event, path.access == .truncate else { return false }
        return expected == EACCES && found == EROFS
    }

    private func errnoOf(_ denial: Denial?) -> CInt {
        guard let denial else { return 0 }
        if case .errno(let errno) = denial.effect { return errno.rawValue }
        return -1
    }

    private func randomEvents(
        _ source: RandomRules, _ rules: SandboxRules, _ tree: OpenTree, _ random: inout Seeded
    ) throws -> [Event] {
        var events: [Event] = []
        while events.count < ExplainedEventTests.eventsPerImage {
            if random.chance(8) {
                events.append(try randomTCP(&random))
                continue
            }
            let path = randomPath(source, rules, tree, &random)
            // Not what ends in a slash.
            guard let event = try? PathEvent(path, random.pick(PathEvent.Access.allCases)) else { continue }
            if isTelling(event, rules, tree) { events.append(.path(event)) }
        }
        return events
    }

    private func randomPath(
        _ source: RandomRules, _ rules: SandboxRules, _ tree: OpenTree, _ random: inout Seeded
    ) -> String {
        let extra = [
            "/", "/etc", "/proc/self/comm", "/usr/bin", "/none", "/d", "/m", "/dev", "/proc/self", "/home",
        ]
        let known =
            source.paths + rules.view.entries.map(\.path) + extra + ["/" + String(repeating: "x", count: 256)]
        let base = random.pick(known)
        let below = ["made", "made", "new", "x", "file", "sub/inner", "sub", "f", "e/f", "n/x"]
        let start = base == "/" ? "" : base
        switch Int.random(in: 0...5, using: &random) {
        case 0, 1: return base
        case 2, 3: return "\(start)/\(random.pick(below))"
        case 4:
            // Only from what is known to be a directory: whether other things are, nobody says.
            switch rules.view.resolve(base, followingLast: true).outcome {
            case .below, .magicLink: return base
            default: return "\(start)/..\(random.pick(known))"
            }
        default: return "\(start)//./\(random.pick(below))"
        }
    }

    private func randomTCP(_ random: inout Seeded) throws -> Event {
        let hosts = [
            "127.0.0.1", "127.0.0.1", "127.3.2.1", "0.0.0.0", "10.1.2.3", "::1", "::", "::ffff:127.0.0.1",
            "::ffff:10.1.2.3", "fd00::7", "192.0.2.1",
        ]
        let address = try #require(IPAddress(random.pick(hosts)))
        let port = random.pick(RandomRules.asked)
        if random.chance(2) { return .tcp(.bind(address, port: port)) }
        return .tcp(.connect(address, port: max(1, port)))
    }

    /// Whether the rules alone decide: not where it matters what processes or the host have put there.
    private func isTelling(_ event: PathEvent, _ rules: SandboxRules, _ tree: OpenTree) -> Bool {
        let resolution = rules.view.resolve(event.path, followingLast: event.access != .remove)
        switch resolution.outcome {
        case .magicLink: return false
        case .thing(let entry): return entry.path != "/etc/ld.so.cache" || event.access == .read
        case .below(let entry):
            let rest = resolution.path.dropFirst(entry.path.count + 1)
            switch entry.thing {
            case .tmpfs: return rest == "made" || rest == "new" && event.access == .create
            case .workspace(let isWritable):
                return rest == "made" && (isWritable || event.access != .read)
                    || rest == "new" && event.access == .create
            case .boundDirectory where entry.path == "\(tree.path)/a":
                return rest == "file" || rest == "sub/inner" || rest == "sub" && event.access == .read
            case .proc: return rest == "self/comm" || rest == "self" && event.access == .read
            default: return rest == "bin" && event.access == .read
            }
        default: return true
        }
    }
}

extension HostPaths {
    /// What stands at the paths that a random image binds and masks.
    fileprivate static func found(_ rules: RandomRules, _ tree: OpenTree) -> HostPaths {
        var paths = tree.hostPaths
        for path in ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"] + rules.paths
        where paths[path] == nil {
            var status = stat()
            let isThere = unsafe lstat(path, &status) == 0
            if let target = File.target(ofLink: path) {
                paths.add(path, .symlink(target: target))
            } else {
                paths.add(path, !isThere ? .missing : status.st_mode & S_IFMT == S_IFDIR ? .directory : .file)
            }
        }
        return paths
    }
}

/// The files of a profile and its image, each set in the place of the one before.
private final class RandomData {
    private let directory: TemporaryDirectory
    private let workspace: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        workspace = try TemporaryDirectory(mode: 0o777)
        try directory.write("profiles/seccomp/open.json", RandomRules.policy)
        // What an earlier sandbox made there must not be there for the next.
        try File.write([], to: workspace("made"), mode: 0o777)
    }

    func ask(_ source: RandomRules, _ rules: SandboxRules, _ events: [Event]) throws -> [CInt] {
        try directory.write("profiles/random.yaml", source.profile.joined(separator: "\n") + "\n")
        try directory.write("images/random.yaml", source.image.joined(separator: "\n") + "\n")
        var corral = Corral(["--interactive", "--profile", "random", "--workdir", "/usr"])
        if source.hostDirectory { corral.options += ["--workspace", workspace.path] }
        corral.variables["CORRAL_DATA"] = directory.path
        let writable = rules.view.entries.filter { entry in
            switch entry.thing {
            case .tmpfs(let permissions, _): permissions.write && permissions.execute
            case .workspace(let isWritable): isWritable
            default: false
            }
        }
        return try EventProbe.ask(corral, writable: writable.map(\.path), events)
    }
}
