// Directories of a host's volume that are handed out: each is a subvolume with a limit of its own.

import CLinux
import Glibc
package import Linux
import Trees

/// A directory that was handed out, open.
package struct HandedDirectory: ~Copyable {
    /// Its top, open for reading.
    package let directory: FileDescriptor
    /// The number of its subvolume, which no other one of the volume ever had.
    package let number: UInt64

    package consuming func takeDirectory() -> FileDescriptor { directory }
}

extension HostVolume {
    private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW

    /// The directory `rest`, made where it is not there, with those above it; its owner and permissions are those of
    /// the directory that it is in. One that is there and empty becomes one with a limit, with its owner.
    /// - Parameters:
    ///   - rest: below the volume, in the form that `checkPath` wants, without the slash in front.
    ///   - bytes: nil for the limit that it has.
    ///   - usual: the limit where it has none and nobody asks for one, in bytes.
    ///   - isUsed: whether somebody has the subvolume of that number.
    /// - Throws: ``VolumeError/notToHandOut(_:_:)``, ``VolumeError/badLimit(_:_:expected:)``,
    ///   ``VolumeError/limitInUse(_:_:)``.
    package func hand(
        out rest: String, bytes: UInt64?, usual: UInt64, isUsed: (UInt64) -> Bool
    ) throws(VolumeError) -> HandedDirectory {
        try VolumeLimits(bytes: bytes).check(capacity: self.bytes)
        let names = rest.split(separator: "/").map(String.init)
        guard let name = names.last else {
            throw .notToHandOut(
                path,
                "is a volume, whose limit is its size; name a directory below it, which gets one of its own")
        }
        let parent = try parent(Array(names.dropLast()))
        let whole = "\(path)/\(rest)"
        let limit = min(bytes ?? usual, self.bytes)
        let existing = try doing("to look at \(whole)") { () throws(SystemError) in
            try parent.status(of: name)
        }
        switch existing?.kind {
        case .none:
            let owner = try owner(ofNewIn: parent, whole)
            try make(name, in: parent, whole, limit, owner)
        case .directory where existing?.device == place.device:
            try convert(name, in: parent, whole, limit)
        case .directory: break
        case .some: throw .notToHandOut(whole, "is no directory")
        }
        let handed = try open(name, in: parent, whole)
        try keep(handed.number, whole, asked: bytes, otherwise: limit, isUsed)
        return handed
    }

    /// The most bytes of a directory that was handed out, and what it holds.
    package func amounts(of number: UInt64) throws(VolumeError) -> (limit: UInt64?, used: UInt64?) {
        let group = Qgroup(subvolume: number)
        return try doing("to read the limit of a directory of \(path)") { () throws(SystemError) in
            (try quota.limit(of: group), try quota.used(by: group))
        }
    }

    // MARK: Steps

    /// Over no link and not out of the volume; directories in between are plain ones.
    private func parent(_ names: [String]) throws(VolumeError) -> FileDescriptor {
        var whole = path
        var current = try doing("to open \(path)") { () throws(SystemError) in
            try root.open(".", Self.flags)
        }
        for name in names {
            whole += "/\(name)"
            let above = current
            current = try step(into: name, in: above, whole)
            let here = try doing("to look at \(whole)") { () throws(SystemError) in
                try FilePlace(of: current)
            }
            // Its limit would not hold for what is in the directory below it.
            if here.device != place.device {
                throw .notToHandOut(
                    whole, "is a directory with a limit of its own; expected a path that is not below one")
            }
        }
        return current
    }

