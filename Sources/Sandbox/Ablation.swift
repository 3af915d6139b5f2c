/// A protection that is no ``Layer`` of the sandbox's, with a name of its own only so that tests can
/// leave it out.
package enum Mechanism: String, CaseIterable, Sendable {
    /// The root, /proc and everything of the host's that is not given for writing are mounted read-only.
    case readOnly = "read-only"
    /// No mount honours setuid bits or devices, but for the few devices themselves.
    case mountFlags = "nosuid-nodev"
    /// Files of /proc that tell of the whole machine are hidden.
    case masks
    /// No more output is passed on than allowed.
    case outputLimit = "output-limit"
    /// Directories of the host are opened through no link that somebody may have put there.
    case pathResolver = "path-resolver"
    /// Messages between a plugin and its host are judged.
    case relayPolicy = "relay-policy"
}

/// What a test leaves out of a sandbox, so as to show what it does. Nothing in a release build.
package struct Ablation: Hashable, Sendable, ExpressibleByArrayLiteral {
    package var layers: Set<Layer>
    #if DEBUG
        package var mechanisms: Set<Mechanism>
    #else
        package var mechanisms: Set<Mechanism> { [] }
    #endif

    package init(_ layers: Set<Layer> = [], _ mechanisms: Set<Mechanism> = []) {
        self.layers = layers
        #if DEBUG
            self.mechanisms = mechanisms
        #endif
    }

    package init(arrayLiteral layers: Layer...) { self.init(Set(layers)) }

    package var isEmpty: Bool { layers.isEmpty && mechanisms.isEmpty }
    /// The names of all of it, sorted.
    package var names: [String] { (layers.map(\.rawValue) + mechanisms.map(\.rawValue)).sorted() }

    package func contains(_ layer: Layer) -> Bool { layers.contains(layer) }
    package func contains(_ mechanism: Mechanism) -> Bool { mechanisms.contains(mechanism) }

    package mutating func insert(_ layer: Layer) { layers.insert(layer) }

    package func union(_ layers: Set<Layer>) -> Ablation { union(Ablation(layers)) }

    package func union(_ other: Ablation) -> Ablation {
        Ablation(layers.union(other.layers), mechanisms.union(other.mechanisms))
    }
}
