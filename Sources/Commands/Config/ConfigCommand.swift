import Configuration
import Glibc
import Linux
import Preparation
import Sandbox
import Wire

/// `corral config`: what daemons are told by files, variables and options.
enum ConfigCommand {
    /// For every command that reads the configuration.
    static let options: [Command.Option] = [
        .init("state", value: "DIR", help: "the state directory: another one is another daemon"),
        .init(
            "set", value: "KEY=VALUE", repeats: true, help: "put this above files and variables"),
    ]

    static let show = Command(
        "config show", summary: "Print the configuration that holds now, as a file that says all of it.",
        options: [
            .init(
                "output", short: "o", value: "yaml|json", help: "yaml is the default",
                kind: .words(["yaml", "json"])),
            .init("origins", help: "say of each value where it comes from and what it replaces"),
        ] + options,
        examples: ["corral config show --origins", "corral config show -o json --set limits.sessions=5"],
        details: """
            Reads corral.yaml and corral.d/*.yaml, sorted: in /etc/corral for root, in
            $XDG_CONFIG_HOME/corral for others. Variables, CORRAL_ and the key in capitals with _ for a
            point, win over files, and options over both. docs/configuration.md has every key.
            """
    ) { arguments in
        Failure.reported("config show") { () throws(CommandError) in
            let loaded = try load(arguments)
            let isWithOrigins = arguments.has("origins")
            if arguments.value("output") == "json" {
                let json =
                    isWithOrigins
                    ? SettingsText.jsonWithOrigins(loaded.settings) : SettingsText.json(loaded.settings)
                Terminal.print(json.description)
            } else {
                Terminal.print(SettingsText.yaml(loaded.settings, origins: isWithOrigins))
            }
        }
    }

    static let check = Command(
        "config check", summary: "Check the configuration, or files of it, and print every mistake.",
        operandsHelp: "[FILE...]", operands: 0...Int.max, operandKinds: [.file], options: options,
        examples: ["corral config check", "corral config check --state /srv/corral"],
        details: """
            Without FILE everything that a daemon would read is, and values are compared with each other.
            A FILE is looked at by itself and may be anybody's. Exit code 1 for any mistake; a variable that
            begins with CORRAL_ and is no setting's is a warning.
            """
    ) { arguments in
        Failure.reported("config check") { () throws(CommandError) in
            guard arguments.operands.isEmpty else {
                try check(files: arguments.operands, arguments)
                return
            }
            let loaded = try load(arguments)
            for file in loaded.files { Terminal.print("\(SettingsFiles.called(file)): ok") }
            if loaded.files.isEmpty { Terminal.print("no files; everything is as built in") }
        }
    }

    static let path = Command(
        "config path", summary: "Show the files of the configuration and the directories that daemons use.",
        options: options, examples: ["corral config path"]
    ) { arguments in
        Failure.reported("config path") { () throws(CommandError) in
            let loaded = try load(arguments)
            Terminal.print(ConfigPaths(loaded).lines.joined(separator: "\n"))
        }
    }

    static let schema = Command(
        "config schema", summary: "Print the JSON Schema of corral.yaml, for editors.",
        options: [
            .init("reference", help: "print the table of keys of docs/configuration.md instead")
        ],
        examples: ["corral config schema"]
    ) { arguments in
        Terminal.print(arguments.has("reference") ? SettingsSchema.table : SettingsSchema.text)
        return ExitCode.success
    }

    // MARK: Reading

    /// Where the caller's things are.
    static func place() throws(CommandError) -> Place {
        guard var place = Place.of(uid: geteuid(), variable: variable) else {
            throw CommandError("there is no home directory; name one in HOME or XDG_CONFIG_HOME and the like")
        }
        // What is installed elsewhere than in /usr, or not at all.
        if let installation = try? Installation.find() {
            place.shared = FilePath.resolved(installation.root)
        }
        return place
    }

