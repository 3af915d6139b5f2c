// Plugins that are wrong in one thing each: it is found, the test ends, and nothing is left.

import Linux
import TestSupport
import Testing

@Suite struct BrokenPluginTests {
    /// A plugin and what is found of it.
    struct Broken: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let main: String
        var timeout = "60s"
        /// Each the beginning of one finding; all there are.
        let wrong: [String]
    }

    @Test func `the plugin that they are made from is well formed`() throws {
        let test = try PluginTest.run("register()\nserve()\n")
        #expect(test.outcome.status == 0 && test.wrong == [], "\(test.outcome.output)\(test.outcome.errors)")
    }

    private static let exited = "plugin: exits with status"

    @Test(arguments: [
        Broken(
            testDescription: "an unknown template",
            main: "def render(call): answer(call, {'template': 'tabel', 'data': {}})\nregister()\nserve()",
            wrong: [
                "visitor_panel/render: result.template: \"tabel\" is no template of TGO; did you mean table?"
            ]),
        Broken(
            testDescription: "a template without what it needs",
            main: "def render(call): answer(call, {'template': 'text', 'data': {}})\nregister()\nserve()",
            wrong: ["visitor_panel/render: result.data.text: is missing; expected a string or a number"]),
        Broken(
            testDescription: "an unknown action",
            main: "def event(call): answer(call, {'action': 'open_uri', 'data': {}})\nregister()\nserve()",
            wrong: [
                "visitor_panel/event: is answered with the error -32002: an answer asks for the action \"open_uri\","
            ]),
        Broken(
            testDescription: "an action without what it needs",
            main: "def event(call): answer(call, {'action': 'open_url', 'data': {}})\nregister()\nserve()",
            wrong: ["visitor_panel/event: result.data.url: is missing; expected a string"]),
        Broken(
            testDescription: "an answer that is not JSON",
            main: "def render(call): raw(b'{nonsense')\nregister()\nserve()",
            wrong: [
                "connection: ended before the plugin did answer visitor_panel/render",
                "relay: a frame is not JSON: byte 1: expected a key in quotes or }, found \"n\" (json, refused once)",
                "\(exited) 0 before it was asked to",
            ]),
        Broken(
            testDescription: "another method first",
            main: "send({'id': 1, 'method': 'hello'})\nreceive()",
            wrong: [
                "connection: ended before the plugin did register",
                "relay: the first message is not register (registration, refused once)",
                "\(exited) 0 before it was asked to",
            ]),
        Broken(
            testDescription: "a crash",
            main: "def render(call): sys.exit(3)\nregister()\nserve()",
            wrong: [
                "connection: ended before the plugin did answer visitor_panel/render",
                "\(exited) 3 before it was asked to",
            ]),
        Broken(
            testDescription: "a signal",
            main: "def render(call): os.kill(os.getpid(), signal.SIGSEGV)\nregister()\nserve()",
            wrong: [
                "connection: ended before the plugin did answer visitor_panel/render",
                "plugin: is ended: signalled (signal 11)",
            ]),
        Broken(
            testDescription: "an exit before it connects",
            main: "os._exit(0)",
            wrong: ["connection: ended before the plugin did register", "\(exited) 0 before it was asked to"]),
        Broken(
            testDescription: "a registration without a title",
            main: """
                send({"id": 1, "method": "register", "params": {"name": "a", "capabilities": [{"type": "x"}]}})
                receive()
                serve()
                """,
            wrong: ["register: params.capabilities[0].title: is missing; expected a string"]),
        Broken(
            testDescription: "a call after register",
            main: """
                def render(call):
                    send({"id": 9, "method": "host/secrets"})
                    receive()
                    answer(call, {"template": "empty"})
                register()
                serve()
                """,
            wrong: ["relay: the plugin calls \"host/secrets\"; all that it may call is register, once"]),
    ])
    func `a plugin with one mistake is told of it`(plugin: Broken) throws {
        let test = try PluginTest.run(plugin.main, ["--timeout", plugin.timeout])
        #expect(test.outcome.status == 1, "\(test.outcome.output)\(test.outcome.errors)")
        expect(test, plugin.wrong)
    }

    @Test(arguments: [
        Broken(
            testDescription: "a plugin that never registers", main: "signal.pause()", timeout: "3s",
            wrong: ["register: did not come within 3s"]),
        Broken(
            testDescription: "a plugin that hangs",
            main: "def render(call): signal.pause()\nregister()\nserve()", timeout: "15s",
            wrong: ["visitor_panel/render: did not come within 15s"]),
        Broken(
            testDescription: "an answer with another id",
            main:
                "def render(call): send({'id': 1001, 'result': {'template': 'empty'}})\nregister()\nserve()",
            timeout: "15s",
            wrong: [
                "visitor_panel/render: did not come within 15s",
                "relay: an answer has the id 1001, which no call waits with (pending, refused once)",
            ]),
        Broken(
            testDescription: "a plugin that stays",
            main: "register()\nserve()\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nsignal.pause()",
            timeout: "15s",
            wrong: ["plugin: did not exit within 15s after its connection ended"]),
    ])
    func `a plugin that does not do what is awaited is ended in time`(plugin: Broken) throws {
        let test = try PluginTest.run(plugin.main, ["--timeout", plugin.timeout])
        #expect(test.outcome.status == 1, "\(test.outcome.output)\(test.outcome.errors)")
        expect(test, plugin.wrong)
    }

    private func expect(_ test: PluginTest, _ wrong: [String]) {
        #expect(test.wrong.count == wrong.count, "\(test.outcome.output)\(test.outcome.errors)")
        for sentence in wrong {
            #expect(test.wrong.contains { $0.hasPrefix(sentence) }, "\(sentence)\n\(test.outcome.output)")
        }
        let count = wrong.count == 1 ? "1 thing is wrong" : "\(wrong.count) things are wrong"
        #expect(test.lines.last?.hasPrefix("a: \(count), ") == true, "\(test.lines.last ?? "")")
    }

    @Test func `what a plugin writes is shown up to a limit, escaped, and does not hold it up`() throws {
        let main = #"""
            sys.stdout.write("\x1b]0;title\x07" + "x" * 3000 + "\n")
            for _ in range(200):
                sys.stderr.write("y" * 100000 + "\n")
            sys.stdout.flush()
            register()
            serve()
            """#
        let test = try PluginTest.run(main)
        #expect(test.outcome.status == 0, "\(test.outcome.errors)")
        #expect(test.outcome.stdout.count < 150_000)
        #expect(!test.outcome.stdout.contains(0x1B) && !test.outcome.stdout.contains(0x07))
        #expect(test.lines.contains { $0.hasPrefix("plugin stdout  \\u{1b}]0;title\\u{7}xxx") })
        #expect(test.warnings == ["plugin stderr: 19934664 bytes more are not shown"])
        #expect(test.lines.allSatisfy { $0.utf8.count < 1100 })
    }

    @Test func `a long message is cut in a line of its own`() throws {
        let main = "def render(call): answer(call, {'template': 'text', 'data': {'text': 'z' * 1000000}})\n"
        let test = try PluginTest.run(main + "register()\nserve()")
        #expect(test.outcome.status == 0, "\(test.outcome.errors)")
        #expect(test.lines.contains { $0.hasSuffix("zzz... (1000042 characters)") }, "\(test.lines)")
    }

    @Test(arguments: [(signal: CInt(15), code: CInt?(143)), (9, nil)])
    func `a test that is ended by a signal takes its sandbox with it`(signal: CInt, code: CInt?) throws {
        let directory = try TemporaryDirectory()
        try PluginTest.package("print('running', flush=True)\nsignal.pause()\n", in: directory)
        try File.makeDirectories(directory("tmp"))
        try Corral.leavesNothing {
            let program = try Program(
                [Corral.path, "plugin", "test", directory("plugin")],
                environment: PluginTest.environment(directory)
            ).start()
            try #require(try program.waitForText("running", within: 60))
            #expect(File.names(in: directory("tmp")) == [], "the socket goes as soon as the relay has it")
            try program.signal(signal)
            let outcome = try program.wait(timeout: 60)
            #expect(outcome.status == code && !outcome.timedOut)
        }
    }
}
