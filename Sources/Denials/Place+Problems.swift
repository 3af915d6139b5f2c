import Glibc
import Linux
import Sandbox

extension Place {
    /// Why the mounts refuse an access; nil when they do not.
    func problem(_ access: PathEvent.Access) -> Problem? {
        switch access {
        case .read: kind == .missing ? absent : readProblem
        case .write: kind == .missing ? absent : writeProblem
        case .create: kind == .missing ? createProblem : writeProblem
        case .execute: kind == .missing ? absent : executeProblem
        case .truncate: kind == .missing ? absent : truncateProblem
        case .remove: removeProblem
        }
    }

    private var absent: Problem {
        // Of proc only this is known: that it has no name of more than 255 bytes.
        if directory.thing == .proc {
            return Problem(.noSuchFileOrDirectory, "\(path) is proc, which has no such name")
        }
        return Problem(
            .noSuchFileOrDirectory, "\(path) has no such name; what it has is listed by the image", .add)
    }

    private func readOnly(_ entry: MountView.Entry) -> Problem {
        var problem = Problem(.readOnlyFileSystem, "\(entry.path) is \(entry.noun)", .writable(entry))
        problem.culprit = entry
        return problem
    }

    /// A file of the root, which the mount refuses as well: another mode would change nothing.
    private var readOnlyByMode: Problem {
        Problem(.accessDenied, "\(path) is \(entry.noun), with a mode without write", .writable(entry))
    }

    private func refusedByMode(_ what: String, _ entry: MountView.Entry) -> Problem {
        var problem = Problem(
            .accessDenied, "\(entry.path) has a mode that does not let processes (uid 1000) \(what)",
            .mode(entry, what))
        problem.culprit = entry
        return problem
    }

    /// What the file says when it is opened, after all rules.
    private var openProblem: Problem? {
        var problem: Problem
        switch entry.thing {
        // tty(4): the terminal of the session, and a sandbox's has none.
        case .device(5, 0) where kind == .device:
            problem = Problem(
                Errno(rawValue: ENXIO), "/dev/tty is the terminal of a session, and processes have none")
        case .socket: problem = Problem(Errno(rawValue: ENXIO), "\(path) is a socket: connect to it")
        default: return nil
        }
        problem.comesAfterLandlock = true
        return problem
    }

    private var readProblem: Problem? {
        switch entry.thing {
        case .file(let permissions) where !permissions.read: refusedByMode("read", entry)
        case .tmpfs(let permissions, _) where kind == .directory && !permissions.read:
            refusedByMode("read", entry)
        default: openProblem
        }
    }

    private var isDirectory: Problem {
        Problem(.isDirectory, "\(path) is a directory")
    }

    private var writeProblem: Problem? {
        if kind == .directory { return isDirectory }
        switch entry.thing {
        // Before the mount is asked.
        case .file(let permissions) where !permissions.write: return readOnlyByMode
        default: return entry.thing.isReadOnly ? readOnly(entry) : openProblem
        }
    }

    /// In a directory whose contents are known.
    private var createProblem: Problem? {
        // procfs says so when it looks for the name, which is before the mount is asked.
        if directory.thing == .proc { return absent }
        if directory.thing.isReadOnly { return readOnly(directory) }
        switch directory.thing {
        case .tmpfs(let permissions, _) where permissions.write: return nil
        case .tmpfs: return refusedByMode("write", directory)
        default: return Problem(.accessDenied, "\(path) is \(directory.noun)")
        }
    }

    private var executeProblem: Problem? {
        switch entry.thing {
        case .file(let permissions): return permissions.execute ? nil : refusedByMode("execute", entry)
        case .boundFile: return nil
        case _ where kind != .unknown:
            return Problem(.accessDenied, "\(path) is \(entry.noun), and only files are executed")
        case .tmpfs(_, executable: false), .proc:
            return Problem(.accessDenied, "\(entry.path) is \(entry.noun)", .executable(entry))
        default: return nil
        }
    }

    /// As vfs_truncate in fs/open.c asks; kernels before about 6.16 ask the mount before the mode, so that
    /// what is refused by both fails with EROFS there.
    private var truncateProblem: Problem? {
        switch kind {
        case .directory: return isDirectory
        case .device, .socket:
            return Problem(.invalidArgument, "\(path) is \(entry.noun), which has no length")
        default: break
        }
        if case .file(let permissions) = entry.thing, !permissions.write { return readOnlyByMode }
        return entry.thing.isReadOnly ? readOnly(entry) : nil
    }

    /// The mount is asked first, even where there is nothing to remove (do_unlinkat in fs/namei.c).
    private var removeProblem: Problem? {
        if directory.thing.isReadOnly { return readOnly(directory) }
        if kind == .missing { return absent }
        guard kind != .unknown else { return nil }
        switch directory.thing {
        case .tmpfs(let permissions, _) where !permissions.write: return refusedByMode("write", directory)
        case .tmpfs(let permissions, _) where permissions.isSticky:
            return Problem(.notPermitted, "\(path) is the init's, and \(directory.path) is sticky")
        case .socketDirectory:
            return Problem(.accessDenied, "\(directory.path) is \(directory.noun)")
        default: return nil
        }
    }

    /// What landlock is asked for.
    func rights(_ access: PathEvent.Access) -> LandlockRuleset.FileRights {
        switch access {
        case .read: kind == .directory ? .readDirectory : .readFile
        case .write: .writeFile
        case .create: kind == .missing || kind == .unknown ? [.makeRegularFile, .writeFile] : .writeFile
        case .execute: .execute
        case .truncate: .truncate
        case .remove: kind == .directory ? .removeDirectory : .removeFile
        }
    }
}
