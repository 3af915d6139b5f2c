import Glibc
import Preparation
import Sandbox
import Tables
import Wire

/// `corral profile`: the rules for sandboxes. One file for each of its commands; here are those that
/// show what there is.
enum ProfileCommand {
    static let list = Command(
        "profile list", summary: "List the profiles and where they come from.",
        options: Command.Option.format("a list of objects")
    ) { arguments in
        Failure.reported("profile list") { () throws(CommandError) in
            let installation = try prepared(Installation.find())
            var profiles: [(name: String, origin: String, file: String, description: String)] = []
            var failed: [CommandError] = []
            for name in try prepared(installation.directories.names(.profile)) {
                do throws(CommandError) {
                    let source = try prepared(installation.profileSource(name))
                    let merged = try prepared(installation.chain(from: source)).chain.merged
                    profiles.append(
                        (
                            name, source.directory?.rawValue ?? "", source.called,
                            text(merged[.description]?.value)
                        ))
                } catch {
                    // One that is wrong must not hide the others.
                    failed.append(error)
                }
            }
            if arguments.wantsJSON {
                let json = JSONText.array { list in
                    for profile in profiles {
                        list.object { object in
                            object.add("name", profile.name)
                            object.add("description", profile.description)
                            object.add("origin", profile.origin)
                            object.add("file", profile.file)
                        }
                    }
                }
                Terminal.print(json.description)
            } else {
                let rows = profiles.map { [$0.name, $0.origin, $0.description] }
                for line in Columns.lines(rows) { Terminal.print(line) }
            }
            guard let last = failed.popLast() else { return }
            for error in failed { Terminal.error("corral profile list: \(error)") }
            throw last
        }
    }

    private static func text(_ value: ProfileValue?) -> String {
        if case .text(let text) = value { return text }
        return ""
    }

    static let path = Command(
        "profile path", summary: "Show the directories in which profiles are looked up, and what is in them.",
        details: """
            A name is looked up from the first directory to the last. Parts of seccomp policies are in
            seccomp/ below each. The user's directory is $XDG_CONFIG_HOME/corral/profiles, else
            ~/.config/corral/profiles. A file that others than root or the caller may write is refused.
            """
    ) { _ in
        Failure.reported("profile path") { () throws(CommandError) in
            let directories = try prepared(Installation.find()).directories
            Terminal.print(try ProfilePaths(directories).lines.joined(separator: "\n"))
        }
    }

    static let schema = Command(
        "profile schema", summary: "Print the JSON Schema of profile files, for editors.",
        options: [
            .init("reference", help: "print the table of keys of docs/profiles.md instead")
        ]
    ) { arguments in
        Terminal.print(arguments.has("reference") ? ProfileReference.table : ProfileSchema.text)
        return ExitCode.success
    }
}

/// What `profile path` prints.
struct ProfilePaths {
    let lines: [String]

    init(_ directories: ProfileDirectories) throws(CommandError) {
        var lines: [String] = []
        var seen: [String: Int] = [:]
        for (index, directory) in directories.all.enumerated() {
            let number = index + 1
            let isThere = unsafe access(directory.path, F_OK) == 0
            let owners = ConfigFile.owners(shipped: directory.owner == .shipped)
            let weakness = ProfileDirectories.weakness(directory, .part, owners)
            let state = isThere ? weakness.map { "  (refused: \($0))" } ?? "" : "  (not there)"
            lines.append(
                "\(number) \(directory.owner.rawValue)  \(shown(FilePath.resolved(directory.path)))\(state)")
            for kind in ProfileFileKind.ofProfiles {
                for name in try prepared(ProfileDirectories.names(in: directory, kind)) {
                    let file = kind == .profile ? shown(name) : "seccomp/\(shown(name))"
                    let first = seen[file]
                    if first == nil { seen[file] = number }
                    lines.append("    \(file)\(first.map { "  (hidden by the one in \($0))" } ?? "")")
                }
            }
        }
        self.lines = lines
    }
}

/// A path for people.
enum FilePath {
    /// Without links and `..`; as it is where it leads nowhere.
    static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }
}

/// Text in columns.
enum Columns {
    /// Every column but the last as wide as its longest cell on a terminal.
    static func lines(_ rows: [[String]]) -> [String] {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            rows.map { $0.indices.contains(column) ? DisplayWidth.of($0[column]) : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : DisplayWidth.padded(cell, to: widths[index])
            }.joined(separator: "  ")
        }
    }
}
