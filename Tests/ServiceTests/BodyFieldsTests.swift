import Testing
import Wire

@testable import Service

@Suite struct BodyFieldsTests {
    private func fields(_ text: String) throws -> BodyFields {
        try BodyFields(try JSONTree(parsing: Array(text.utf8)))
    }

    /// Reads a request as an endpoint would.
    private func read(_ text: String) throws {
        var body = try fields(text)
        let name = try body.text("name")
        _ = try body.required("name", name)
        _ = try body.truth("persistent")
        _ = try body.texts("argv")
        _ = try body.table("labels")
        if var limits = try body.object("limits") {
            _ = try limits.number("memory", in: 1...1_000)
            _ = try limits.number("pids")
            try limits.end()
        }
        try body.end()
    }

    @Test func `values are read by name, and null is left out`() throws {
        var body = try fields(
            #"{"a":"x","b":true,"c":[ "y","z"],"d":{"k":"v","l":"w"},"e":{"n":18446744073709551615},"f":null}"#
        )
        #expect(try body.text("a") == "x")
        #expect(try body.truth("b") == true)
        #expect(try body.texts("c") == ["y", "z"])
        #expect(try body.table("d")?.map { "\($0.key)=\($0.value)" } == ["k=v", "l=w"])
        var inner = try #require(try body.object("e"))
        #expect(try inner.number("n") == .max)
        #expect(try body.text("f") == nil)
        #expect(try body.number("g") == nil)
        try inner.end()
        try body.end()
        #expect(throws: Never.self) { try BodyFields(nil).end() }
    }

    @Test(arguments: [
        ("[]", "body", "the body is a list, and must be an object"), ("{}", "name", "name is missing"),
        (#"{"name":1}"#, "name", "name is a number, and must be a string"),
        (
            #"{"name":"a","persistent":"yes"}"#, "persistent",
            "persistent is a string, and must be true or false"
        ),
        (#"{"name":"a","argv":"ls"}"#, "argv", "argv is a string, and must be a list of strings"),
        (#"{"name":"a","argv":["ls",2]}"#, "argv[1]", "argv[1] is a number, and must be a string"),
        (#"{"name":"a","labels":{"k":null}}"#, "labels.k", "labels.k is null, and must be a string"),
        (#"{"name":"a","limits":7}"#, "limits", "limits is a number, and must be an object"),
        (
            #"{"name":"a","limits":{"memory":1001}}"#, "limits.memory",
            "limits.memory is 1001, and must be a whole number from 1 to 1000"
        ),
        (
            #"{"name":"a","limits":{"pids":-1}}"#, "limits.pids",
            "limits.pids is -1, and must be a whole number from 0 on"
        ),
        (#"{"name":"a","limits":{"mem":1}}"#, "limits.mem", "there is no field limits.mem"),
        (#"{"name":"a","nmae":"b"}"#, "nmae", "there is no field nmae"),
    ])
    func `a refusal names the path of the field`(text: String, field: String, message: String) {
        let error = #expect(throws: ServiceError.self) { try read(text) }
        #expect(error?.code == .invalid)
        #expect(error?.field == field)
        #expect(error?.message == message)
    }
}
