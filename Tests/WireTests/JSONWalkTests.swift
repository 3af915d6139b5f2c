import Testing

@testable import Wire

/// Values of every kind with white space wherever there may be some.
private struct RandomJSON {
    var random: Random

    mutating func text(depth: Int = 0) -> String {
        let kind = depth > 4 ? 4 + random.below(5) : random.below(9)
        switch kind {
        case 0, 1:
            let members = (0..<random.below(4)).map { index in
                "\(space())\"\(letters())\(index)\"\(space()):\(space())\(text(depth: depth + 1))\(space())"
            }
            return "{\(members.joined(separator: ","))\(members.isEmpty ? space() : "")}"
        case 2, 3:
            let elements = (0..<random.below(4)).map { _ in space() + text(depth: depth + 1) + space() }
            return "[\(elements.joined(separator: ","))\(elements.isEmpty ? space() : "")]"
        case 4, 5: return "\"\(letters())\""
        case 6: return ["0", "-12.5e+3", "17", "1E9"][random.below(4)]
        case 7: return ["true", "false"][random.below(2)]
        default: return "null"
        }
    }

    private mutating func space() -> String { ["", "", " ", "\n", "\t \r"][random.below(5)] }

    private mutating func letters() -> String {
        let parts = [
            "a", "}", "]", ",", ":", "{[", #"\""#, #"\\"#, "é", #"\u00e9"#, "longer than eight bytes",
        ]
        return (0..<random.below(4)).map { _ in parts[random.below(parts.count)] }.joined()
    }
}

@Suite struct JSONWalkTests {
    /// The same text as a tree, which another piece of code reads.
    private func check(_ place: Range<Int>, _ bytes: [UInt8]) throws {
        let span = bytes.span
        let tree = try JSONTree(parsing: Array(bytes[place]))
        var parts: [Range<Int>] = []
        switch tree.value {
        case .object(let members):
            var keys: [String] = []
            JSONWalk.members(of: place, in: span) { key, value in
                keys.append(key.text(in: span))
                parts.append(value)
                return true
            }
            #expect(keys == members.map(\.key))
            #expect(
                try parts.map { shape(try JSONTree(parsing: Array(bytes[$0]))) }
                    == members.map { shape($0.value) })
            for (key, part) in zip(keys, parts) { #expect(JSONWalk.member(key, of: place, in: span) == part) }
        case .array(let elements):
            JSONWalk.elements(of: place, in: span) {
                parts.append($0)
                return true
            }
            #expect(try parts.map { shape(try JSONTree(parsing: Array(bytes[$0]))) } == elements.map(shape))
        default: break
        }
        for part in parts { try check(part, bytes) }
    }

    /// A tree without the places of its values.
    private func shape(_ tree: JSONTree) -> String {
        switch tree.value {
        case .object(let members): "{\(members.map { "\($0.key.debugDescription):\(shape($0.value))" })}"
        case .array(let elements): "[\(elements.map(shape))]"
        default: "\(tree.value)"
        }
    }

    /// Members with strings, at any depth, in the order of the text.
    private func strings(_ tree: JSONTree, into found: inout [String]) {
        switch tree.value {
        case .object(let members):
            for member in members {
                if case .string(let text) = member.value.value { found.append("\(member.key)=\(text)") }
                strings(member.value, into: &found)
            }
        case .array(let elements): for element in elements { strings(element, into: &found) }
        default: break
        }
    }

    @Test func `what is found is what a tree of the text has`() throws {
        var source = RandomJSON(random: Random(seed: 4))
        for _ in 0..<2_000 {
            let bytes = Array(source.text().utf8)
            try check(0..<bytes.count, bytes)
            var expected: [String] = []
            strings(try JSONTree(parsing: bytes), into: &expected)
            var found: [String] = []
            let span = bytes.span
            JSONWalk.strings(in: 0..<bytes.count, of: span) { key, value in
                found.append("\(key.text(in: span))=\(value.text(in: span))")
                return true
            }
            #expect(found == expected, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test func `walking ends when asked`() {
        let bytes = Array(#"{"a":"1","b":"2","c":"3"}"#.utf8)
        var seen = 0
        JSONWalk.members(of: 0..<bytes.count, in: bytes.span) { _, _ in
            seen += 1
            return seen < 2
        }
        JSONWalk.strings(in: 0..<bytes.count, of: bytes.span) { _, _ in
            seen += 1
            return false
        }
        #expect(seen == 3)
    }
}
