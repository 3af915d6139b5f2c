import CLinux
import InitPlan
package import Sandbox

/// What a launch will do: computed from values alone, so that it can be printed and tested without
/// doing any of it.
package struct LaunchPlan: Sendable {
    /// Steps with their descriptions, which errors and `--plan` show.
    package struct Steps: Sendable {
        package fileprivate(set) var bytes: [UInt8] = []
        package fileprivate(set) var descriptions: [String] = []
    }

    /// The init's plan.
    package var initial: Steps
    /// Every layer and whether it will hold.
    package var layers: [Layer: LayerState]
    /// Whether the workspace goes to the init as a descriptor, behind the root.
    package var handsOverWorkspace: Bool
    /// Whether that workspace is mounted read-only.
    package var workspaceIsReadOnly: Bool
    /// Whether the host's directories and files that the caller adds go there, too, behind both.
    package var handsOverMounts: Bool
    /// Where those go.
    package var placements: MountPlacements
    /// What a test leaves out.
    package var without: Ablation

    /// CLINUX_NEW* flags for the clone. Not CLONE_NEWCGROUP: made at the clone, it would be rooted
    /// above the sandbox's v1 groups; the init unshares it last.
    package static func namespaces(without: Set<Layer>) -> UInt64 {
        let flags: [(Layer, Int32)] = [
            (.userNamespace, CLINUX_NEWUSER), (.mountNamespace, CLINUX_NEWNS), (.pidNamespace, CLINUX_NEWPID),
            (.netNamespace, CLINUX_NEWNET), (.ipcNamespace, CLINUX_NEWIPC), (.utsNamespace, CLINUX_NEWUTS),
        ]
        return flags.reduce(0) { without.contains($1.0) ? $0 : $0 | UInt64($1.1) }
    }

    /// Whether a network namespace that was made before will do. It belongs to the launcher's user namespace:
    /// a sandbox without one of its own could configure it.
    package static func takesReadyNetwork(without: Set<Layer>) -> Bool {
        !without.contains(.netNamespace) && !without.contains(.userNamespace)
    }
}

/// Writes steps and describes them.
struct StepList {
    private var writer = PlanWriter.plan()
    private(set) var descriptions: [String] = []

    mutating func add(
        _ operation: PlanOperation, _ description: String, _ fill: (inout PlanWriter) -> Void = { _ in }
    ) {
        writer.step(operation, fill)
        descriptions.append(description)
    }

    consuming func finished() -> LaunchPlan.Steps {
        let descriptions = descriptions
        return LaunchPlan.Steps(bytes: writer.finished(), descriptions: descriptions)
    }
}
