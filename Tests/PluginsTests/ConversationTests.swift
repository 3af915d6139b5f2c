// The host's side of a test: what it calls, in which order, and what it takes for wrong.

import Testing

@testable import Plugins

@Suite struct ConversationTests {
    @Test func `a panel is registered, rendered, pressed and shut down`() {
        var talk = Talk.registered(Talk.panel)
        #expect(talk.sent.count == 2)
        #expect(
            talk.sent.first
                == #"{"jsonrpc":"2.0","id":"r","result":{"success":true,"plugin_id":"plugin_00000001","host_version":"1.0.0"}}"#
        )
        #expect(
            talk.lastMethod == "visitor_panel/render" && talk.host.awaited == "answer visitor_panel/render")
        talk.say(
            #""id": 1, "result": {"template": "action", "data": {"buttons": [{"id": "go", "label": "Go"}]}}"#)
        #expect(talk.lastMethod == "visitor_panel/event")
        #expect(talk.sent.last?.contains(#""event_type":"button_click","action_id":"go""#) == true)
        talk.say(#""id": 2, "result": {"action": "noop"}"#)
        #expect(talk.lastMethod == "shutdown" && !talk.host.isOver)
        talk.say(#""id": 3, "result": {"success": true}"#)
        #expect(talk.host.isOver && talk.host.isComplete && talk.sent.count == 4)
        talk.host.ended()
        #expect(talk.wrong == [] && talk.warnings == [] && talk.host.answered == 3)
        #expect(talk.host.name == "a" && talk.host.version == "1")
    }

    @Test func `a form is filled in and sent`() {
        var talk = Talk.registered(Talk.panel)
        talk.say(
            #""id": 1, "result": {"template": "group", "data": {"items": [{"template": "empty"}, {"template": "form","#
                + #" "data": {"fields": [{"name": "n", "type": "number"}, {"name": "c", "type": "switch"},"#
                + #" {"name": "s", "type": "select", "options": [{"value": "v", "label": "V"}]}, {"name": "t"}]}}]}}"#
        )
        #expect(talk.sent.last?.contains(#""event_type":"form_submit","action_id":"submit""#) == true)
        #expect(talk.sent.last?.contains(#""form_data":{"n":1,"c":true,"s":"v","t":"test"}"#) == true)
    }

    @Test func `each extension point is called by its own methods`() {
        var talk = Talk.registered(
            #"[{"type": "chat_toolbar", "title": "a"}, {"type": "sidebar_iframe", "title": "b"},"#
                + #" {"type": "channel_integration", "title": "c"}, {"type": "mcp_tools", "title": "d","#
                + #" "tools": [{"name": "t", "parameters": [{"name": "e", "type": "enum", "enum_values": ["x"]},"#
                + #" {"name": "n", "type": "number"}]}]}]"#)
        let results = [
            ("chat_toolbar/render", #"{"template": "empty"}"#),
            ("chat_toolbar/event", #"{"action": "noop"}"#),
            ("sidebar_iframe/config", #"{"url": "https://example.com"}"#),
            ("channel_integration/manifest", #"{"channel_type": "x", "name": "y"}"#),
            ("tool/execute", #"{"success": true, "content": "done"}"#), ("shutdown", #"{"success": true}"#),
        ]
        for (index, (method, result)) in results.enumerated() {
            #expect(talk.lastMethod == method)
            if method == "tool/execute" {
                #expect(talk.sent.last?.contains(#""tool_name":"t","arguments":{"e":"x","n":1}"#) == true)
            }
            talk.say(#""id": \#(index + 1), "result": \#(result)"#)
        }
        #expect(talk.host.isComplete && talk.wrong == [] && talk.warnings == [])
    }

    @Test func `methods that TGO never calls may be unknown, and an older name is as good with a warning`() {
        let unknown = #""error": {"code": -32601, "message": "no"}"#
        var talk = Talk.registered(
            #"[{"type": "sidebar_iframe", "title": "b"}, {"type": "visitor_panel", "title": "c"}]"#)
        talk.say(#""id": 1, \#(unknown)"#)
        talk.say(#""id": 2, "result": {"template": "empty"}"#)
        talk.say(#""id": 3, \#(unknown)"#)
        #expect(talk.lastMethod == "visitor_panel/action")
        talk.say(#""id": 4, "result": {"action": "noop"}"#)
        #expect(talk.lastMethod == "shutdown" && talk.wrong == [])
        #expect(
            talk.warnings == [
                "sidebar_iframe/config: is not known to the plugin; TGO does not call it either",
                "visitor_panel/action: result: the plugin knows no visitor_panel/event, which TGO calls",
            ])
    }

    @Test func `an event that is known by no name is wrong`() {
        let unknown = #""error": {"code": -32601, "message": "no"}"#
        var talk = Talk.registered(Talk.panel)
        talk.say(#""id": 1, "result": {"template": "empty"}"#)
        talk.say(#""id": 2, \#(unknown)"#)
        talk.say(#""id": 3, \#(unknown)"#)
        #expect(
            talk.wrong == [
                "visitor_panel/event: is answered with the error -32601, and so is visitor_panel/action: no"
            ])
        #expect(talk.lastMethod == "shutdown")
    }

    @Test func `an error in place of an answer is wrong, and the test goes on`() {
        var talk = Talk.registered(Talk.panel)
        talk.say(#""id": 1, "error": {"code": -32603, "message": "boom\nnext"}"#)
        #expect(talk.wrong == ["visitor_panel/render: is answered with the error -32603: boom\\u{a}next"])
        #expect(talk.lastMethod == "visitor_panel/event")
        talk.say(#""id": 2, "error": "x""#)
        #expect(talk.wrong.contains("visitor_panel/event: error: is a string; expected an object"))
    }

    @Test func `a shutdown that does not succeed is wrong`() {
        var talk = Talk.registered("[]")
        #expect(talk.warnings == ["register: params.capabilities: is empty: there is nothing to call"])
        talk.say(#""id": 1, "result": {"success": false}"#)
        #expect(talk.wrong == ["shutdown: result.success: is false; expected true"])
    }

    @Test(arguments: [
        (#""id": 7, "result": {}"#, "visitor_panel/render: id: is 7; expected 1"),
        (#""id": "1", "result": {}"#, "visitor_panel/render: id: is \"1\"; expected 1"),
        (
            #""id": 1, "method": "host/secrets""#,
            "message: calls \"host/secrets\"; after register a plugin only answers"
        ),
    ])
    func `what is no answer to the call is wrong, and the answer is still awaited`(
        message: String, sentence: String
    ) {
        var talk = Talk.registered(Talk.panel)
        talk.say(message)
        #expect(talk.wrong == [sentence])
        #expect(talk.host.awaited == "answer visitor_panel/render" && talk.sent.count == 2)
    }

    @Test func `an endless stream of them ends the test`() {
        var talk = Talk.registered(Talk.panel)
        for id in 100..<300 { talk.say(#""id": \#(id), "result": {}"#) }
        #expect(talk.host.isOver && !talk.host.isComplete && talk.wrong.count == 100)
    }

    @Test func `a message that is not JSON ends the test`() {
        var talk = Talk.registered(Talk.panel)
        talk.raw("{nonsense")
        #expect(talk.host.isOver)
        #expect(
            talk.wrong == ["message: a frame is not JSON: byte 1: expected a key in quotes or }, found \"n\""]
        )
    }

    @Test func `anything before register ends the test with TGO's own error`() {
        var talk = Talk()
        talk.say(#""id": 5, "method": "hello""#)
        #expect(talk.host.isOver)
        #expect(talk.wrong == ["register: is not the first message; expected a request of register"])
        #expect(talk.sent.first?.contains(#""id":5,"error":{"code":-32600"#) == true)
    }

    @Test func `what did not come in time, and an end before it, are named`() {
        var silent = Talk()
        silent.host.timeUp("30s")
        #expect(silent.wrong == ["register: did not come within 30s"])
        silent.host.ended()
        #expect(silent.wrong.count == 1)
        var slow = Talk.registered(Talk.panel)
        slow.host.timeUp("2s")
        #expect(slow.wrong == ["visitor_panel/render: did not come within 2s"])
        var gone = Talk.registered(Talk.panel)
        gone.host.ended()
        #expect(gone.wrong == ["connection: ended before the plugin did answer visitor_panel/render"])
    }

    @Test(arguments: [
        (#""params": {"capabilities": []}"#, "register: params.name: is missing; expected a string"),
        (#""params": []"#, "register: params: is a list; expected an object"),
        (
            #""params": {"name": "a", "capabilities": null}"#,
            "register: params.capabilities: is null, which TGO fails on; expected a list"
        ),
        (
            #""params": {"name": "a", "capabilities": {}}"#,
            "register: params.capabilities: is an object; expected a list"
        ),
        (
            #""params": {"name": "a", "capabilities": [{"type": "channel_integration", "name": "x"}]}"#,
            "register: params.capabilities[0].title: is missing; expected a string"
        ),
        (
            #""params": {"name": "a", "capabilities": [{"type": "mcp_tools", "title": "x"}]}"#,
            "register: params.capabilities[0].tools: is missing; expected a list"
        ),
    ])
    func `a registration that TGO would not take is wrong`(params: String, sentence: String) {
        var talk = Talk()
        talk.say(#""id": 1, "method": "register", \#(params)"#)
        #expect(talk.wrong == [sentence])
    }

    @Test func `a type that is declared twice is called once`() {
        var talk = Talk.registered(
            #"[{"type": "visitor_panel", "title": "A"}, {"type": "visitor_panel", "title": "B"}]"#)
        #expect(talk.warnings.count == 1)
        talk.say(#""id": 1, "result": {"template": "empty"}"#)
        talk.say(#""id": 2, "result": {"action": "noop"}"#)
        #expect(talk.lastMethod == "shutdown")
    }
}
