import Configuration

/// The command line of `corrald`.
struct DaemonOptions {
    var layer = SettingsLayer()
    var isVersion = false

    static let usage = """
        usage: corrald [--state DIR] [--set KEY=VALUE]... [--version]
        """

    init(_ words: [String]) throws(StartProblemText) {
        var rest = words[...]
        while let option = rest.popFirst() {
            if option == "--version" {
                isVersion = true
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
