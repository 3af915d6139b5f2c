import Sandbox

/// A file that rules were made from.
struct RulesSource: Hashable, Sendable {
    /// How it was found: the same words may lead to another file once there is one before it.
    enum Lookup: Hashable, Sendable {
        /// - Parameter behind: as ``ProfileSource/behind`` has it.
        case profile(String, behind: ProfileDirectory.Owner?)
        case image(String)
        case part(String)
    }
    let lookup: Lookup
    /// What errors call the file.
    let called: String
    let bytes: [UInt8]
}

extension ProfileSource {
    var lookup: RulesSource.Lookup { .profile(reference, behind: behind) }
    var asSource: RulesSource { RulesSource(lookup: lookup, called: called, bytes: bytes) }
}

extension RulesSource.Lookup {
    func store(in writer: inout StoredWriter) {
        switch self {
        case .profile(let reference, let behind):
            writer.byte(
                UInt8(
                    behind.flatMap { ProfileDirectory.Owner.allCases.firstIndex(of: $0) }.map { $0 + 3 } ?? 0)
            )
            writer.text(reference)
        case .image(let name):
            writer.byte(1)
            writer.text(name)
        case .part(let name):
            writer.byte(2)
            writer.text(name)
        }
    }

    init(from reader: inout StoredReader) throws(StoredProblem) {
        let kind = Int(try reader.byte())
        let name = try reader.text()
        switch kind {
        case 0: self = .profile(name, behind: nil)
        case 1: self = .image(name)
        case 2: self = .part(name)
        default:
            let owners = ProfileDirectory.Owner.allCases
            guard owners.indices.contains(kind - 3) else { throw StoredProblem() }
            self = .profile(name, behind: owners[kind - 3])
        }
    }
}

/// What of a run decides which files make its rules: the parts of the seccomp policy, the image. The
/// rules of each variant are stored in a file of their own, so that a run reads just one.
package struct RulesVariant: Hashable, Sendable {
    package var relay = false
    package var hostDirectory = false
    package var terminal = false
    /// The image in place of the profile's.
    package var image: String?

    package init(
        relay: Bool = false, hostDirectory: Bool = false, terminal: Bool = false, image: String? = nil
    ) {
        self.relay = relay
        self.hostDirectory = hostDirectory
        self.terminal = terminal
        self.image = image
    }

    /// Those that `make install` prepares.
    package static let all = [false, true].flatMap { relay in
        [false, true].map { RulesVariant(relay: relay, hostDirectory: $0) }
    }

    /// The parts of the seccomp policy.
    func parts(of profile: Profile) -> [String] {
        profile.syscalls.parts(relay: relay, hostDirectory: hostDirectory, terminal: terminal)
    }

    /// Behind the profile's name in the name of its stored rules.
    var suffix: String {
        (relay ? "+relay" : "") + (hostDirectory ? "+directory" : "") + (terminal ? "+terminal" : "")
            + (image.map { "+image=\($0)" } ?? "")
    }
}