    /// The directory, made where it is not there.
    private func step(
        into name: String, in above: borrowing FileDescriptor, _ whole: String
    ) throws(VolumeError) -> FileDescriptor {
        do throws(SystemError) {
            return try above.open(name, Self.flags, resolve: [.beneath, .noSymlinks])
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: break
            case .tooManyLinks, .notDirectory:
                throw .notToHandOut(whole, "is a symbolic link or no directory; give directories only")
            default: throw .system("to open \(whole)", error)
            }
        }
        let owner = try owner(ofNewIn: above, whole)
        return try doing("to make \(whole)") { () throws(SystemError) in
            try above.makeDirectory(name, mode: 0o700)
            let made = try above.open(name, Self.flags, resolve: [.beneath, .noSymlinks])
            try Self.give(made, owner, whole)
            return made
        }
    }

    /// - Throws: where it would be of root's, as no session's directory may be: before anything is made.
    private func owner(
        ofNewIn parent: borrowing FileDescriptor, _ whole: String
    ) throws(VolumeError) -> DirectoryOwner {
        let owner: DirectoryOwner
        do throws(SystemError) {
            owner = try DirectoryOwner(of: parent)
        } catch {
            throw .system("to look at \(whole)", error)
        }
        if owner.user == 0 || owner.group == 0 {
            throw .notToHandOut(
                whole,
                "would belong to root or root's group, as the directory that it would be in does; give that one to "
                    + "another user (chown), or make this one with its owner")
        }
        return owner
    }

    private func make(
        _ name: String, in parent: borrowing FileDescriptor, _ whole: String, _ limit: UInt64,
        _ owner: DirectoryOwner
    ) throws(VolumeError) {
        do throws(SystemError) {
            try parent.makeSubvolume(name, bytes: limit, parents: [])
            try Self.give(
                try parent.open(name, Self.flags, resolve: [.beneath, .noSymlinks]), owner, whole)
        } catch {
            throw full(error, whole)
        }
    }

    /// Puts a subvolume in the place of an empty directory: the name means one of the two at every moment.
    private func convert(
        _ name: String, in parent: borrowing FileDescriptor, _ whole: String, _ limit: UInt64
    ) throws(VolumeError) {
        let spare = ".corral-\(UInt64.random(in: 1 ... .max))"
        let number = parent.number
        let owner: DirectoryOwner
        do throws(SystemError) {
            let plain = try parent.open(name, Self.flags, resolve: [.beneath, .noSymlinks])
            guard try plain.entries().isEmpty else { throw SystemError("readdir", name, .notEmpty) }
            owner = try DirectoryOwner(of: plain)
        } catch  where error.errno == .notEmpty {
            throw .notToHandOut(
                whole,
                "is a directory with files in it that was made without Corral, and no limit would hold for them; "
                    + "move it away, have Corral make it, and move its files back")
        } catch {
            throw .system("to open \(whole)", error)
        }
        try make(spare, in: parent, whole, limit, owner)
        do throws(SystemError) {
            _ = try call("renameat2", on: whole) { unsafe clinux_exchange(number, spare, number, name) }
        } catch {
            try? parent.destroySubvolume(spare)
            throw .system("to put \(whole) in its place", error)
        }
        do throws(SystemError) {
            try parent.removeDirectory(spare)
        } catch {
            // Somebody wrote to it meanwhile: it gets its name back.
            _ = unsafe clinux_exchange(number, spare, number, name)
            try? parent.destroySubvolume(spare)
            throw .notToHandOut(whole, "was written to while it was made a directory with a limit")
        }
    }

    private func open(
        _ name: String, in parent: borrowing FileDescriptor, _ whole: String
    ) throws(VolumeError) -> HandedDirectory {
        try doing("to open \(whole)") { () throws(SystemError) in
            let directory = try parent.open(name, Self.flags, resolve: [.beneath, .noSymlinks])
            let number = try directory.subvolumeNumber()
            return HandedDirectory(directory: directory, number: number)
        }
    }

    /// Gives it the limit that was asked for, or one where it has none.
    private func keep(
        _ number: UInt64, _ whole: String, asked: UInt64?, otherwise: UInt64, _ isUsed: (UInt64) -> Bool
    ) throws(VolumeError) {
        let (limit, used) = try amounts(of: number)
        let wanted = asked ?? limit ?? otherwise
        if wanted == limit { return }
        if let limit, isUsed(number) { throw .limitInUse(whole, limit) }
        if let used, wanted < used { throw .limitBelowUse(whole, asked: wanted, used: used) }
        try doing("to limit \(whole)") { () throws(SystemError) in
            let group = Qgroup(subvolume: number)
            try root.makeQgroup(group)
            try root.limitQgroup(group, bytes: wanted)
        }
    }

    /// Gives a directory that was just made its owner. Whoever owns the directory that it is in may have moved it
    /// away and put another one in its place: of root's only what is empty changes hands, which is what was made or
    /// worth as much.
    private static func give(
        _ directory: borrowing FileDescriptor, _ owner: DirectoryOwner, _ whole: String
    ) throws(SystemError) {
        let number = directory.number
        guard try DirectoryOwner(of: directory).user == geteuid(), try directory.entries().isEmpty else {
            throw SystemError("fchown of what was put in its place", whole, .notPermitted)
        }
        _ = try call("fchown") { fchown(number, owner.user, owner.group) }
        _ = try call("fchmod") { fchmod(number, owner.mode) }
    }

    private func full(_ error: SystemError, _ whole: String) -> VolumeError {
        guard error.errno == .noSpace else { return .system("to make \(whole)", error) }
        let free = (try? root.fileSystem())?.available ?? 0
        return .diskFull(whole, wanted: VolumeLimits.leastBytes, available: free)
    }
}
