import Testing

@testable import Wire

@Suite struct JSONTextTests {
    @Test func `members keep their order and nesting`() throws {
        let text = JSONText.object { report in
            report.add("b", 1)
            report.add("a", true)
            report.add("none", String?.none)
            report.object("times") { $0.add("ms", 1.5) }
            report.object("empty") { _ in }
            report.array("list") { list in
                list.add("x")
                list.object { $0.add("k", UInt64.max) }
                list.array { $0.add(-1) }
                list.array { _ in }
            }
            report.add("raw", JSONText(alreadyJSON: Array("[1]".utf8)))
        }
        #expect(
            text.description
                == #"{"b":1,"a":true,"none":null,"times":{"ms":1.5},"empty":{},"#
                + #""list":["x",{"k":18446744073709551615},[-1],[]],"raw":[1]}"#)
        #expect(try scan(text.bytes) == .object)
    }

    @Test func `strings are escaped where JSON asks for it and nowhere else`() {
        let text = JSONText.array { $0.add("\"\\/\u{8}\u{9}\u{A}\u{C}\u{D}\u{0}\u{1F}\u{7F}é订😀") }
        #expect(text.description == #"["\"\\/\b\t\n\f\r\u0000\u001f"# + "\u{7F}é订😀\"]")
    }

    @Test func `every character makes valid JSON, as a value and as a name`() throws {
        for value in UInt32(0)...0x2FF {
            guard let scalar = UnicodeScalar(value) else { continue }
            let text = JSONText.object { $0.add(String(scalar), String(scalar)) }
            #expect(try scan(text.bytes) == .object)
        }
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `a number that JSON has not is null`(number: Double) {
        #expect(JSONText.array { $0.add(number) }.description == "[null]")
    }

    @Test(arguments: [0.0, -0.0, 1e300, 2.5e-308, 0.1, -12345.678])
    func `every finite number is valid JSON`(number: Double) throws {
        #expect(try scan(JSONText.array { $0.add(number) }.bytes) == .array)
    }
}
