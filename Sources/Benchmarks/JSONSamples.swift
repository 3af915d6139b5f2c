/// The texts that the scanner is measured with: frames as TGO plugins send them, and texts that each
/// hold much of one thing.
struct JSONSample {
    let name: String
    let bytes: [UInt8]

    private init(_ name: String, _ text: String) {
        self.name = name
        bytes = Array(text.utf8)
    }

    static let all = [
        JSONSample("register", register),
        JSONSample("render result, 1 KB", render),
        JSONSample("dense, 64 KB", dense),
        JSONSample("small objects, 64 KB", smallObjects),
        JSONSample("numbers, 64 KB", numbers),
        JSONSample("indented, 64 KB", indented),
        JSONSample("one string, 64 KB", "\"\(repeated("The quick brown fox. ", upTo: 64 << 10))\""),
        JSONSample("Chinese text, 64 KB", "\"\(repeated("订单号已完成，共299元。", upTo: 64 << 10))\""),
        JSONSample("escapes, 64 KB", "\"\(repeated(#"line\n\"é\" \u00e9\uD83D\uDE00 "#, upTo: 64 << 10))\""),
        JSONSample("10,000 like keys", keys(count: 10_000)),
        JSONSample("10,000 long like keys", keys(count: 10_000, length: 120)),
    ]

    private static let register = #"""
        {"jsonrpc":"2.0","id":1,"method":"register","params":{"id":"com.example.orders","name":"orders",\#
        "version":"1.4.2","description":"Shows a visitor's orders beside the conversation","author":"Example",\#
        "capabilities":[{"type":"visitor_panel","title":"Orders","icon":"shopping-cart","priority":10},\#
        {"type":"chat_toolbar","title":"Send order","icon":"receipt","tooltip":"Send an order card","shortcut":"Ctrl+O"},\#
        {"type":"sidebar_iframe","title":"Shop","icon":"store","url":"https://shop.example.com/admin","width":480}],\#
        "dev_token":""}}
        """#

    private static let render = #"""
        {"jsonrpc":"2.0","id":4711,"result":{"template":"group","data":{"items":[{"template":"key_value","data":\#
        {"title":"Customer","items":[{"label":"Name","value":"王小明","copyable":true},{"label":"Phone","value":\#
        "+86 138 0013 8000","copyable":true},{"label":"Level","value":"Gold","color":"#d4af37"},{"label":"Since",\#
        "value":"2021-03-14T09:26:53Z"}]}},{"template":"table","data":{"columns":[{"key":"no","title":"Order"},\#
        {"key":"sum","title":"Sum","align":"right"},{"key":"state","title":"State"}],"rows":[{"no":"A-20260101",\#
        "sum":299.00,"state":"已完成"},{"no":"A-20260214","sum":1280.50,"state":"shipping"},{"no":"A-20260305",\#
        "sum":45,"state":"new"}]}},{"template":"button","data":{"label":"Open in shop","action":{"action":"open_url",\#
        "data":{"url":"https://shop.example.com/customers/4711?tab=orders","target":"_blank"}},"variant":"primary",\#
        "disabled":false}},{"template":"text","data":{"text":"Updated 3 minutes ago.\nNext check at 10:30.","type":\#
        "secondary","size":12}}]}}}
        """#

    private static let dense =
        "[\(repeated(#"{"id":17,"ok":true,"tags":["a","bc"],"at":[1,-2.5,3e4],"next":null},"#, upTo: 64 << 10))0]"
    private static let smallObjects = "[\(repeated(#"{"a":1,"b":2},{"x":{"y":3}},"#, upTo: 64 << 10))0]"
    private static let numbers = "[\(repeated("1,-20,3.25,4e10,50000,6.022E+23,", upTo: 64 << 10))0]"
    private static let indented =
        "[\(repeated("\n        {\n            \"key\": \"value\",\n            \"n\": [ 1, 2 ]\n        },", upTo: 64 << 10))0]"

    private static func keys(count: Int, length: Int = 0) -> String {
        let front = String(repeating: "k", count: length)
        return "{\((0..<count).map { "\"\(front)\(100_000 + $0)\":0" }.joined(separator: ","))}"
    }

    private static func repeated(_ text: String, upTo size: Int) -> String {
        String(repeating: text, count: size / text.utf8.count)
    }
}
