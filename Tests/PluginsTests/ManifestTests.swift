// What is read of plugins' manifests, in every layout, and how those that are wrong are told.

import Sandbox
import Testing

@testable import Plugins

@Suite struct ManifestTests {
    private func decode(
        _ text: String, file: String = "plugin.json", contains: (String) -> Bool = { _ in false }
    ) throws(ConfigError) -> PluginManifest {
        try PluginManifest.decode(Array(text.utf8), file: file, contains: contains)
    }

    private func error(_ text: String, file: String = "plugin.json") -> String? {
        do throws(ConfigError) {
            _ = try decode(text, file: file)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `the layout of the quick start has the command at the top`() throws {
        let manifest = try decode(
            #"{"name": "orders", "version": "1.0.0", "description": "x", "command": "python3","#
                + #" "args": ["main.py", ""], "working_directory": "./src/"}"#)
        #expect(manifest.name == "orders" && manifest.version == "1.0.0")
        #expect(manifest.command == ["python3", "main.py", ""])
        #expect(manifest.directory == "src")
        #expect(manifest.directoryError?.description.contains("\"./src/\" is no directory") == true)
        #expect(manifest.warnings == [])
    }

    @Test func `the layout of the examples has it in a section`() throws {
        let manifest = try decode(
            #"{"name": "crm", "version": "2", "author": "a", "license": "MIT", "runtime": {"command": "node","#
                + #" "args": ["index.js"], "working_directory": ".", "env": {"MODE": "a=b", "EMPTY": ""}},"#
                + #" "requirements": {"python": ">=3.8"}}"#)
        #expect(manifest.command == ["node", "index.js"])
        #expect(manifest.environment.map { "\($0.name)=\($0.value)" } == ["MODE=a=b", "EMPTY="])
        #expect(manifest.directory == "" && manifest.warnings == [])
    }

    @Test func `an absolute working directory becomes the package, with a warning that says where`() throws {
        let manifest = try decode(
            "{\"name\": \"a\", \"command\": \"x\",\n \"working_directory\": \"/path/to/plugin\"}")
        #expect(manifest.directory == "")
        #expect(
            manifest.warnings == [
                "plugin.json:2:23: working_directory: \"/path/to/plugin\" is absolute; "
                    + "the package's own directory is taken"
            ])
    }

    @Test(arguments: [
        ("build: {language: python}", ["python3", "main.py"]),
        ("build: {language: python, python: {entrypoint: src/app.py}}", ["python3", "src/app.py"]),
        ("build: {language: nodejs}\nruntime: {args: [-x, '1']}", ["node", "index.js", "-x", "1"]),
        ("build: {language: nodejs, nodejs: {entrypoint: a.js}}", ["node", "a.js"]),
        ("build: {language: go, go: {output: bin/crm}}", ["./bin/crm"]),
        ("build: {language: go}", ["./plugin"]),
        ("description: nothing to build", ["./plugin"]),
    ])
    func `the program of plugin.yml follows from its language`(text: String, command: [String]) throws {
        let manifest = try decode("id: com.example.a\nname: a\nversion: 1.0\n\(text)\n", file: "plugin.yml")
        #expect(manifest.command == command)
        #expect(manifest.version == "1.0" && manifest.warnings == [])
    }

    @Test func `a virtual environment of the package is used where there is one`() throws {
        let text = "id: a\nname: a\nversion: 1\nbuild: {language: python}\n"
        let manifest = try decode(text, file: "plugin.yaml") { $0 == ".venv/bin/python3" }
        #expect(manifest.command == ["./.venv/bin/python3", "main.py"])
    }

    @Test func `keys that nobody reads are warned of, with the nearest known one`() throws {
        #expect(
            try decode(#"{"name": "a", "command": "x", "arg": ["y"]}"#).warnings
                == ["plugin.json:1:31: arg: is not read; did you mean args?"])
        let text = "id: a\nname: a\nversion: 1\nruntime:\n  command: python3\n"
        #expect(
            try decode(text, file: "plugin.yml").warnings == ["plugin.yml:5:3: runtime.command: is not read"])
    }

    @Test(arguments: [
        ("{", "plugin.json:1:2: a key in quotation marks was expected"),
        ("[]", "plugin.json:1:1: is a list; expected a mapping"),
        (#"{"name": "a"}"#, "plugin.json:1:1: command: is missing; expected text"),
        (#"{"command": "a"}"#, "plugin.json:1:1: name: is missing; expected text"),
        (#"{"name": 1, "command": "a"}"#, "plugin.json:1:10: name: is a number; expected text"),
        (#"{"name": "", "command": "a"}"#, "plugin.json:1:10: name: is 0 bytes long; expected 1 to 200"),
        (
            #"{"name": "a", "command": ["a"]}"#,
            "plugin.json:1:26: command: is a list; expected text"
        ),
        (#"{"name": "a", "command": "x", "args": "y"}"#, "plugin.json:1:39: args: is text; expected a list"),
        (
            #"{"name": "a", "command": "x", "args": ["y", 1]}"#,
            "plugin.json:1:45: args[1]: is a number; expected text"
        ),
        (
            #"{"name": "a", "command": "x", "args": ["\u0000"]}"#,
            "plugin.json:1:40: args[0]: holds a NUL byte, which no program can be given"
        ),
        (
            #"{"name": "a", "command": "x", "working_directory": "a/../../b"}"#,
            "plugin.json:1:52: working_directory: \"a/../../b\" leads out of the package; expected a path below it"
        ),
        (
            #"{"name": "a", "command": "x", "runtime": {"command": "y"}}"#,
            "plugin.json:1:26: command: is given beside runtime; expected one of command and runtime.command"
        ),
        (#"{"name": "a", "runtime": {}}"#, "plugin.json:1:26: runtime.command: is missing; expected text"),
        (
            #"{"name": "a", "runtime": {"command": "x", "env": {"1A": "b"}}}"#,
            "plugin.json:1:51: runtime.env.1A: \"1A\" is not a name of a variable; "
                + "expected letters, digits and _, no digit first"
        ),
        (
            #"{"plugin_no": "wk.plugin.a", "name": "a"}"#,
            "plugin.json:1:15: plugin_no: belongs to a plugin of v-connect-im; "
                + "expected a plugin of TGO, with a command"
        ),
    ])
    func `a plugin.json that is wrong is told by place, key and what was expected`(
        text: String, sentence: String
    ) {
        #expect(error(text) == sentence)
    }

    @Test(arguments: [
        ("name: a\nversion: 1\n", "plugin.yml:1:1: id: is missing; expected text"),
        ("id: a\nname: a\n", "plugin.yml:1:1: version: is missing; expected text"),
        (
            "id: a\nname: a\nversion: 1\nbuild: {language: pyhton}\n",
            "plugin.yml:4:19: build.language: \"pyhton\" is no language of TGO; "
                + "expected go, python, nodejs; did you mean python?"
        ),
        (
            "id: a\nname: a\nversion: 1\nbuild: {language: go, go: {output: ../x}}\n",
            "plugin.yml:4:36: build.go.output: \"../x\" leads out of the package; expected a path below it"
        ),
        (
            "id: a\nname: a\nversion: 1\nbuild: {language: python, python: {entrypoint: .}}\n",
            "plugin.yml:4:48: build.python.entrypoint: names the package itself; expected a file of it"
        ),
        (
            "id: &x a\n", "plugin.yml:1:5: id: anchors (&) are not used here; write the value out"
        ),
    ])
    func `a plugin.yml that is wrong is told by place, key and what was expected`(
        text: String, sentence: String
    ) {
        #expect(error(text, file: "plugin.yml") == sentence)
    }

    @Test func `no bytes are too odd for the reader`() {
        var generator = SystemRandomNumberGenerator()
        let seeds = [
            #"{"name": "a", "command": "x", "args": ["y"], "working_directory": "."}"#,
            "id: a\nname: a\nversion: 1\nbuild: {language: go}\n",
        ]
        for round in 0..<2000 {
            var bytes = Array(seeds[round % 2].utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            let file = round % 2 == 0 ? "plugin.json" : "plugin.yml"
            _ = try? PluginManifest.decode(bytes, file: file) { _ in false }
        }
    }
}
