import Linux
import Seccomp

/// `corral precompile`: for `make install`, which lets the first run start as fast as the second.
enum PrecompileCommand {
    static let command = Command(
        "precompile", summary: "Prepare the installed profiles and seccomp policies, as make install does.",
        details: """
            Writes NAME.rules beside each profile and NAME.bpf beside each policy. Both are only
            copies: a run uses them as long as nothing that they were made from is changed, and only
            where nobody but root or the user could have written them.
            """,
        isHidden: true
    ) { _ in
        Failure.reported("precompile") { () throws(CommandError) in
            let installation = try Installation.find()
            for name in ["default", "strict"] { try policy(name, installation) }
            for name in try installation.names("profiles", suffix: ".yaml") {
                try installation.precompile(name)
            }
        }
    }

    private static func policy(_ name: String, _ installation: Installation) throws(CommandError) {
        do {
            let directory = try installation.policies()
            let part = try FilterCache.part(named: name, in: directory)
            try FilterCache.precompile(parts: [part], into: directory)
        } catch {
            throw CommandError("\(error)")
        }
    }
}
