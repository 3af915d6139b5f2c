import Glibc
package import Linux

extension FileDescriptor {
    /// Removes `name` in this directory with everything below it, by descriptor: no link is followed,
    /// and a directory that something is mounted on is refused (EBUSY), not entered.
    package borrowing func removeTree(_ name: String) throws(SystemError) {
        var left = [name]
        var moved = 0
        while let next = left.popLast() {
            try remove(next, depth: 0) { (parent, deep) throws(SystemError) in
                moved += 1
                let spare = ".removed-\(moved)-\(UInt64.random(in: 0...UInt64.max))"
                try rename(deep, from: parent, to: spare)
                left.append(spare)
            }
        }
    }

    /// Each level that is inside another holds a descriptor, of which a process has some hundreds; a
    /// hostile tree may be deeper than that.
    private static var levels: Int { 100 }

    /// - Parameter moving: takes a directory that is too deep to be entered to a place of its own.
    private borrowing func remove(
        _ name: String, depth: Int,
        moving: (borrowing FileDescriptor, String) throws(SystemError) -> Void
    ) throws(SystemError) {
        do throws(SystemError) {
            return try removeFile(name)
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: return
            // EPERM is what POSIX has unlink(2) say of a directory, EISDIR what Linux does.
            case .isDirectory, .notPermitted: break
            default: throw error
            }
        }
        let directory = try openToEmpty(name)
        if depth == Self.levels { return try moving(self, name) }
        for entry in try directory.entries() {
            var name = entry.name
            if let odd = entry.oddName { name = try directory.rename(odd) }
            try directory.remove(name, depth: depth + 1, moving: moving)
        }
        try removeDirectory(name)
    }

    /// Gives an entry whose name is not UTF-8 one that is, and returns it.
    private borrowing func rename(_ name: [UInt8]) throws(SystemError) -> String {
        let number = number
        let spare = ".removed-\(UInt64.random(in: 0...UInt64.max))"
        let bytes = name.map { CChar(bitPattern: $0) } + [0]
        _ = try call("renameat", on: spare) { unsafe renameat(number, bytes, number, spare) }
        return spare
    }

    private borrowing func rename(
        _ name: String, from parent: borrowing FileDescriptor, to spare: String
    ) throws(SystemError) {
        let (from, to) = (parent.number, number)
        _ = try call("renameat", on: name) { unsafe renameat(from, name, to, spare) }
    }

    private borrowing func openToEmpty(_ name: String) throws(SystemError) -> FileDescriptor {
        do throws(SystemError) {
            return try openOnSameMount(name)
        } catch {
            guard error.errno == .accessDenied else { throw error }
            // A directory of mode 0 must not stay for ever; its owner may change it.
            let number = number
            _ = try call("fchmodat", on: name) { unsafe fchmodat(number, name, 0o700, 0) }
            return try openOnSameMount(name)
        }
    }

    /// - Throws: `.busy` where something else is mounted there.
    private borrowing func openOnSameMount(_ name: String) throws(SystemError) -> FileDescriptor {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        do throws(SystemError) {
            return try open(name, flags, resolve: [.beneath, .noCrossing])
        } catch {
            if error.errno.rawValue == EXDEV { throw SystemError("openat2", name, .busy) }
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
