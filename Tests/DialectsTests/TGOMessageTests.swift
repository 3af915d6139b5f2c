import Testing
import Wire

@testable import Dialects

@Suite struct TGOMessageTests {
    private func message(_ text: String) throws -> (TGOMessage, [UInt8]) {
        let bytes = Array(text.utf8)
        var scanner = JSONScanner()
        return (try TGOMessage(bytes.span, by: &scanner), bytes)
    }

    @Test(arguments: [
        (#"{"jsonrpc":"2.0","id":1,"method":"register","params":{}}"#, TGOMessage.Kind.request),
        (#"{"id":null,"method":"m"}"#, .request),
        (#"{"method":"m","params":{"id":1,"result":2}}"#, .notification),
        (#"{"id":1,"result":null}"#, .response),
        (#"{"id":1,"error":{"code":-32601,"message":"x"}}"#, .response),
        (#"{"id":1,"result":1,"error":{}}"#, .unclear),
        (#"{"id":1,"method":"m","result":1}"#, .unclear),
        (#"{"result":1}"#, .unclear),
        (#"{"id":1}"#, .unclear),
        ("{}", .unclear),
    ])
    func `a message is told by its members`(text: String, kind: TGOMessage.Kind) throws {
        #expect(try message(text).0.kind == kind)
    }

    @Test(
        arguments: [
            (#"{"id":1,"method":"register"}"#, "register", true),
            (#"{"id":1,"method":"visitor_panel/render"}"#, "visitor_panel/render", false),
            (#"{"method":"register"}"#, "register", false),
            (#"{"id":1,"method":""}"#, "", false),
            (#"{"id":1,"method":"re\u0067ister"}"#, nil, true),
            (#"{"id":1,"method":7}"#, nil, false),
            (#"{"id":1,"method":["register"]}"#, nil, false),
            (#"{"id":1,"result":"register"}"#, nil, false),
        ] as [(String, String?, Bool)])
    func `only a request of register registers`(text: String, name: String?, registers: Bool) throws {
        let (message, bytes) = try message(text)
        let place = message.plainMethod(in: bytes.span)
        #expect(place.map { String(decoding: bytes[$0], as: UTF8.self) } == name)
        #expect(message.isRegistration(in: bytes.span) == registers)
    }

    @Test func `what is no object is no message`() {
        #expect(throws: Refusal.notObject(.array)) { try message("[]") }
        #expect(throws: Refusal.notJSON(JSONError(.ended(.value), at: 0))) { try message("") }
    }

    @Test(arguments: [
        (#"{"id": 7 ,"method":"m"}"#, "7"), (#"{"id":"a\"b","method":"m"}"#, #""a\"b""#),
        (#"{"method":"m"}"#, "null"),
    ])
    func `an error answers with the id as it was written`(text: String, id: String) throws {
        let (message, bytes) = try message(text)
        let reply = TGOError(.invalidRequest, "not \"now\"").answer(to: message.id(in: bytes.span))
        let expected =
            #"{"jsonrpc":"2.0","id":\#(id),"error":{"code":-32600,"message":"not \"now\""}}"#
        #expect(String(decoding: reply, as: UTF8.self) == expected)
    }
}
