// The section `relay` of profiles: who the plugin has to be, and what a violation does.

import Testing

@testable import Sandbox

@Suite struct RelayKeyTests {
    private func policy(_ section: String) throws(ConfigError) -> MessagePolicy? {
        try Profile.decode(Array((minimalProfile + "relay: \(section)\n").utf8), file: "x.yaml").relay
            .messages
    }

    @Test func `a plugin may be anybody where no profile says who it is`() throws {
        for section in ["{rate: 5}", "{plugin: {name: any, id: any, capabilities: any}}"] {
            let policy = try policy(section)
            #expect(policy?.name == nil && policy?.id == nil && policy?.capabilities == nil)
        }
    }

    @Test func `a profile says who the plugin is and what it may declare`() throws {
        let policy = try policy("{plugin: {name: My Plugin, id: com.x.y, capabilities: [visitor_panel]}}")
        #expect(policy?.name == "My Plugin" && policy?.id == "com.x.y")
        #expect(policy?.capabilities == ["visitor_panel"])
        // Nothing may be declared.
        #expect(try self.policy("{plugin: {capabilities: []}}")?.capabilities == [])
    }

    @Test func `a plugin that is called any is written in quotation marks`() throws {
        #expect(try policy("{plugin: {name: \"any\"}}")?.name == "any")
        let kind = ProfileKey.relayPluginName.kind
        #expect(ProfileValue.text("any").written(as: kind) == "\"any\"")
        #expect(ProfileValue.unlimited.written(as: kind) == "any")
    }

    @Test(arguments: [
        ("{plugin: {name: \"\"}}", "relay.plugin.name", "is 0 bytes long; expected 1 to 200"),
        (
            "{plugin: {name: \"a\\nb\"}}", "relay.plugin.name",
            "\"a\\u{a}b\" holds a control character; expected one line of text"
        ),
        ("{plugin: {name: [a]}}", "relay.plugin.name", "is a list; expected text"),
        ("{plugin: {id: }}", "relay.plugin.id", "has no value; expected text, in quotation marks if"),
        ("{plugin: {capabilities: some}}", "relay.plugin.capabilities", "expected a list"),
        ("{plugin: {capabilities: [a, a]}}", "relay.plugin.capabilities[1]", "\"a\" is listed twice"),
        ("{plugin: {nam: x}}", "relay.plugin.nam", "is not a key here; did you mean name?"),
        ("{plugin: x}", "relay.plugin", "expected a mapping"),
        ("{violation: kil}", "relay.violation", "\"kil\" is not a value here; did you mean kill?"),
    ])
    func `a mistake is told with its key`(section: String, key: String, problem: String) {
        let error = #expect(throws: ConfigError.self) { try policy(section) }
        #expect(error?.key == key)
        #expect(error?.problem.contains(problem) == true, "\(error?.problem ?? "")")
    }

    @Test(arguments: [("drop", MessagePolicy.Violation.drop), ("close", .close), ("kill", .kill)])
    func `a violation does what the profile says`(word: String, violation: MessagePolicy.Violation) throws {
        #expect(try policy("{violation: \(word)}")?.violation == violation)
    }

    @Test(arguments: ["relay.plugin.name", "relay.plugin", "relay"])
    func `who a plugin is can be locked`(path: String) throws {
        let below = try ProfileFile(
            Array((minimalProfile + "relay: {plugin: {name: good}}\nlocked: [\(path)]\n").utf8),
            file: "a.yaml")
        let base = PartialProfile.builtIn.merged(with: below.layer)
        for (name, isRefused) in [("bad", true), ("any", true), ("good", false)] {
            let above = try ProfileFile(Array("relay: {plugin: {name: \(name)}}\n".utf8), file: "b.yaml")
            let problems = Profile.problems(of: base.merged(with: above.layer), file: "b.yaml")
            #expect(problems.map(\.key) == (isRefused ? ["relay.plugin.name"] : []))
            #expect(
                problems.first?.problem
                    == (isRefused ? "is locked by a.yaml:11 and stays \"good\"" : nil))
        }
    }

    /// Without a lock the upper file wins, back to anybody as well.
    @Test func `an upper file says who the plugin is`() throws {
        let below = try ProfileFile(
            Array((minimalProfile + "relay: {plugin: {name: one, id: two}}\n").utf8), file: "a.yaml")
        let above = try ProfileFile(Array("relay: {plugin: {name: any}}\n".utf8), file: "b.yaml")
        let layers = PartialProfile.builtIn.merged(with: below.layer).merged(with: above.layer)
        let policy = try Profile(layers, name: "b", file: "b.yaml").relay.messages
        #expect(policy?.name == nil && policy?.id == "two")
    }
}
