/// The templates of JSON-UI and the actions of JSON-ACTION that TGO documents, and what is in the `data`
/// of each. Members that are not listed are allowed: the page passes over them.
enum Documented {
    static func template(_ name: String) -> [Shape.Field]? { templates.first { $0.name == name }?.fields }
    static func action(_ name: String) -> [Shape.Field]? { actions.first { $0.name == name }?.fields }

    typealias Entry = (name: String, fields: [Shape.Field])

    static let templates: [Entry] = texts + lists + controls + containers

    private static let texts: [Entry] = [
        ("text", [.required("text", .shown), .optional("type"), .optional("copyable", .flag)]),
        ("markdown", [.required("content"), .optional("max_height", .shown)]),
        (
            "link",
            [
                .required("text"), .required("url"), .optional("icon"), .optional("target"),
                .optional("description"),
            ]
        ),
        (
            "empty",
            [.optional("icon"), .optional("title"), .optional("description"), .optional("action", button)]
        ),
        ("loading", [.optional("text")]),
    ]

    private static let button = Shape.object([.required("id"), .required("label"), .optional("type")])
    private static let tag = Shape.object([.required("text"), .optional("color")])

    private static let lists: [Entry] = [
        (
            "key_value",
            [
                .optional("title"),
                .required(
                    "items",
                    .list(
                        .object([
                            .required("label"), .required("value", .shown), .optional("icon"),
                            .optional("color"), .optional("type"), .optional("copyable", .flag),
                        ]))),
            ]
        ),
        (
            "table",
            [
                .optional("title"),
                .required("columns", .list(.object([.required("key"), .required("label")]))),
                .required("rows", .list(.object([]))), .optional("pagination", .object([])),
            ]
        ),
        (
            "card",
            [
                .optional("title"), .optional("subtitle"), .optional("image"),
                .optional("fields", .list(.object([.required("label"), .required("value", .shown)]))),
                .optional("tags", .list(tag)), .optional("actions", .list(button)),
            ]
        ),
        (
            "cards",
            [
                .optional("title"), .optional("layout"), .optional("columns", .number),
                .required("items", .list(.object([.optional("title"), .optional("description")]))),
            ]
        ),
        (
            "links",
            [
                .optional("title"),
                .required("items", .list(.object([.required("text"), .required("url"), .optional("icon")]))),
            ]
        ),
        (
            "list",
            [
                .optional("title"),
                .required(
                    "items",
                    .list(.object([.optional("text"), .optional("title"), .optional("description")]))),
                .optional("searchable", .flag),
            ]
        ),
        (
            "timeline",
            [
                .optional("title"),
                .required(
                    "items",
                    .list(
                        .object([
                            .optional("time", .shown), .optional("title"), .optional("description"),
                            .optional("status"),
                        ]))),
            ]
        ),
        (
            "stats",
            [.required("items", .list(.object([.required("label"), .required("value", .shown)])))]
        ),
    ]

    private static let controls: [Entry] = [
        (
            "button",
            [.required("label"), .required("action_id"), .optional("type"), .optional("disabled", .flag)]
        ),
        ("action", [.required("buttons", .list(button))]),
        (
            "form",
            [
                .optional("title"), .optional("submit_text"), .optional("cancel_text"),
                .optional("action_id"),
                .required(
                    "fields",
                    .list(
                        .object([
                            .required("name"), .optional("label"), .optional("type"),
                            .optional("required", .flag), .optional("options", .list(.object([]))),
                        ]))),
            ]
        ),
    ]

    private static let containers: [Entry] = [
        ("group", [.required("items", .list(.template)), .optional("layout")]),
        (
            "tabs",
            [
                .optional("default_tab"),
                .required(
                    "items",
                    .list(.object([.required("key"), .required("label"), .required("content", .template)]))),
            ]
        ),
    ]

    static let actions: [Entry] = [
        ("open_url", [.required("url"), .optional("target")]),
        ("insert_text", [.required("text"), .optional("replace", .flag)]),
        ("send_message", [.required("content"), .optional("content_type")]),
        ("show_toast", [.required("message"), .optional("type"), .optional("duration", .number)]),
        ("copy_text", [.required("text"), .optional("toast")]),
        ("refresh", []),
        ("close_modal", []),
        ("noop", []),
        // Older pages of the documentation put a template's own members here.
        ("show_modal", [.optional("title")]),
        ("notify", [.required("message"), .optional("type")]),
        ("batch", [.required("actions", .list(.action))]),
    ]
}
