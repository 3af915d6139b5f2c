// Plugins that are as they should be: those that others wrote, and every layout of the manifest.

import Linux
import TestSupport
import Testing
import Wire

@Suite struct GoodPluginTests {
    @Test(arguments: [
        (UnmodifiedPluginTests.plugins[0], nil), (UnmodifiedPluginTests.plugins[1], "main.js"),
        (UnmodifiedPluginTests.plugins[2], nil),
    ])
    func `an unmodified plugin is well formed`(plugin: UnmodifiedPluginTests.Plugin, entry: String?) throws {
        let directory = try TemporaryDirectory()
        guard let copy = try plugin.copied(to: directory("plugin")) else { return }
        if let entry {
            // The quick start for Node comes without a manifest.
            let words = #"{"name": "visitor-orders", "command": "node", "args": ["\#(entry)"]}"#
            try File.write(Array(words.utf8), to: "\(copy)/plugin.json")
        }
        let test = try PluginTest.run(directory)
        #expect(test.outcome.status == 0, "\(test.outcome.output)\(test.outcome.errors)")
        #expect(test.wrong == [])
        #expect(test.lines.last?.hasSuffix(": well formed, 3 calls answered") == true)
        let methods = ["visitor_panel/render 1", "visitor_panel/event 2", "shutdown 3"]
        for method in methods {
            #expect(test.lines.contains { $0.hasPrefix("host -> plugin  \(method)  {") })
        }
        #expect(
            test.lines.contains {
                $0.hasPrefix("plugin -> host  register 1  {\"name\": ") || $0.contains("{\"name\":")
            })
        #expect(test.lines.filter { $0.hasPrefix("plugin -> host  result ") }.count == 3)
    }

    @Test func `the quick start's absolute working directory is the package, with a warning`() throws {
        let directory = try TemporaryDirectory()
        guard try UnmodifiedPluginTests.plugins[0].copied(to: directory("plugin")) != nil else { return }
        let test = try PluginTest.run(directory)
        #expect(
            test.warnings == [
                "plugin.json:7:24: working_directory: \"/path/to/my-first-plugin\" is absolute; "
                    + "the package's own directory is taken"
            ])
    }

    @Test(arguments: [
        (
            "plugin.json",
            #"{"name": "a", "runtime": {"command": "python3", "args": ["../main.py"], "working_directory": "sub","#
                + #" "env": {"MODE": "test"}}}"#
        ),
        (
            "plugin.yml",
            "id: a\nname: a\nversion: 1\nbuild: {language: python}\nruntime: {env: {MODE: test}, args: [x]}\n"
        ),
    ])
    func `the other layouts start the program as they say`(file: String, manifest: String) throws {
        let directory = try TemporaryDirectory()
        let main = """
            print("started in", os.getcwd(), "with", sys.argv[1:], os.environ["MODE"], flush=True)
            register()
            serve()
            """
        try PluginTest.package(main, in: directory)
        try File.remove(directory("plugin/plugin.json"))
        try directory.write("plugin/\(file)", manifest)
        try File.makeDirectories(directory("plugin/sub"))
        let test = try PluginTest.run(directory)
        #expect(test.outcome.status == 0, "\(test.outcome.output)\(test.outcome.errors)")
        let place = file == "plugin.yml" ? "/workspace with ['x'] test" : "/workspace/sub with [] test"
        #expect(test.lines.contains("plugin stdout  started in \(place)"), "\(test.lines)")
    }

    @Test func `the package is read-only where the profile says so`() throws {
        let write = """
            try:
                open("/workspace/written", "w")
                print("could write", flush=True)
            except OSError as error:
                print("refused", error.errno, flush=True)
            register()
            serve()
            """
        let directory = try TemporaryDirectory()
        try PluginTest.package(write, in: directory)
        let profile = try directory.write(
            "profile.yaml", "description: x\nextends: default\nfilesystem: {workspace: read_only}\n")
        // With the default profile it can.
        let free = try PluginTest.run(directory)
        #expect(free.outcome.status == 0 && free.lines.contains("plugin stdout  could write"))
        let bound = try PluginTest.run(directory, ["--profile", profile])
        #expect(bound.outcome.status == 0, "\(bound.outcome.output)\(bound.outcome.errors)")
        #expect(bound.lines.contains("plugin stdout  refused 30"), "\(bound.lines)")
    }

    @Test func `json prints one object for each thing, the messages in them as they were`() throws {
        let main = #"""
            print("out \x1b[31m", flush=True)
            register()
            def render(call):
                raw(b'{"jsonrpc": "2.0",\n "id": 1, "result":\n {"template": "text", "data": {"text": "\xc2\x9b"}}}')
            serve()
            """#
        let test = try PluginTest.run(main, ["--json"])
        #expect(test.outcome.status == 0, "\(test.outcome.output)\(test.outcome.errors)")
        let reports = try test.lines.map { try Report($0) }
        #expect(reports.allSatisfy { $0.text("event") != nil })
        #expect(reports.first?.text("event") == "start" && reports.last?.text("event") == "end")
        #expect(reports.last?.number("findings") == 0 && reports.last?.number("answered") == 3)
        #expect(reports.contains { $0.text("message", "result", "data", "text") == "\u{9B}" })
        #expect(reports.contains { $0.text("stream") == "stdout" && $0.text("text") == "out \\u{1b}[31m" })
        #expect(!test.outcome.output.unicodeScalars.contains("\u{9B}"))
    }
}
