import Glibc
import Linux
import Trees
import Wire

/// `corral-unpack`: standard input is the archive, the working directory is the tree, standard output
/// gets the report and standard error the sentence that says what was wrong.
package enum UnpackProgram {
    /// - Parameter words: the command line without the program's name.
    /// - Returns: the exit code, see ``UnpackError/exitCode``.
    package static func run(_ words: [String]) -> Int32 {
        // What a tree's files and directories are is decided by the modes they are made with, alone.
        umask(0)
        if words == ["--version"] {
            let line = Array("\(LibArchive.version)\n".utf8)
            try? FileDescriptor(owning: 1).writeAll(line)
            return 0
        }
        if words == ["confinement"] || words == ["confinement", "--open"] {
            return reported { () throws(UnpackError) in try ConfinementCheck.run(open: words.count > 1) }
        }
        if words.first == "workspace" { return workspace(Array(words.dropFirst())) }
        do throws(UnpackError) {
            let limits = try limits(words)
            let report = try Unpacker.unpack(
                FileDescriptor(owning: 0), into: try root(), limits: limits)
            try write(report.json.description)
            return 0
        } catch {
            let line = Array("corral-unpack: \(error)\n".utf8)
            try? FileDescriptor(owning: 2).writeAll(line)
            return error.exitCode
        }
    }

    /// `corral-unpack workspace`: descriptor 3 is an empty directory of a workspace. Nobody has put this process
    /// into a sandbox, so it confines itself before it looks at the archive.
    private static func workspace(_ words: [String]) -> Int32 {
        reported { () throws(UnpackError) in
            var words = words
            let isCaseSensitive = words.first == "--case-sensitive"
            if isCaseSensitive { words.removeFirst() }
            let limits = try limits(words)
            let directory = FileDescriptor(owning: 3)
            let size = max(limits.fileBytes, WorkspaceUnpacker.mostSpooled(limits))
            try Confinement.enter(directory, fileBytes: size)
            let count = try WorkspaceUnpacker.unpack(
                0, into: directory, limits: limits, isCaseSensitive: isCaseSensitive)
            return JSONText.object { report in
                report.add("files", count.files)
                report.add("directories", count.directories)
                report.add("links", count.symlinks + count.hardlinks)
                report.add("bytes", count.bytes)
            }
        }
    }

    private static func reported(_ body: () throws(UnpackError) -> JSONText) -> Int32 {
        do throws(UnpackError) {
            try write(try body().description)
            return 0
        } catch {
            let line = Array("corral-unpack: \(error)\n".utf8)
            try? FileDescriptor(owning: 2).writeAll(line)
            return error.exitCodeOfWorkspace
        }
    }

    private static func root() throws(UnpackError) -> FileDescriptor {
        do throws(SystemError) {
            return try FileDescriptor.open(".", O_RDONLY | O_DIRECTORY)
        } catch {
            throw .tree(.system(error, entry: nil))
        }
    }

    private static func write(_ line: String) throws(UnpackError) {
        do throws(SystemError) {
            try FileDescriptor(owning: 1).writeAll(Array("\(line)\n".utf8))
        } catch {
            throw .tree(.system(error, entry: nil))
        }
    }

    /// Reads `--entries N --bytes N --file-bytes N --depth N`, each at most once.
    static func limits(_ words: [String]) throws(UnpackError) -> TreeLimits {
        var limits = TreeLimits()
        var rest = words[...]
        while let option = rest.popFirst() {
            guard let text = rest.popFirst(), let value = UInt64(text), value > 0 else {
                throw .usage("\(printable(option)) needs a number greater than 0")
            }
            switch option {
            case "--entries": limits.entries = min(value, 1 << 32)
            case "--bytes": limits.bytes = value
            case "--file-bytes": limits.fileBytes = value
            case "--depth": limits.depth = Int(min(value, 2048))
            default:
                throw .usage(
                    "unknown option \"\(printable(option))\"; expected --entries, --bytes, --file-bytes or --depth"
                )
            }
        }
        return limits
    }
}
