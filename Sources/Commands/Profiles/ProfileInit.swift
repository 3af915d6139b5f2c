import Glibc
import Linux
import Preparation
import Sandbox

extension ProfileCommand {
    static let initialize = Command(
        "profile init", summary: "Write a profile to start from, with every key in it.",
        operandsHelp: "[NAME]", operands: 0...1,
        examples: ["corral profile init mine"],
        details: """
            Without NAME it goes to standard output; with it, to NAME.yaml in the user's directory (see
            corral profile path), and nothing that is there is overwritten.
            """
    ) { arguments in
        Failure.reported("profile init") { () throws(CommandError) in
            let installation = try prepared(Installation.find())
            let profiles = FilePath.resolved("\(installation.root)/profiles")
            let text = ProfileTemplate.text(schema: "\(profiles)/profile.schema.json")
            guard let name = arguments.operands.first else {
                Terminal.write(text, to: 1)
                return
            }
            do throws(ValueError) {
                try checkSimpleName(name)
            } catch {
                throw CommandError(error.problem)
            }
            Terminal.print(try write(text, as: name))
        }
    }

    /// - Returns: the path of the new file.
    private static func write(_ text: String, as name: String) throws(CommandError) -> String {
        guard let directory = ProfileDirectories.userDirectory else {
            throw CommandError("neither XDG_CONFIG_HOME nor HOME says where the user's profiles are")
        }
        let path = "\(directory)/\(name).yaml"
        do throws(SystemError) {
            try makeDirectories(directory)
            let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
            // Whatever the umask: a file that the group may write is refused later.
            _ = fchmod(file.number, 0o644)
            try file.writeAll(Array(text.utf8))
        } catch {
            if error.errno == .fileExists { throw CommandError("\(shown(path)) is there already") }
            throw CommandError("\(shown(path)): \(error.errno)")
        }
        return path
    }

    /// Makes what is missing of a path, for the caller alone (XDG Base Directory Specification).
    private static func makeDirectories(_ path: String) throws(SystemError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if unsafe mkdir(made, 0o700) < 0, errno != EEXIST {
                throw SystemError("mkdir", made, Errno(rawValue: errno))
            }
        }
    }
}

/// A profile with every key, most of them behind `#`: what a newcomer edits.
enum ProfileTemplate {
    static func text(schema: String) -> String {
        var lines = [
            "# yaml-language-server: $schema=\(schema)",
            "#",
            "# A profile of your own. What is behind # holds already, by default or from the profile that",
            "# this one extends; corral profile show --effective tells what holds and why.",
            "",
            "description: What this profile is for",
            "extends: default",
        ]
        var section: [String] = []
        for key in ProfileKey.allCases where key != .description && key != .extends {
            let parts = key.rawValue.split(separator: ".").map(String.init)
            let outer = Array(parts.dropLast())
            // A section inside another one, or behind it, is in the same mapping.
            let shared = zip(outer, section).prefix { $0 == $1 }.count
            if shared == 0 { lines.append("") }
            for (depth, name) in outer.enumerated().dropFirst(shared) {
                lines.append("# \(String(repeating: "  ", count: depth))\(name):")
            }
            section = outer
            let indent = String(repeating: "  ", count: parts.count - 1)
            let value = key.builtIn?.written(as: key.kind) ?? example(key)
            lines.append("# \(indent)\(parts[parts.count - 1]): \(value) # \(key.meaning)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A value for a key without a default.
    private static func example(_ key: ProfileKey) -> String {
        switch key.kind {
        case .quantity(let quantity):
            switch quantity.kind {
            case .size: key == .memory ? "256MiB" : "64MiB"
            case .cpus: "0.5"
            case .duration: "24h"
            default: "64"
            }
        case .variables: "{PATH: \"/usr/bin:/bin\"}"
        case .layers: "[seccomp]"
        case .keys: "[network, limits.memory]"
        case .name: "host"
        case .word(let words): words.first ?? ""
        default: "[base]"
        }
    }
}
