import Sandbox

/// `plugin.yml`: the program follows from the language, as TGO's plugin runtime decides it.
extension PluginManifest {
    init(yaml manifest: ManifestValue, contains: (String) -> Bool) throws(ConfigError) {
        _ = try manifest.required("id").text(atMost: 200)
        name = try manifest.required("name").text(atMost: 200)
        version = try manifest.required("version").text(atMost: 200)
        command = []
        warnings = try manifest.unknown([
            "id", "name", "version", "description", "author", "homepage", "license", "source", "build",
            "runtime",
        ])
        let build = try manifest.optional("build")
        if let build { warnings += try build.unknown(["language", "go", "python", "nodejs"]) }
        command = try PluginManifest.program(of: build, contains: contains)
        guard let runtime = try manifest.optional("runtime") else { return }
        warnings += try runtime.unknown(["args", "env", "auto_restart", "restart_delay"])
        command += try PluginManifest.arguments(of: runtime)
        environment = try PluginManifest.environment(of: runtime)
    }

    private static func program(
        of build: ManifestValue?, contains: (String) -> Bool
    ) throws(ConfigError) -> [String] {
        guard let build, let language = try build.optional("language") else { return ["./plugin"] }
        switch try language.text() {
        case "go":
            let output = try build.optional("go")?.optional("output")
            return ["./\(try output.map(PluginManifest.file) ?? "plugin")"]
        case "python":
            let entry = try build.optional("python")?.optional("entrypoint")
            // Made by the plugin's installation; a package that was only unpacked has none.
            let own = ".venv/bin/python3"
            return [contains(own) ? "./\(own)" : "python3", try entry.map(PluginManifest.file) ?? "main.py"]
        case "nodejs":
            let entry = try build.optional("nodejs")?.optional("entrypoint")
            return ["node", try entry.map(PluginManifest.file) ?? "index.js"]
        case let other:
            let known = ["go", "python", "nodejs"]
            let hint = suggestion(for: other, in: known).map { "; \($0)" } ?? ""
            throw language.error(
                "\(quoted(other)) is no language of TGO; expected \(known.joined(separator: ", "))\(hint)")
        }
    }

    private static func file(_ value: ManifestValue) throws(ConfigError) -> String {
        let path = try path(value)
        if path.isEmpty { throw value.error("names the package itself; expected a file of it") }
        return path
    }
}
