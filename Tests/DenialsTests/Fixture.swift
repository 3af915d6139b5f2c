// Rules to ask about, from texts and from the shipped files.

import Denials
import Linux
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
}

/// What the rules of a test are made of.
struct Fixture {
    /// Keys of a profile, over the built-in defaults and what every profile has to say.
    var profile = ""
    var image = """
        description: Small
        hostname: box
        workspace: /workspace
        binds: [{path: /usr}, {path: /bin}, {path: /etc/motd, optional: true}]
        files:
          - {path: /etc/passwd, content: "plugin"}
          - {path: /etc/open, mode: 0666, content: ""}
          - {path: /etc/closed, mode: 0600, content: ""}
          - {path: /etc/hosts, content: "127.0.0.1 localhost Box\\n10.0.0.7 far # near\\n"}
        symlinks: [{path: /var/run, target: /run}, {path: /a, target: /b}, {path: /b, target: a}]
        tmpfs:
          - {path: /tmp, size: 64KiB, files: 16, mode: 01777, executable: true}
          - {path: /run, size: 64KiB, files: 16, mode: 0755}
          - {path: /home, size: 64KiB, files: 16, mode: 01777}
          - {path: /secret, size: 64KiB, files: 16, mode: 0700}
        devices: [{name: "null", major: 1, minor: 3}, {name: tty, major: 5, minor: 0}]
        masked: [/proc/keys, /proc/acpi, /proc/none]
        """
    var policy = #"{"defaultAction": "SCMP_ACT_ALLOW"}"#
    var hostPaths: HostPaths = [
        "/usr": .directory, "/bin": .symlink(target: "usr/bin"), "/etc/motd": .file, "/proc/keys": .file,
        "/proc/acpi": .directory, "/proc/none": .missing,
    ]
    var hostDirectory = false
    var sockets: [String] = []
    var landlockABI = 7

    private static let base = """
        description: Base
        image: small
        syscalls: {policy: [base]}
        limits: {memory: 64MiB, pids: 16, cpus: 1, workspace: 1MiB, workspace_files: 100}
        require: []

        """

    func rules() throws -> SandboxRules {
        let base = try ProfileFile(Array(Fixture.base.utf8), file: "profiles/base.yaml")
        var layers = PartialProfile.builtIn.merged(with: base.layer)
        if !profile.isEmpty {
            let upper = try ProfileFile(Array(profile.utf8), file: "profiles/upper.yaml")
            layers = layers.merged(with: upper.layer)
        }
        return SandboxRules(
            profile: try Profile(layers, name: "upper", file: "profiles/upper.yaml"), layers: layers,
            image: try Image.decode(Array(image.utf8), file: "images/small.yaml"),
            imagePlaces: try KeyPlaces(Array(image.utf8), file: "images/small.yaml"),
            policy: try Policy(parts: [PolicyPart(file: "seccomp/base.json", json: Array(policy.utf8))]),
            hostPaths: hostPaths, hostDirectory: hostDirectory, sockets: sockets, landlockABI: landlockABI)
    }

    func denial(_ path: String, _ access: PathEvent.Access) throws -> Denial? {
        Evaluator.denial(of: .path(try PathEvent(path, access)), under: try rules())
    }
}

extension Denial {
    /// The errno's name, or what else there is.
    var seen: String {
        switch effect {
        case .errno(let errno): errno.name
        default: effect.description
        }
    }
}

/// The shipped profiles, and the parts of the policies that they have for some sandboxes.
enum Shipped {
    static let names = File.names(in: Repository.path("profiles")).filter { $0.hasSuffix(".yaml") }
        .map { String($0.dropLast(5)) }

    static func layers(_ name: String) throws -> PartialProfile {
        func read(_ name: String) throws -> ProfileFile {
            try ProfileFile(
                File.read(Repository.path("profiles/\(name).yaml")), file: "profiles/\(name).yaml")
        }
        return try ProfileChain(from: read(name)) { (_, reference) throws(ProfileChain.Missing) in
            do { return try read(reference.target) } catch { throw .absent("\(error)") }
        }.merged
    }

    static func parts(_ profile: Profile, relay: Bool, hostDirectory: Bool) throws -> [PolicyPart] {
        try profile.syscalls.parts(relay: relay, hostDirectory: hostDirectory).map { name in
            let file = "profiles/seccomp/\(name).json"
            return PolicyPart(file: file, json: try File.read(Repository.path(file)))
        }
    }

    static func rules(_ name: String, relay: Bool, hostDirectory: Bool) throws -> (SandboxRules, [PolicyPart])
    {
        let layers = try layers(name)
        let profile = try Profile(layers, name: name, file: "profiles/\(name).yaml")
        let parts = try parts(profile, relay: relay, hostDirectory: hostDirectory)
        let file = "images/\(profile.image).yaml"
        let image = try File.read(Repository.path(file))
        let rules = SandboxRules(
            profile: profile, layers: layers, image: try Image.decode(image, file: file),
            imagePlaces: try KeyPlaces(image, file: file), policy: try Policy(parts: parts),
            hostPaths: [:], hostDirectory: hostDirectory,
            sockets: relay ? ["/var/run/tgo/tgo.sock"] : [], landlockABI: 7)
        return (rules, parts)
    }
}