    /// What holds for a command with ``options``.
    /// - Parameter isAboutIt: whether the command is about the configuration, and so says what may be a
    ///   surprise.
    /// - Throws: after everything that is wrong was printed.
    static func load(_ arguments: Arguments, isAboutIt: Bool = true) throws(CommandError) -> LoadedSettings {
        let loaded = try loaded(arguments)
        if isAboutIt {
            for warning in loaded.warnings { Terminal.error("warning: \(warning)") }
        }
        try refuse(loaded.errors.map(\.description))
        return loaded
    }

    /// The same with its mistakes, of which nothing is printed.
    static func loaded(_ arguments: Arguments) throws(CommandError) -> LoadedSettings {
        LoadedSettings.load(place: try place(), environment: environment, options: try layer(arguments))
    }

    /// ``options`` as a daemon takes them.
    static func words(_ arguments: Arguments) -> [String] {
        let state = arguments.value("state").map { ["--state", absolute($0)] } ?? []
        return state + arguments.all("set").flatMap { ["--set", $0] }
    }

    private static func layer(_ arguments: Arguments) throws(CommandError) -> SettingsLayer {
        var layer = SettingsLayer()
        do throws(SettingsError) {
            for text in arguments.all("set") { try SettingsVariables.assignment(text, into: &layer) }
            if let state = arguments.value("state") {
                try SettingsVariables.option("--state", .state, absolute(state), into: &layer)
            }
            return layer
        } catch {
            throw CommandError(error.description)
        }
    }

    /// A path as somebody at a shell writes it.
    private static func absolute(_ path: String) -> String {
        let resolved = FilePath.resolved(path)
        if resolved.hasPrefix("/") { return resolved }
        guard let directory = unsafe getcwd(nil, 0) else { return path }
        defer { unsafe free(directory) }
        return unsafe "\(String(cString: directory))/\(path)"
    }

    private static func check(files: [String], _ arguments: Arguments) throws(CommandError) {
        guard arguments.all("set").isEmpty, arguments.value("state") == nil else {
            throw CommandError("a FILE is looked at by itself; expected no --state or --set beside it")
        }
        var errors: [String] = []
        for file in files {
            do throws(SettingsError) {
                let bytes = try SettingsFiles.read(file, isTrusted: false)
                let called = SettingsFiles.called(file)
                let (_, mistakes) = SettingsReader.read(bytes, file: called)
                if mistakes.isEmpty { Terminal.print("\(called): ok") }
                errors += mistakes.map(\.description)
            } catch {
                errors.append(error.description)
            }
        }
        try refuse(errors)
    }

    private static func refuse(_ errors: [String]) throws(CommandError) {
        if errors.isEmpty { return }
        for error in errors { Terminal.error(error) }
        throw CommandError("the configuration is not right")
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// Every variable, as `NAME=value`.
    private static var environment: [String] {
        var entries: [String] = []
        var next = unsafe environ
        while let entry = unsafe next.pointee {
            unsafe entries.append(String(cString: entry))
            unsafe next += 1
        }
        return entries
    }
}

/// What `config path` prints: files first, then directories, and which of them are there.
struct ConfigPaths {
    let lines: [String]

    init(_ loaded: LoadedSettings) {
        let settings = loaded.settings
        let main = "\(settings.place.configuration)/corral.yaml"
        var rows = [["corral.yaml", main], ["corral.d", "\(settings.place.configuration)/corral.d"]]
        rows += loaded.files.filter { $0 != main }.map { ["", $0] }
        for key in [SettingKey.state, .runtime, .socketPath, .images] {
            rows.append([key.rawValue, settings.text(key)])
        }
        for (key, paths) in [
            (SettingKey.profiles, settings.list(.profiles)), (.plans, settings.list(.plans)),
            (.mounts, settings.hostMounts.entries.map(\.path)),
        ] {
            for (index, path) in paths.enumerated() {
                rows.append([index == 0 ? key.rawValue : "", path])
            }
        }
        lines = Columns.lines(
            rows.map { row in
                let isThere = unsafe access(row[1], F_OK) == 0
                return [row[0], shown(row[1]) + (isThere ? "" : "  (not there)")]
            })
    }
}
