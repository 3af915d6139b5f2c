import Glibc
import Linux

/// One cgroup hierarchy in which groups of sandboxes are made: in the directory that is held open.
///
/// Without a group around them all: making and removing that one cost each lone run as much as
/// its own group did.
final class Hierarchy: Sendable {
    let version: CgroupVersion
    /// Those that are used here.
    let controllers: Controllers
    /// Where `top` was opened; for messages only.
    let path: String
    /// Whether the calling process has to leave `top` before controllers can be handed down
    /// (cgroup-v2, "No Internal Process Constraint").
    let mustVacate: Bool
    let top: FileDescriptor

    /// The child of a delegated cgroup that the calling process moves itself to.
    static let supervisor = "corral-supervisor"

    init(
        version: CgroupVersion, controllers: Controllers, path: String, mustVacate: Bool = false
    ) throws(CgroupError) {
        do {
            top = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        } catch {
            throw .failed(error, hierarchy: path)
        }
        self.version = version
        self.controllers = controllers
        self.path = path
        self.mustVacate = mustVacate
    }

    /// Removes the group `name`; one that is not there counts as removed.
    /// - Throws: `.busy` while there are processes in the group.
    func removeGroup(_ name: String) throws(SystemError) {
        do {
            try top.removeDirectory(name)
        } catch {
            if error.errno != .noSuchFileOrDirectory { throw error }
        }
    }

    /// Hands the controllers down to the groups.
    func enableControllers() throws(CgroupError) {
        if mustVacate { try vacate() }
        do {
            try top.writeControl("cgroup.subtree_control", controllers.enabling)
        } catch {
            throw .notEnabled(directory: path, controllers: controllers.enabling, errno: error.errno)
        }
    }

    /// Moves the calling process to a child of its own.
    func vacate() throws(CgroupError) {
        do throws(SystemError) {
            do {
                try top.makeDirectory(Self.supervisor)
            } catch {
                if error.errno != .fileExists { throw error }
            }
            try top.writeControl("\(Self.supervisor)/cgroup.procs", "0")
        } catch {
            throw .failed(error, hierarchy: path)
        }
    }

    /// Whether groups can be made here by the calling process (cgroup-v2, "Model of Delegation").
    var isDelegated: Bool {
        let directory = top.number
        let files: [String] = [".", "cgroup.procs", "cgroup.subtree_control"]
        return files.allSatisfy { file in
            unsafe faccessat(directory, file, W_OK, AT_EACCESS) == 0
        }
    }
}
