import Preparation

/// `corral precompile`: for `make install`, which lets the first run start as fast as the second.
enum PrecompileCommand {
    static let command = Command(
        "precompile", summary: "Prepare the installed profiles and seccomp policies, as make install does.",
        details: """
            Writes NAME.rules beside each profile, with +relay and +directory in its name for runs with
            a relay and for those with a directory of the host, and the filters of their policies as
            NAME+NAME.bpf beside the parts. All are only copies: a run uses them as long as nothing that
            they were made from is changed, and only where nobody but root or the user could have
            written them.
            """,
        isHidden: true
    ) { _ in
        Failure.reported("precompile") { () throws(CommandError) in
            let installation = try prepared(Installation.find()).withoutOthers
            for name in try prepared(installation.directories.names(.profile)) {
                for variant in RulesVariant.all { try prepared(installation.precompile(name, variant)) }
            }
        }
    }
}
