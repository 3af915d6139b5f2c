package import Sandbox

/// What a plugin's manifest says about how it is started.
///
/// Three layouts are in use for plugins of TGO: `plugin.json` with the command at the top (its quick
/// start), `plugin.json` with a section `runtime` (its examples), and `plugin.yml`, which its plugin
/// runtime reads and which names a language in place of a command.
package struct PluginManifest: Hashable, Sendable {
    /// The names under which a manifest is looked for, the first one first: what TGO itself reads.
    package static let fileNames = ["plugin.yml", "plugin.yaml", "plugin.json"]

    package var name: String
    package var version: String?
    /// The program and its arguments.
    package var command: [String]
    package var environment: [EnvironmentVariable] = []
    /// Where it starts: a path below the package's directory; empty for the directory itself.
    package var directory = ""
    /// The error to be thrown where ``directory`` cannot be entered.
    package var directoryError: ConfigError?
    /// What was not taken as it is written, in whole sentences.
    package var warnings: [String] = []

    /// - Parameters:
    ///   - file: the manifest's name, one of ``fileNames``.
    ///   - contains: whether the package has a file of this name.
    package static func decode(
        _ bytes: [UInt8], file: String, contains: (String) -> Bool
    ) throws(ConfigError) -> PluginManifest {
        if file.hasSuffix(".json") { return try PluginManifest(json: .json(bytes, file: file)) }
        return try PluginManifest(yaml: .yaml(bytes, file: file), contains: contains)
    }

    /// Either layout of `plugin.json`.
    private init(json manifest: ManifestValue) throws(ConfigError) {
        if let number = try manifest.optional("plugin_no") {
            throw number.error(
                "belongs to a plugin of v-connect-im; expected a plugin of TGO, with a command")
        }
        name = try manifest.required("name").text(atMost: 200)
        version = try manifest.optional("version")?.text(atMost: 200)
        let common = ["name", "version", "description"]
        let start: ManifestValue
        if let runtime = try manifest.optional("runtime") {
            if let command = try manifest.optional("command") {
                throw command.error("is given beside runtime; expected one of command and runtime.command")
            }
            start = runtime
            warnings = try manifest.unknown(
                common + ["id", "author", "homepage", "license", "runtime", "requirements"])
            warnings += try runtime.unknown(["command", "args", "working_directory", "env"])
        } else {
            start = manifest
            warnings = try manifest.unknown(common + ["command", "args", "working_directory"])
        }
        command = [try start.required("command").text()]
        command += try PluginManifest.arguments(of: start)
        environment = try PluginManifest.environment(of: start)
        try setDirectory(start.optional("working_directory"))
    }

    static func arguments(of section: ManifestValue) throws(ConfigError) -> [String] {
        var arguments: [String] = []
        for item in try section.optional("args")?.items() ?? [] { arguments.append(try item.argument()) }
        return arguments
    }

    static func environment(of section: ManifestValue) throws(ConfigError) -> [EnvironmentVariable] {
        var variables: [EnvironmentVariable] = []
        for entry in try section.optional("env")?.entries() ?? [] {
            let value = try entry.value.argument()
            do throws(ValueError) {
                try EnvironmentVariable.checkName(entry.key)
                try EnvironmentVariable.checkValue(value)
                variables.append(EnvironmentVariable(name: entry.key, value: value))
            } catch {
                throw entry.place.error(error.problem)
            }
        }
        return variables
    }

    /// Seen from the package. An absolute one is a place of the author's own machine.
    private mutating func setDirectory(_ value: ManifestValue?) throws(ConfigError) {
        guard let value else { return }
        let text = try value.text()
        if text.hasPrefix("/") {
            let warning = value.error("\(quoted(text)) is absolute; the package's own directory is taken")
            warnings.append(warning.description)
            return
        }
        directory = try PluginManifest.path(value)
        directoryError = value.error("\(quoted(text)) is no directory of the package")
    }

    /// A path that stays below the package, without dots; empty for the package itself.
    static func path(_ value: ManifestValue) throws(ConfigError) -> String {
        let text = try value.text()
        let parts = text.split(separator: "/").filter { $0 != "." }
        guard !text.hasPrefix("/"), !parts.contains("..") else {
            throw value.error("\(quoted(text)) leads out of the package; expected a path below it")
        }
        return parts.joined(separator: "/")
    }
}
