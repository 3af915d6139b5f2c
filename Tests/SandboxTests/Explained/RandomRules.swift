// Random images and profiles, and the events to ask about under them.

import Denials
import Sandbox
import Seccomp
import TestSupport

/// Reproducible random numbers (xorshift64), so that a failure comes back.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: elements.indices, using: &self)]
    }

    mutating func chance(_ of: Int) -> Bool { Int.random(in: 0..<of, using: &self) == 0 }
}

/// What a random image shows of the host: a tree whose modes let everybody do everything, so that
/// nothing but the rules refuses.
final class OpenTree {
    let directory: TemporaryDirectory
    /// `a/` with a file and a directory in it, the file `b`, the link `link` to `a`.
    var path: String { directory.path }

    init() throws {
        directory = try TemporaryDirectory(mode: 0o777)
        for name in ["a/file", "a/sub/inner", "b"] { try directory.write(name, "", mode: 0o777) }
        let script = "cd \(path) && chmod 777 a a/sub && ln -s a link"
        let made = try Program.run(["sh", "-c", script])
        if made.status != 0 { throw Unmade(description: made.errors) }
    }

    var hostPaths: HostPaths {
        [
            "\(path)/a": .directory, "\(path)/b": .file, "\(path)/link": .symlink(target: "a"),
            "\(path)/none": .missing,
        ]
    }

    struct Unmade: Error { let description: String }
}

/// An image and a profile in the form of their files.
struct RandomRules {
    private(set) var image: [String] = []
    private(set) var profile: [String] = []
    private(set) var hostDirectory = false
    private(set) var workspace = "/workspace"
    /// Paths that the image says something about.
    private(set) var paths: [String] = []

    init(_ random: inout Seeded, _ tree: OpenTree) {
        workspace = random.pick(["/workspace", "/w", "/srv/deep/work"])
        image = ["description: Random", "hostname: box", "workspace: \(workspace)", "binds:"]
        // What Python needs.
        for path in ["/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache"] {
            image.append("  - {path: \(path), optional: true}")
        }
        for name in ["a", "b", "link", "none"] where random.chance(2) {
            add("  - {path: \(tree.path)/\(name), optional: true}", "\(tree.path)/\(name)")
        }
        let places = ["/f", "/d/f", "/d/e/f", "/etc/x", "/opt/one"]
        section("files", &random, places) { path, random in
            let mode = random.pick(["0644", "0600", "0755", "0666", "0777", "0111", "0000", "0602"])
            return "  - {path: \(path), mode: \(mode), content: \"\(random.pick(["", "text"]))\"}"
        }
        let mounts = ["/t", "/m/t", "/m/n", "/dev/shm", "/run"]
        section("tmpfs", &random, mounts) { path, random in
            let mode = random.pick(["01777", "0777", "0755", "0700", "0733", "0744", "0711", "01755", "0000"])
            return
                "  - {path: \(path), size: 64KiB, files: 32, mode: \(mode), executable: \(random.chance(2))}"
        }
        let targets =
            places + mounts + [
                "/usr/bin", "\(tree.path)/a", "\(tree.path)/link", "/nowhere", "/nowhere/else", "l1", "../d",
                "../..",
                "/l1", "/l2", "/l3/x", "/proc/self", "/dev/null", workspace, "\(workspace)/made", "/t/made",
                "/t/new",
                "/m",
            ]
        section("symlinks", &random, ["/l1", "/l2", "/l3", "/d/l", "/m/l"]) { path, random in
            let climbs = path.split(separator: "/").count - 1
            var target = random.pick(targets)
            while target == path || target.hasPrefix("../..") && climbs < 2
                || target.hasPrefix("..") && climbs < 1
            {
                target = random.pick(targets)
            }
            return target == "../.."
                ? "  - {path: \(path), target: ../l1}" : "  - {path: \(path), target: \(target)}"
        }
        image.append("devices:")
        let devices = [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("urandom", 1, 9), ("tty", 5, 0)]
        for (name, major, minor) in devices where name == "null" || random.chance(2) {
            add("  - {name: \"\(name)\", major: \(major), minor: \(minor)}", "/dev/\(name)")
        }
        let masks = ["/proc/kcore", "/proc/keys", "/proc/acpi", "/proc/scsi", "/proc/nosuch", "/proc/swaps"]
        section("masked", &random, masks) { path, _ in "  - \(path)" }
        hostDirectory = random.chance(3)
        profile = [
            "description: Random", "image: random", "syscalls: {policy: [open]}",
            "limits: {memory: 256MiB, pids: 32, cpus: 1, workspace: 1MiB, workspace_files: 64}",
            "require: []",
            "filesystem: {workspace: \(random.pick(["writable", "writable", "read_only"]))}",
            "landlock: {tcp: {bind: \(RandomRules.ports(&random)), connect: \(RandomRules.ports(&random))}}",
        ]
    }

    /// Ports that events ask about, 443 and 80 among them for what takes a privilege.
    static let asked: [UInt16] = [0, 80, 443, 1023, 1024, 8080, 8081, 65_535]

    private static func ports(_ random: inout Seeded) -> String {
        if random.chance(4) { return random.pick(["none", "any"]) }
        let ports = asked.dropFirst().filter { _ in random.chance(2) }
        return ports.isEmpty ? "none" : "[\(ports.map(String.init).joined(separator: ", "))]"
    }

    private mutating func add(_ line: String, _ path: String) {
        image.append(line)
        paths.append(path)
    }

    private mutating func section(
        _ key: String, _ random: inout Seeded, _ candidates: [String],
        _ line: (String, inout Seeded) -> String
    ) {
        let chosen = candidates.filter { _ in random.chance(2) }
        guard !chosen.isEmpty else { return }
        image.append("\(key):")
        for path in chosen { add(line(path, &random), path) }
    }

    /// A policy that refuses nothing that events need.
    static let policy = """
        {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_ERRNO"}]}
        """

    /// The rules as the evaluator takes them, decoded from the very texts that the sandbox gets.
    func rules(hostPaths: HostPaths, landlockABI: Int) throws -> SandboxRules {
        let imageText = Array((image.joined(separator: "\n") + "\n").utf8)
        let file = try ProfileFile(Array(profile.joined(separator: "\n").utf8), file: "profiles/random.yaml")
        let layers = PartialProfile.builtIn.merged(with: file.layer)
        return SandboxRules(
            profile: try Profile(layers, name: "random", file: "profiles/random.yaml"), layers: layers,
            image: try Image.decode(imageText, file: "images/random.yaml"),
            imagePlaces: try KeyPlaces(imageText, file: "images/random.yaml"),
            policy: try Policy(parts: [PolicyPart(file: "open.json", json: Array(RandomRules.policy.utf8))]),
            hostPaths: hostPaths, hostDirectory: hostDirectory, sockets: [], landlockABI: landlockABI)
    }
}
