/// What the relay lets through between a plugin and its host application.
package struct RelayPolicy: Hashable, Sendable {
    /// The largest frame, in bytes, without its length prefix.
    package var frameBytes: UInt32
    /// Connections that a plugin may have open at once.
    package var connections: UInt32
    /// The rules on what messages say. Every profile has some; nil, which tests of the transport use,
    /// leaves it at well-formed ones.
    package var messages: MessagePolicy?

    package init(frameBytes: UInt32, connections: UInt32, messages: MessagePolicy?) {
        self.frameBytes = frameBytes
        self.connections = connections
        self.messages = messages
    }
}

/// What the messages between a plugin and its host application may say, and how many there may be.
package struct MessagePolicy: Hashable, Sendable {
    /// What happens when a message of the plugin's is refused.
    package enum Violation: String, CaseIterable, Sendable {
        /// The message is left out; whoever waits for it gets an error in its place.
        case drop
        /// The connection is closed.
        case close
        /// The whole sandbox is ended.
        case kill
    }

    /// The longest name or id that can be asked for, in bytes.
    package static let longestIdentity = 200

    /// The name that the plugin has to register with; nil for any.
    package var name: String?
    /// The id that the plugin has to register with; nil for any, and for none.
    package var id: String?
    /// Extension points that the plugin may declare, such as `visitor_panel`; nil for any.
    package var capabilities: [String]?
    /// Methods that the host application may call: names in which `*` stands for any text without
    /// a slash.
    package var methods: [String]
    /// Actions that an answer may ask the user interface for.
    package var actions: [String]
    /// Schemes of the URLs in answers, in lower case.
    package var schemes: [String]
    /// Frames a second from each side, on average; 0 for no limit.
    package var rate: UInt32
    /// Frames from each side at once after a pause.
    package var burst: UInt32
    /// Calls that wait for an answer at once.
    package var inFlight: UInt32
    /// The longest that an answer may take, in milliseconds.
    package var deadline: UInt64
    /// The longest until a plugin has registered, in milliseconds.
    package var registration: UInt64
    /// Bytes an hour from each side; nil for no limit.
    package var bytesPerHour: UInt64?
    package var violation: Violation

    /// A method, or a pattern of methods: letters, digits and `_ . / - *`, at most 128 of them.
    package static func checkMethod(_ text: String) throws(ValueError) {
        let isFit = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "*"):
                true
            default: false
            }
        }
        guard isFit, (1...128).contains(text.utf8.count) else {
            throw ValueError(
                "\(quoted(text)) is no method; expected 1 to 128 of a-z, A-Z, 0-9 and _ . / - *, where * stands "
                    + "for anything but a slash")
        }
    }

    /// What is in force where a profile says nothing.
    package init() {
        name = nil
        id = nil
        capabilities = nil
        methods = [
            "*/render", "*/event", "*/action", "*/select", "*/submit", "sidebar_iframe/config",
            "channel_integration/manifest", "channel_integration/configure",
            "channel_integration/test_connection", "channel_integration/send_message", "tool/execute",
            "ping", "shutdown",
        ]
        actions = [
            "batch", "close_modal", "copy_text", "insert_text", "noop", "notify", "open_url", "refresh",
            "send_message", "show_modal", "show_toast",
        ]
        schemes = ["http", "https", "mailto", "tel"]
        rate = 200
        burst = 400
        inFlight = 64
        deadline = 30_000
        registration = 30_000
        bytesPerHour = nil
        violation = .drop
    }
}
