// Results of plugins against the templates and actions that TGO documents.

import Testing

@testable import Plugins

@Suite struct ContentTests {
    @Test(arguments: [
        #"{"template": "text", "data": {"text": "a", "type": "info", "copyable": true}}"#,
        #"{"template": "text", "data": {"text": 12, "unknown": {}}}"#,
        #"{"template": "key_value", "data": {"items": [{"label": "a", "value": 1}, {"label": "b", "value": "c"}]}}"#,
        #"{"template": "table", "data": {"columns": [{"key": "a", "label": "A"}], "rows": [{"a": {"text": "x"}}]}}"#,
        #"{"template": "card", "data": {}}"#,
        #"{"template": "cards", "data": {"items": [{"id": 1, "title": "a"}]}}"#,
        #"{"template": "link", "data": {"text": "a", "url": "https://example.com"}}"#,
        #"{"template": "links", "data": {"items": [{"text": "a", "url": "/"}]}}"#,
        #"{"template": "button", "data": {"label": "a", "action_id": "b"}}"#,
        #"{"template": "action", "data": {"buttons": [{"id": "a", "label": "b", "icon": null}]}}"#,
        #"{"template": "markdown", "data": {"content": "a", "max_height": "200px"}}"#,
        #"{"template": "list", "data": {"items": []}}"#,
        #"{"template": "timeline", "data": {"items": [{"time": "now", "title": "a"}]}}"#,
        #"{"template": "stats", "data": {"items": [{"label": "a", "value": 3.5, "trend": "+1"}]}}"#,
        #"{"template": "empty"}"#, #"{"template": "loading", "data": null}"#,
        #"{"template": "tabs", "data": {"items": [{"key": "a", "label": "A", "content": {"template": "empty"}}]}}"#,
        #"{"template": "form", "data": {"fields": [{"name": "a", "type": "select", "options": [{"value": "1"}]}]}}"#,
    ])
    func `a template as documented is right`(result: String) {
        #expect(Talk.render(result) == [])
    }

    @Test func `every template and action that is documented is known`() {
        let templates = [
            "text", "key_value", "table", "card", "cards", "link", "links", "button", "action", "markdown",
            "list",
            "timeline", "stats", "empty", "loading", "group", "tabs", "form",
        ]
        let actions = [
            "open_url", "insert_text", "send_message", "show_toast", "copy_text", "refresh", "close_modal",
            "noop",
            "show_modal", "batch", "notify",
        ]
        #expect(Set(Documented.templates.map(\.name)) == Set(templates))
        #expect(Set(Documented.actions.map(\.name)) == Set(actions))
    }

    @Test(arguments: [
        ("[]", "result: is a list; expected an object with template and data"),
        ("{}", "result.template: is missing; expected a string"),
        (#"{"template": 1}"#, "result.template: is a number; expected a string"),
        (#"{"template": "tabel"}"#, "result.template: \"tabel\" is no template of TGO; did you mean table?"),
        (#"{"template": "text"}"#, "result.data: is missing; expected an object with text"),
        (#"{"template": "text", "data": []}"#, "result.data: is a list; expected an object"),
        (
            #"{"template": "text", "data": {"text": null}}"#,
            "result.data.text: is null; expected a string or a number"
        ),
        (
            #"{"template": "table", "data": {"columns": [{"key": "a"}], "rows": []}}"#,
            "result.data.columns[0].label: is missing; expected a string"
        ),
        (
            #"{"template": "table", "data": {"columns": [], "rows": [{}, "x"]}}"#,
            "result.data.rows[1]: is a string; expected an object"
        ),
        (
            #"{"template": "group", "data": {"items": [{"template": "empty"}, {"template": "link", "data": {"text": "a"}}]}}"#,
            "result.data.items[1].data.url: is missing; expected a string"
        ),
        (
            #"{"template": "tabs", "data": {"items": [{"key": "a", "label": "b", "content": {"template": "x"}}]}}"#,
            "result.data.items[0].content.template: \"x\" is no template of TGO; expected one of action, button,"
        ),
    ])
    func `a template that is not is told by its place`(result: String, sentence: String) {
        let wrong = Talk.render(result)
        #expect(wrong.count == 1)
        #expect(wrong.first?.hasPrefix("visitor_panel/render: \(sentence)") == true, "\(wrong)")
    }

    @Test(arguments: [
        #"{"action": "open_url", "data": {"url": "https://example.com"}}"#,
        #"{"action": "noop"}"#, #"{"action": "refresh", "data": null}"#,
        #"{"action": "show_toast", "data": {"message": "a", "duration": 3000}}"#,
        #"{"action": "batch", "data": {"actions": [{"action": "refresh"}, {"action": "copy_text", "data": {"text": "a"}}]}}"#,
        #"{"action": "show_modal", "data": {"title": "a", "template": "text", "data": {"text": "b"}}}"#,
        #"{"action": "show_modal", "data": {"title": "a", "fields": [], "submit_action": "b"}}"#,
    ])
    func `an action as documented is right`(result: String) {
        let talk = Talk.event(result)
        #expect(talk.wrong == [] && talk.warnings == [])
        #expect(talk.lastMethod == "shutdown")
    }

    @Test(arguments: [
        ("{}", "result.action: is missing; expected a string"),
        (
            #"{"action": "open_uri"}"#,
            "result.action: \"open_uri\" is no action of TGO; did you mean open_url?"
        ),
        (#"{"action": "open_url", "data": {}}"#, "result.data.url: is missing; expected a string"),
        (
            #"{"action": "batch", "data": {"actions": {}}}"#,
            "result.data.actions: is an object; expected a list"
        ),
        (
            #"{"action": "batch", "data": {"actions": [{"action": "noop"}, {"action": "send_message", "data": {}}]}}"#,
            "result.data.actions[1].data.content: is missing; expected a string"
        ),
        (
            #"{"action": "show_modal", "data": {"template": "text", "data": {}}}"#,
            "result.data.data.text: is missing; expected a string or a number"
        ),
    ])
    func `an action that is not is told by its place`(result: String, sentence: String) {
        #expect(Talk.event(result).wrong == ["visitor_panel/event: \(sentence)"])
    }

    @Test func `batches inside one another end at the depth that the relay allows`() {
        func nested(_ depth: Int) -> String {
            (0..<depth).reduce(#"{"action": "noop"}"#) { inner, _ in
                #"{"action": "batch", "data": {"actions": [\#(inner)]}}"#
            }
        }
        #expect(Talk.event(nested(8)).wrong == [])
        #expect(
            Talk.event(nested(9)).wrong.first?.contains("is a batch inside 8 others; expected at most 8")
                == true)
    }

    @Test func `success in place of an action is right, with a warning`() {
        let talk = Talk.event(#"{"success": true}"#)
        #expect(talk.wrong == [])
        #expect(
            talk.warnings == ["visitor_panel/event: result: has no action; TGO expects one, such as noop"])
    }

    @Test func `the first hundred mistakes are listed and the others counted`() {
        let rows = Array(repeating: "1", count: 250).joined(separator: ",")
        var talk = Talk.registered(Talk.panel)
        talk.say(#""id": 1, "result": {"template": "table", "data": {"columns": [], "rows": [\#(rows)]}}"#)
        #expect(talk.wrong.count == 100)
    }
}
