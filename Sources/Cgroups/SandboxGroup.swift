import Glibc
import Linux
package import Sandbox

/// The cgroup of one sandbox: a group of the same name in every hierarchy that is used.
///
/// Holds descriptors only; dropping it removes nothing, so that a sandbox can outlive the value
/// that watched it. Call ``remove(within:)`` when the sandbox is gone.
package struct SandboxGroup: ~Copyable, Sendable {
    package let name: String
    /// The directory below the top of each hierarchy: the name, behind that of the group around it if there is one.
    let place: String
    /// The state of `memory`, `swap`, `pids` and `cpu`; before ``setLimits(_:)`` only of those that
    /// are off.
    package private(set) var layers: [Layer: LayerState]
    /// Those that have the group, v2 first.
    let hierarchies: [Hierarchy]
    private var processes: [ProcessesFile]
    private var directory: FileDescriptor?

    /// Makes the group `name` with `limits`, and hands the controllers down on v2. Removes it again
    /// when it fails.
    ///
    /// A hierarchy that we may not write to is left out and its layers are `off`, with the reason.
    /// - Parameter name: as ``GroupName`` makes it.
    /// - Throws: ``CgroupError/taken(name:hierarchy:)``; `.notEnabled`, with the cure, when the top
    ///   may not hand controllers down on v2; `.limitRefused` for a limit outside of what the kernel
    ///   takes.
    package static func create(
        in layout: CgroupLayout, name: String, limits: Limits
    ) throws(CgroupError) -> SandboxGroup {
        var group = try create(in: layout, name: name)
        do throws(CgroupError) {
            try group.setLimits(limits)
        } catch {
            // The first error is the one to tell; what stays is swept by a later run.
            try? group.remove(within: 0)
            throw error
        }
        return group
    }

    /// The same without limits, for a caller who starts to fill the group before it knows them; it
    /// must call ``setLimits(_:)`` before anything runs there that it does not trust.
    /// - Parameter parent: the group that it is made in; nil for the top of each hierarchy.
    package static func create(
        in layout: CgroupLayout, name: String, below parent: ParentGroup? = nil
    ) throws(CgroupError) -> SandboxGroup {
        try check(name)
        let place = parent.map { "\($0.name)/\(name)" } ?? name
        var parts = Parts(layers: layout.missing.mapValues { .off($0) })
        do throws(CgroupError) {
            for hierarchy in layout.hierarchies {
                if let parent, !parent.hierarchies.contains(where: { $0 === hierarchy }) {
                    parts.leaveOut(hierarchy, .accessDenied)
                } else {
                    try parts.add(hierarchy, place)
                }
            }
        } catch {
            for hierarchy in parts.hierarchies.reversed() { try? hierarchy.removeGroup(place) }
            throw error
        }
        return SandboxGroup(
            name: name, place: place, layers: parts.layers, hierarchies: parts.hierarchies,
            processes: parts.processes, directory: parts.directory.take())
    }

    /// Writes the limits in every hierarchy; ``layers`` says what holds then.
    package mutating func setLimits(_ limits: Limits) throws(CgroupError) {
        for hierarchy in hierarchies {
            var writer = LimitWriter(hierarchy, place: place)
            try writer.write(limits)
            layers.merge(writer.layers) { _, new in new }
        }
    }

    /// The group's v2 directory for CLONE_INTO_CGROUP (clone(2)); -1 where there is no v2.
    /// Borrowed: valid until ``closeFiles()`` or the end of this value.
    package var cloneDirectory: CInt {
        switch directory {
        case .some(let directory): directory.number
        case .none: -1
        }
    }

    /// The group's v1 `tasks` files, one for each hierarchy: a process of one thread joins by writing
    /// `0` to each. Borrowed: valid until ``closeFiles()`` or the end of this value.
    package var processFiles: [CInt] { processes.map { $0.file.number } }

    /// Closes what ``cloneDirectory`` and ``processFiles`` lend, which nobody needs once the sandbox runs.
    package mutating func closeFiles() {
        processes = []
        directory = nil
    }

    static func check(_ name: String) throws(CgroupError) {
        let forbidden = [0, UInt8(ascii: "/"), UInt8(ascii: "\n")]
        let isFit = (1...255).contains(name.utf8.count) && !name.utf8.contains { forbidden.contains($0) }
        if !isFit || name == "." || name == ".." { throw .badName(name) }
    }
}

/// An open `tasks`, in an object because arrays do not take owned descriptors.
private final class ProcessesFile: Sendable {
    let file: FileDescriptor
    init(_ file: consuming FileDescriptor) { self.file = file }
}

/// A group under construction.
private struct Parts: ~Copyable {
    var layers: [Layer: LayerState]
    var hierarchies: [Hierarchy] = []
    var processes: [ProcessesFile] = []
    var directory: FileDescriptor?

    init(layers: [Layer: LayerState]) { self.layers = layers }

    mutating func leaveOut(_ hierarchy: Hierarchy, _ errno: Errno) {
        for layer in hierarchy.controllers.layers {
            layers[layer] = .off("no group can be made in \(hierarchy.path): \(errno)")
        }
    }

    mutating func add(_ hierarchy: Hierarchy, _ place: String) throws(CgroupError) {
        guard try make(hierarchy, place) else { return }
        hierarchies.append(hierarchy)
        do {
            switch hierarchy.version {
            case .v1:
                processes.append(ProcessesFile(try hierarchy.top.open("\(place)/tasks", O_WRONLY)))
            case .v2: directory = try hierarchy.top.open(place, O_RDONLY | O_DIRECTORY)
            }
        } catch {
            throw .failed(error, hierarchy: hierarchy.path)
        }
    }

    private mutating func make(_ hierarchy: Hierarchy, _ place: String) throws(CgroupError) -> Bool {
        do {
            try hierarchy.top.makeDirectory(place)
            return true
        } catch {
            switch error.errno {
            case .fileExists: throw .taken(name: place, hierarchy: hierarchy.path)
            case .accessDenied, .notPermitted, .readOnlyFileSystem:
                leaveOut(hierarchy, error.errno)
                return false
            default: throw .failed(error, hierarchy: hierarchy.path)
            }
        }
    }
}
