import Linux
package import Sandbox

/// The group around the groups of several sandboxes: beside others each gets of the processors and of the disks
/// what its weight says, however many sandboxes are in it.
///
/// It limits nothing by itself. Dropping the value removes nothing; call ``remove()``.
package struct ParentGroup: Sendable {
    /// Of the directory, below the top of each hierarchy.
    package let name: String
    let hierarchies: [Hierarchy]
    /// Why there is no weight of processors, where no hierarchy has the controller.
    private let lack: String?

    /// What a group has that nobody has given another (cgroup-v2, `cpu.weight`).
    package static let usualWeight: UInt32 = 100
    /// As `cpu.weight` takes it.
    package static let weights: ClosedRange<UInt32> = 1...10_000

    /// Makes the group, or takes one of that name that is there: the caller holds the slot in its name, so nobody
    /// else has it. Where it may not be made there is none, and the groups inside have no place there either.
    /// - Parameter name: as ``GroupName`` makes it of ``GroupName/parentMark``.
    /// - Throws: where a hierarchy refuses for another reason than its permissions; nothing is left of it then.
    package static func create(
        in layout: CgroupLayout, name: String
    ) throws(CgroupError) -> ParentGroup {
        try SandboxGroup.check(name)
        var made: [Hierarchy] = []
        do throws(CgroupError) {
            for hierarchy in layout.hierarchies where try make(hierarchy, name) { made.append(hierarchy) }
        } catch {
            for hierarchy in made.reversed() { try? hierarchy.removeGroup(name) }
            throw error
        }
        return ParentGroup(name: name, hierarchies: made, lack: layout.missing[.cpu])
    }

    private static func make(_ hierarchy: Hierarchy, _ name: String) throws(CgroupError) -> Bool {
        do {
            try hierarchy.top.makeDirectory(name)
        } catch {
            switch error.errno {
            case .fileExists: break
            case .accessDenied, .notPermitted, .readOnlyFileSystem: return false
            default: throw .failed(error, hierarchy: hierarchy.path)
            }
        }
        guard hierarchy.version == .v2, !hierarchy.controllers.isEmpty else { return true }
        do throws(CgroupError) {
            try handDown(hierarchy, name)
            return true
        } catch {
            try? hierarchy.removeGroup(name)
            throw error
        }
    }

    /// On v2 a group limits only what its parent hands down, and the parent only what the top does.
    private static func handDown(_ hierarchy: Hierarchy, _ name: String) throws(CgroupError) {
        let file = "\(name)/cgroup.subtree_control"
        let enabling = hierarchy.controllers.enabling
        // The top does once something was made there before.
        if (try? hierarchy.top.writeControl(file, enabling)) != nil { return }
        try hierarchy.enableControllers()
        do {
            try hierarchy.top.writeControl(file, enabling)
        } catch {
            throw .notEnabled(
                directory: "\(hierarchy.path)/\(name)", controllers: enabling, errno: error.errno)
        }
    }

    /// Removes it in every hierarchy.
    /// - Throws: `.remains` while there are groups or processes in it.
    package func remove() throws(CgroupError) {
        var remaining: [String] = []
        var reason = Errno.busy
        for hierarchy in hierarchies.reversed() {
            do {
                try hierarchy.removeGroup(name)
            } catch {
                remaining.append("\(hierarchy.path)/\(name)")
                reason = error.errno
            }
        }
        if !remaining.isEmpty { throw .remains(remaining, errno: reason) }
    }
}

/// What of a weight is in force.
package struct WeightLayers: Hashable, Sendable {
    package var cpu: LayerState
    package var io: LayerState
}

// MARK: Weights

extension ParentGroup {
    /// Has the group weigh that much beside others.
    /// - Parameter weight: within ``weights``.
    /// - Returns: what the kernel has of it then.
    @discardableResult
    package func setWeight(_ weight: UInt32) -> WeightLayers {
        for hierarchy in hierarchies {
            if hierarchy.controllers.contains(.cpu) {
                // What cannot be written is told of by the look at what there is.
                let (file, value) = Self.cpuFile(weight, hierarchy.version)
                try? hierarchy.top.writeControl("\(name)/\(file)", value)
            }
            if hierarchy.version == .v2 { setIO(weight, hierarchy) }
        }
        return look(weight)
    }

    /// What the kernel has of a weight: read, not remembered.
    package func look(_ weight: UInt32) -> WeightLayers {
        var cpu = LayerState.off(lack ?? "no cgroup hierarchy has the controller cpu")
        var io = LayerState.off("no cgroup v2 has the controller io")
        for hierarchy in hierarchies {
            if hierarchy.controllers.contains(.cpu) {
                let (file, value) = Self.cpuFile(weight, hierarchy.version)
                cpu = state(of: file, value, hierarchy)
            }
            if hierarchy.version == .v2, has("io.weight", hierarchy) {
                io = state(of: "io.weight", "default \(weight)", hierarchy)
            }
        }
        return WeightLayers(cpu: cpu, io: io)
    }

    /// The same share as a `cpu.weight` of v2 has: there 100 is usual, here 1024 (sched-design-CFS, `cpu.shares`).
    private static func cpuFile(_ weight: UInt32, _ version: CgroupVersion) -> (String, String) {
        switch version {
        case .v1: ("cpu.shares", "\(max(2, UInt64(weight) * 1024 / 100))")
        case .v2: ("cpu.weight", "\(weight)")
        }
    }

    /// The file is there where the top hands io down, which nobody else may have asked of it.
    private func setIO(_ weight: UInt32, _ hierarchy: Hierarchy) {
        if (try? hierarchy.top.writeControl("\(name)/io.weight", "default \(weight)")) != nil { return }
        guard (try? hierarchy.top.writeControl("cgroup.subtree_control", "+io")) != nil else { return }
        try? hierarchy.top.writeControl("\(name)/io.weight", "default \(weight)")
    }

    private func has(_ file: String, _ hierarchy: Hierarchy) -> Bool {
        (try? hierarchy.top.readControl("\(name)/\(file)")) != nil
    }

    private func state(of file: String, _ expected: String, _ hierarchy: Hierarchy) -> LayerState {
        do throws(SystemError) {
            let held = try hierarchy.top.readControl("\(name)/\(file)")[...].firstLine
            return held == expected ? .inForce : .off("\(file) is \(held) instead of \(expected)")
        } catch {
            return .off("\(file) cannot be read: \(error.errno)")
        }
    }
}
