import CLinux
import Glibc
package import Linux

extension FileDescriptor {
    /// Removes `name` in this directory with everything below it, by descriptor: no link is followed,
    /// and a directory that something is mounted on is refused (EBUSY), not entered.
    ///
    /// Takes a bounded number of descriptors and as much memory, however many names there are and
    /// however deep. Somebody who adds names all the while has it fail with EBUSY, not go on for ever.
    package borrowing func removeTree(_ name: String) throws(SystemError) {
        var removal = TreeRemoval()
        try removal.remove(name, from: self)
    }

    /// Removes at most `names` names of a tree, which may have one that is not UTF-8. Done again, it goes on.
    /// - Parameters:
    ///   - names: how many may be removed; less what was removed when this returns or throws.
    ///   - isLifting: also what is protected from being removed, see ``liftProtection()``: for what is the caller's
    ///     to remove, whoever has put something into it.
    /// - Throws: `.wouldBlock` when that was not enough; else as ``removeTree(_:)``.
    package borrowing func removeTree(
        _ entry: DirectoryEntry, names: inout UInt64, isLifting: Bool = false
    ) throws(SystemError) {
        var removal = TreeRemoval()
        removal.left = names
        removal.isLifting = isLifting
        defer { names = removal.left }
        let name = if let odd = entry.oddName { try rename(odd) } else { entry.name }
        try removal.remove(name, from: self)
    }
}

private struct TreeRemoval: ~Copyable {
    /// Each level that is inside another holds a descriptor, of which a process has some hundreds; a
    /// hostile tree may be deeper than that.
    private static let levels = 100
    /// How often to begin anew with a directory that is not empty, or no directory, when it should be; of all
    /// together, because somebody may do it at each of the levels.
    private static let attempts = 256
    /// How often directories may be moved up: 100 levels each time, and PATH_MAX does not bound their depth.
    private static let moves: UInt64 = 1 << 24

    /// How many names may still be removed.
    var left = UInt64.max
    var isLifting = false
    private var moved: UInt64 = 0
    private var attempts = 0
    /// The directory that the removal began with, once it is entered. What is too deep is moved to it, so
    /// that nothing is left beside it when the removal fails.
    private var top: Held<FileDescriptor>?
    private var buffer = [UInt8](repeating: 0, count: 8192)

    mutating func remove(
        _ name: String, from parent: borrowing FileDescriptor, depth: Int = 0
    ) throws(SystemError) {
        if left == 0 { throw SystemError("unlinkat", name, .wouldBlock) }
        left -= 1
        var failure = SystemError("unlinkat", name, .busy)
        var lifted: LiftedProtection?
        // Of a file that has other names, which may be outside of what is removed.
        defer { lifted?.giveBack() }
        while attempts < Self.attempts {
            do throws(SystemError) {
                return try parent.removeFile(name)
            } catch {
                // Of a directory as well, before it is entered: what is in it could not be removed either.
                if error.errno == .notPermitted, isLifting, lifted == nil {
                    lifted = parent.liftProtection(of: name)
                    if lifted != nil { continue }
                }
                switch error.errno {
                case .noSuchFileOrDirectory: return
                // EPERM is what POSIX has unlink(2) say of a directory, EISDIR what Linux does.
                case .isDirectory, .notPermitted: failure = error
                default: throw error
                }
            }
            let movedBefore = moved
            do throws(SystemError) {
                let directory = Held(try parent.openToEmpty(name))
                if depth == Self.levels { return try moveUp(name, from: parent) }
                if depth == 0 { top = directory }
                try empty(directory.value, depth: depth)
                return try parent.removeDirectory(name)
            } catch {
                switch error.errno {
                case .noSuchFileOrDirectory: return
                // Something else by now than it was a moment ago.
                case .notDirectory, .tooManyLinks: break
                // Names that came meanwhile: of somebody else, or directories that were too deep.
                case .notEmpty: failure = SystemError("unlinkat", name, .busy)
                default: throw error
                }
            }
            if moved == movedBefore { attempts += 1 }
        }
        throw failure
    }

    private mutating func empty(_ directory: borrowing FileDescriptor, depth: Int) throws(SystemError) {
        var entries: [DirectoryEntry] = []
        // Position and not a list of all names: there may be millions.
        while try directory.visitEntries(&buffer, { entries.append(DirectoryEntry($0, kind: $1)) }) {
            for entry in entries {
                var name = entry.name
                if let odd = entry.oddName { name = try directory.rename(odd) }
                try remove(name, from: directory, depth: depth + 1)
            }
            entries.removeAll(keepingCapacity: true)
        }
    }

    private mutating func moveUp(_ name: String, from parent: borrowing FileDescriptor) throws(SystemError) {
        guard let top, moved < Self.moves else { throw SystemError("renameat", name, .busy) }
        moved += 1
        let (from, to) = (parent.number, top.value.number)
        let spare = ".removed-\(moved)-\(UInt64.random(in: 0...UInt64.max))"
        _ = try call("renameat", on: name) { unsafe renameat(from, name, to, spare) }
    }
}

extension FileDescriptor {
    /// Gives an entry whose name is not UTF-8 one that is, and returns it.
    fileprivate borrowing func rename(_ name: [UInt8]) throws(SystemError) -> String {
        let number = number
        let spare = ".removed-\(UInt64.random(in: 0...UInt64.max))"
        let bytes = name.map { CChar(bitPattern: $0) } + [0]
        do throws(SystemError) {
            _ = try call("renameat", on: spare) { unsafe renameat(number, bytes, number, spare) }
        } catch {
            // Gone already; so is the spare name, then.
            if error.errno != .noSuchFileOrDirectory { throw error }
        }
        return spare
    }

    /// Opens a directory so that names in it can be read and removed. Its owner may do that whatever the
    /// mode was: a directory of mode 0 must not stay for ever.
    fileprivate borrowing func openToEmpty(_ name: String) throws(SystemError) -> FileDescriptor {
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try openOnSameMount(name, O_RDONLY)
        } catch {
            guard error.errno == .accessDenied else { throw error }
            // Not by its name, which could be a link's by now: fchmodat(2) would change what that leads to.
            let reference = try openOnSameMount(name, CLINUX_O_PATH)
            let place = "/proc/self/fd/\(reference.number)"
            _ = try call("fchmodat", on: name) { unsafe fchmodat(AT_FDCWD, place, 0o700, 0) }
            return try FileDescriptor.open(place, O_RDONLY | O_DIRECTORY)
        }
        if try directory.status().mode & 0o700 != 0o700 {
            let number = directory.number
            // Refused to whom it does not belong; the removal then says so.
            _ = try? call("fchmod", on: name) { fchmod(number, 0o700) }
        }
        return directory
    }

    /// - Throws: `.busy` where something else is mounted there.
    private borrowing func openOnSameMount(_ name: String, _ access: CInt) throws(SystemError)
        -> FileDescriptor
    {
        let flags = access | O_DIRECTORY | O_NOFOLLOW
        do throws(SystemError) {
            return try open(name, flags, resolve: [.beneath, .noCrossing])
        } catch {
            if error.errno == .crossesDevice { throw SystemError("openat2", name, .busy) }
            guard error.errno == .noSystemCall else { throw error }
            // A sandbox with a directory of the host has no openat2(2); nor can it mount anything.
            let directory = try open(name, flags)
            guard try directory.status().device == status().device else {
                throw SystemError("openat", name, .busy)
            }
            return directory
        }
    }
}
