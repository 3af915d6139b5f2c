/// The frames of a measured conversation: what the plugin registers with, what the host calls and what
/// the plugin answers. Calls and answers have a number of ten digits at the same place.
struct RelayMessages {
    /// What the calls and answers look like.
    enum Kind: String, CaseIterable {
        /// 1 KB of payload both ways.
        case small = "1 KB"
        /// Answers of 1 MiB that are mostly one long string: a picture or a text.
        case text = "1 MB, text"
        /// Answers of 1 MiB of short values: a table.
        case table = "1 MB, table"
    }

    static let firstNumber: UInt64 = 1_000_000_000
    private static let front = #"{"jsonrpc":"2.0","id":"#

    /// Where the number is, from the start of a frame.
    static let numberPlace = 4 + front.utf8.count

    let registration = framed(
        #"{"jsonrpc":"2.0","id":1,"method":"register","params":{"id":"bench","name":"bench","version":"1","#
            + #""capabilities":[{"type":"visitor_panel","title":"Bench"}]}}"#)
    let welcome = framed(
        #"{"jsonrpc":"2.0","id":1,"result":{"success":true,"plugin_id":"bench","host_version":"1"}}"#)
    let call: [UInt8]
    let answer: [UInt8]

    init(_ kind: Kind) {
        let head = "\(Self.front)\(Self.firstNumber)"
        let method = #"\#(head),"method":"visitor_panel/render","params":{"visitor_id":"v_81723","#
        let result = #"\#(head),"result":{"template":"group","data":{"items":["#
        let card =
            #"{"template":"key_value","data":{"title":"Customer","items":[{"label":"Phone","value":"#
            + #""+86 138 0013 8000","copyable":true},{"label":"Level","value":"Gold","color":"#
            + ##""#d4af37"}]}},{"template":"table","data":{"columns":[{"key":"no","title":"Order"},"##
            + #"{"key":"sum","title":"Sum"}],"rows":[{"no":"A-20260101","sum":299.00},{"no":"A-20260214","#
            + #""sum":1280.50}]}},{"template":"button","data":{"label":"Open","action":{"action":"open_url","#
            + #""data":{"url":"https://shop.example.com/customers/4711"}}}}"#
        let row = #"{"no":"A-20260101","sum":299.00,"paid":true,"state":"shipping"},"#
        let context = #""session_id":"s_1","visitor":{"name":"王小明","language":"zh-CN"},"context":{"note":""#
        call =
            kind == .small
            ? Self.frame(method + context, "\"}}}", size: 1024) : framed(method + #""page":1}}"#)
        switch kind {
        case .small: answer = Self.frame(result + card + #"],"note":""#, "\"}}}", size: 1024)
        case .text: answer = Self.frame(result + card + #"],"text":""#, "\"}}}", size: 1 << 20)
        case .table:
            let rows = String(repeating: row, count: (1 << 20) / row.utf8.count - 16)
            answer = Self.frame(result + rows + #"0],"note":""#, "\"}}}", size: 1 << 20)
        }
    }

    /// A frame whose payload is `size` bytes, words between front and back.
    private static func frame(_ front: String, _ back: String, size: Int) -> [UInt8] {
        let missing = size - front.utf8.count - back.utf8.count
        let word = "lorem ipsum "
        let words = String(repeating: word, count: max(0, missing) / word.utf8.count + 1)
        return framed(front + words.prefix(max(0, missing)) + back)
    }
}

private func framed(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    let count = UInt32(bytes.count)
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) } + bytes
}
