// JSON: the scanner of messages, the tree of files, the walk and the notes must agree with each other, and
// what is written from a tree is read as the same tree. Tests/WireTests compares them with Python's parser.

import Wire

func checkJSON(_ text: [UInt8]) throws(FuzzFailure) {
    var scanner = JSONScanner()
    let tree = try? JSONTree(parsing: text)
    guard let found = try? RPCEnvelope(scanning: text.span, by: &scanner) else {
        try hold((try? scanner.scan(text.span)) == nil, "refused once and taken the second time")
        return try hold(tree == nil, "the tree takes what the scanner refuses")
    }
    guard let tree else { throw FuzzFailure("the tree refuses what the scanner takes") }
    try hold(kind(of: tree) == found.kind, "the scanner finds the kind \(found.kind)")
    let written = json(tree)
    try hold((try? JSONTree(parsing: written)).map { same($0, tree) } ?? false, "written it is another tree")
    try checkMembers(text, found, tree)
    try checkNotes(text, found)
}

/// The members that an envelope has are those of the tree.
private func checkMembers(
    _ text: [UInt8], _ found: RPCEnvelope, _ tree: JSONTree
) throws(FuzzFailure) {
    var members: [JSONTree.Member] = []
    if case .object(let all) = tree.value { members = all }
    let places = [
        ("jsonrpc", found.version), ("id", found.id), ("method", found.method), ("params", found.params),
        ("result", found.result), ("error", found.error),
    ]
    for (name, place) in places {
        let member = members.first { $0.key.utf8.elementsEqual(name.utf8) }
        try hold((place == nil) == (member == nil), "\(name) is found by one of the two alone")
        guard let place, let member else { continue }
        let value = try? JSONTree(parsing: Array(text[place]))
        try hold(value.map { same($0, member.value) } ?? false, "\(name) has another value")
        _ = RPCID(place, in: text.span)
        guard let string = JSONString(place, in: text.span) else { continue }
        guard case .string(let meant) = member.value.value else { throw FuzzFailure("\(name) is no string") }
        try hold(string.text(in: text.span).utf8.elementsEqual(meant.utf8), "\(name) means something else")
        try hold(string.matches(meant, in: text.span), "\(name) does not match itself")
    }
    // A member that the walk finds is one of the tree, in the same order.
    var walked: [[UInt8]] = []
    JSONWalk.members(of: 0..<text.count, in: text.span) { key, _ in
        var letters: [UInt8] = []
        key.letters(in: text.span) { letter in
            letters.append(letter)
            return true
        }
        walked.append(letters)
        return true
    }
    let isAtStart = text.first == UInt8(ascii: "{")
    try hold(walked == (isAtStart ? members.map { Array($0.key.utf8) } : []), "the walk finds other members")
}

/// What is noted while scanning is what a walk finds afterwards.
private func checkNotes(_ text: [UInt8], _ found: RPCEnvelope) throws(FuzzFailure) {
    let names = JSONNames(["url", "a", "id", "method"])
    var noting = JSONScanner(noting: names)
    try hold((try? noting.scan(text.span)) != nil, "refused by a scanner that notes")
    for place in [0..<text.count, found.params ?? 0..<0, found.result ?? 0..<0] {
        var walked: [JSONString] = []
        JSONWalk.strings(in: place, of: text.span) { key, value in
            _ = key.text(in: text.span)
            _ = value.text(in: text.span)
            if names.contain(key, in: text.span) { walked.append(value) }
            return true
        }
        var noted: [JSONString] = []
        noting.strings(in: place, of: text.span) {
            noted.append($0)
            return true
        }
        try hold(noted == walked, "\(noted.count) strings were noted, \(walked.count) are there")
        JSONWalk.elements(of: place, in: text.span) { !$0.isEmpty }
    }
}

private func kind(of tree: JSONTree) -> JSONKind {
    switch tree.value {
    case .null: .null
    case .bool: .boolean
    case .number: .number
    case .string: .string
    case .array: .array
    case .object: .object
    }
}

/// A tree as text, by the writer of reports and replies.
func json(_ tree: JSONTree) -> [UInt8] {
    switch tree.value {
    case .null: Array("null".utf8)
    case .bool(let flag): Array((flag ? "true" : "false").utf8)
    case .number(let digits): Array(digits.utf8)
    case .string(let text):
        // Through an array, since a string alone is no text that the writer makes.
        Array(JSONText.array { $0.add(text) }.bytes.dropFirst().dropLast())
    case .array(let elements):
        JSONText.array { list in
            for element in elements { list.add(JSONText(alreadyJSON: json(element))) }
        }.bytes
    case .object(let members):
        JSONText.object { object in
            for member in members { object.add(member.key, JSONText(alreadyJSON: json(member.value))) }
        }.bytes
    }
}

/// Whether two trees say the same, wherever it stands. By bytes: to Swift, texts are the same that are
/// composed differently.
func same(_ one: JSONTree, _ other: JSONTree) -> Bool {
    switch (one.value, other.value) {
    case (.string(let a), .string(let b)), (.number(let a), .number(let b)): a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)): a.count == b.count && zip(a, b).allSatisfy { same($0, $1) }
    case (.object(let a), .object(let b)):
        a.count == b.count
            && zip(a, b).allSatisfy { $0.key.utf8.elementsEqual($1.key.utf8) && same($0.value, $1.value) }
    default: one.value == other.value
    }
}
