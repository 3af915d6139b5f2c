// How each layer shows that it is there: something that a process in the sandbox, or somebody on
// the host, can observe, and that changes when the layer is left out.

import CLinux
import Glibc
import Sandbox
import TestSupport
import Testing

/// One observation of one layer.
struct LayerProbe: Sendable, CustomTestStringConvertible {
    enum Finding: Equatable {
        case protected
        case exposed
        /// The probe itself went wrong.
        case unclear(String)
    }

    /// What a probe returns: the finding, and how the run ended that it comes from.
    struct Look {
        var finding: Finding
        var ended: Corral.Ended?
    }

    let layer: Layer
    let name: String
    /// Left out in both runs, because it would hide the difference.
    let alsoWithout: Set<Layer>
    let look: @Sendable (Corral) throws -> Look

    /// Whether this kernel has the layer at all: TCP rules came with landlock ABI 4 (Linux 6.7), scopes
    /// with 6 (6.12).
    var isPossible: Bool {
        switch layer {
        case .landlockTCP: clinux_landlock_abi() >= 4
        case .landlockScopes: clinux_landlock_abi() >= 6
        default: true
        }
    }

    var testDescription: String { "\(layer.rawValue): \(name)" }

    init(
        _ layer: Layer, _ name: String, alsoWithout: Set<Layer> = [],
        look: @escaping @Sendable (Corral) throws -> Look
    ) {
        self.layer = layer
        self.name = name
        self.alsoWithout = alsoWithout
        self.look = look
    }

    /// A Python script that ends by printing `protected` or `exposed`.
    static func script(
        _ layer: Layer, _ name: String, _ script: String, alsoWithout: Set<Layer> = [],
        options: [String] = [],
        wrapper: [String] = []
    ) -> LayerProbe {
        LayerProbe(layer, name, alsoWithout: alsoWithout) { corral in
            var corral = corral
            corral.options += ["--workdir", "/usr"] + options
            corral.wrapper = wrapper
            let ended = try corral.python(script)
            return Look(finding: finding(ended), ended: ended)
        }
    }

    /// The same with a ``Bait`` on the host.
    static func bait(
        _ layer: Layer, _ name: String, _ script: String, alsoWithout: Set<Layer> = []
    ) -> LayerProbe {
        LayerProbe(layer, name, alsoWithout: alsoWithout) { corral in
            let bait = try Bait()
            var corral = corral
            corral.options += ["--workdir", "/usr"] + bait.options
            let ended = try corral.python(script)
            return Look(finding: finding(ended), ended: ended)
        }
    }

    private static func finding(_ ended: Corral.Ended) -> Finding {
        switch ended.lines.last {
        case "protected": .protected
        case "exposed": .exposed
        default: .unclear(ended.description)
        }
    }

    /// Compares a namespace with the tests' own.
    static func namespace(_ layer: Layer, _ kind: String) -> LayerProbe {
        LayerProbe(layer, "the namespace is not the host's") { corral in
            var corral = corral
            corral.options += ["--workdir", "/usr"]
            let ended = try corral.run(["/usr/bin/readlink", "/proc/self/ns/\(kind)"])
            guard let own = File.target(ofLink: "/proc/self/ns/\(kind)"), ended.text.hasPrefix("\(kind):[")
            else {
                return Look(finding: .unclear(ended.description), ended: ended)
            }
            return Look(finding: ended.text == own ? .exposed : .protected, ended: ended)
        }
    }

    /// Starts a sandbox that waits, and looks at it from the host.
    static func outside(
        _ layer: Layer, _ name: String, options: [String] = [],
        script: String = "import time; time.sleep(60)",
        judge: @escaping @Sendable (LiveSandbox) -> Finding
    ) -> LayerProbe {
        LayerProbe(layer, name) { corral in
            let mark = Mark()
            var corral = corral
            corral.options += options + mark.option
            let running = try corral.program([Corral.python, "-ISc", script]).start()
            guard let sandbox = mark.sandbox() else {
                return Look(finding: .unclear("no sandbox: \(running.errorsSoFar)"))
            }
            let finding = judge(sandbox)
            try running.signal(SIGTERM)
            return Look(finding: finding, ended: Corral.Ended(try running.wait()))
        }
    }
}
