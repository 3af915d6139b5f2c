// Other sandboxes to compare with, as their own documents say to start them.

import TestSupport

extension Cage {
    /// The file of a program, for whoever starts it without a search.
    static func located(_ name: String) -> String {
        let places = (Program.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
        return places.first { File.exists($0) } ?? name
    }

    /// Around the other sandboxes: what does not end there dies with whoever started it, as they do not
    /// promise by themselves.
    static var mortal: [String] {
        [located("unshare"), "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    }

    /// Seconds that an attack may take alone: what has no end in another sandbox has none later either.
    var patience: Double {
        switch self {
        case .bare, .corral: 120
        case .bwrap, .runc: 15
        }
    }

    /// The words that come before those of the attacker program.
    static func bubblewrap(_ tools: String) -> [String] {
        let programs = ["--ro-bind", "/usr", "/usr"]
        let links = ["bin", "sbin", "lib", "lib64"].flatMap { ["--symlink", "usr/\($0)", "/\($0)"] }
        return mortal + [located("bwrap"), "--unshare-all", "--cap-drop", "ALL"] + programs + links
            + ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", tools, "/opt/attack"]
            + ["--chdir", "/tmp", "--", "/opt/attack/attacker"]
    }
}

/// A directory from which runc starts containers, as `runc spec` describes them: changed in what is
/// run, in its variables, and by the host's programs as root. It goes with the value.
package final class RuncBundle {
    private let directory: TemporaryDirectory
    package var path: String { directory.path }

    /// What runc finds there; it reads what to do from standard input, so that one bundle does for all.
    private static let command = #"["/bin/sh", "-c", "read -r words; exec /opt/attack/attacker $words"]"#

    package init(_ stage: Stage) throws {
        directory = try TemporaryDirectory()
        for name in ["rootfs/usr", "rootfs/opt/attack"] { try File.makeDirectories(directory(name)) }
        let made = try Program.run(["runc", "spec"], directory: directory.path)
        guard made.status == 0 else { throw AttackError("runc spec: \(made.errors)") }
        let variables = stage.bait.sorted { $0.key < $1.key }.map { #", "\#($0.key)=\#($0.value)""# }.joined()
        func bind(_ from: String, _ to: String) -> String {
            #"{"destination": "\#(to)", "type": "bind", "source": "\#(from)", "options": ["rbind", "ro"]},"#
        }
        let links = ["bin", "sbin", "lib", "lib64"].map { "ln -s usr/\($0) rootfs/\($0)" }
        let linked = try Program.run(
            ["/bin/sh", "-ec", links.joined(separator: "\n")], directory: directory.path)
        guard linked.status == 0 else { throw AttackError("the root for runc: \(linked.errors)") }
        var text = File.text(directory("config.json")) ?? ""
        for (old, new) in [
            (#""terminal": true"#, #""terminal": false"#), (#""TERM=xterm""#, #""TERM=dumb"\#(variables)"#),
            (#""mounts": ["#, #""mounts": [\#(bind("/usr", "/usr"))\#(bind(stage.tools, "/opt/attack"))"#),
        ] {
            guard text.contains(old) else { throw AttackError("runc spec wrote no \(old)") }
            text = text.replacing(old, with: new)
        }
        guard let from = text.firstRange(of: #""args": ["#),
            let to = text[from.upperBound...].firstIndex(of: "]")
        else { throw AttackError("runc spec wrote no args") }
        text.replaceSubrange(from.lowerBound...to, with: #""args": "# + Self.command)
        try directory.write("config.json", text)
    }

    /// Those that were killed leave their groups behind.
    deinit {
        for name in File.names(in: "\(path)/state") {
            _ = try? Program.run(["runc", "--root", "\(path)/state", "delete", "--force", name])
        }
    }

    static func program(_ bundle: String, attacker words: [String], environment: [String: String]) -> Program
    {
        let name = "corral-prove-\(UInt64.random(in: 0...UInt64.max))"
        return Program(
            Cage.mortal + [
                Cage.located("runc"), "--root", "\(bundle)/state", "run", "--bundle", bundle, name,
            ],
            environment: environment,
            input: Array((words.joined(separator: " ") + "\n").utf8))
    }
}
