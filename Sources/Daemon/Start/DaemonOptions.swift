import Configuration

/// The command line of `corrald`.
struct DaemonOptions {
    var layer = SettingsLayer()
    var isVersion = false
    /// What it is among services; one of the three at most.
    var part = Part.whole

    /// Which part of a daemon this process is to be.
    enum Part: String {
        /// Starts a warden where there is none.
        case whole
        /// Not root, and has no warden of its own: another service has it. Everything else is the caller's.
        case alone = "--no-warden"
        /// The same in the places of the system, as its user.
        case system = "--system"
        /// Becomes the warden of the settings, in this process's place.
        case warden = "--warden"
    }

    static let usage = """
        usage: corrald [--state DIR] [--set KEY=VALUE]... [--system | --no-warden | --warden] [--version]
        """

    init(_ words: [String]) throws(StartProblemText) {
        var rest = words[...]
        while let option = rest.popFirst() {
            if option == "--version" {
                isVersion = true
                continue
            }
            if let asked = Part(rawValue: option) {
                guard part == .whole else {
                    throw StartProblemText("one of --system, --no-warden and --warden, once")
                }
                part = asked
                continue
            }
            guard ["--state", "--set"].contains(option) else {
                throw StartProblemText("unknown option \(option)\n\(DaemonOptions.usage)")
            }
            guard let value = rest.popFirst() else { throw StartProblemText("\(option) needs a value") }
            do throws(SettingsError) {
                if option == "--state" {
                    try SettingsVariables.option(option, .state, value, into: &layer)
                } else {
                    try SettingsVariables.assignment(value, into: &layer)
                }
            } catch {
                throw StartProblemText(error.description)
            }
        }
    }
}
