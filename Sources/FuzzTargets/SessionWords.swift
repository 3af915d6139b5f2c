// What clients call sessions and look for them by: names, keys, labels, ids, filters, times and limits.

import Sandbox
import Sessions

/// Input: one text, given to every rule that sessions have for one.
func checkSessionWords(_ bytes: [UInt8]) throws(FuzzFailure) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let name = try taken(text, { (text) throws(ValueError) in try Name(text) }) {
        try hold(
            name.description.utf8.elementsEqual(text.utf8) && isPlainName(text), "a name of other letters")
        // It stands in a path and in a command line as it is.
        try hold(
            !text.hasPrefix(".") && !text.hasPrefix("-") && !text.contains("/"), "a name that leads away")
    } else {
        try hold(!isPlainName(text), "a name that is refused")
    }
    if let key = try taken(text, { (text) throws(ValueError) in try IdempotencyKey(text) }) {
        try hold(key.description.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "a key of other letters")
    }
    try checkLabel(text)
    try checkID(text)
    try checkFilter(text)
    if let time = try taken(text, { (text) throws(ValueError) in try SessionTimes.read(text) }) {
        try hold(SessionTimes.lifetime.range.contains(time), "a time that no session may have")
    }
    if let policy = try taken(text, { (text) throws(ValueError) in try RestartPolicy(text) }) {
        try hold((try? RestartPolicy(policy.description)) == policy, "another policy when written")
    }
    for limit in SessionLimit.allCases {
        guard let override = try taken(text, { (text) throws(ValueError) in try limit.read(text) }) else {
            continue
        }
        try hold(SessionLimit(of: override) == limit, "the limit of another name")
    }
}

/// Nil for what is refused, which has to be told on one line.
private func taken<Value>(
    _ text: String, _ read: (String) throws(ValueError) -> Value
) throws(FuzzFailure) -> Value? {
    do throws(ValueError) {
        return try read(text)
    } catch {
        try checkLine(error.problem, "an error")
        return nil
    }
}

private func isPlainName(_ text: String) -> Bool {
    let first = Set("abcdefghijklmnopqrstuvwxyz0123456789".unicodeScalars)
    let all = first.union(Set("._-".unicodeScalars))
    guard let begin = text.unicodeScalars.first, first.contains(begin) else { return false }
    return text.utf8.count <= 63 && all.isSuperset(of: text.unicodeScalars)
}

private func checkLabel(_ text: String) throws(FuzzFailure) {
    guard let label = try taken(text, { (text) throws(ValueError) in try Label(text) }) else { return }
    try hold(label.description.utf8.elementsEqual(text.utf8), "another label")
    try hold(!label.key.isEmpty && label.value.utf8.count <= 255, "a label that is too long")
    try checkLine(label.value, "the value of a label")
    let labels = try? Labels([label, label])
    try hold(labels?.count == 1 && labels?[label.key] == label.value, "a label that is there twice")
}

private func checkID(_ text: String) throws(FuzzFailure) {
    if let id = try taken(text, { (text) throws(ValueError) in try SessionID(text) }) {
        try hold(id.description == text, "another id when written")
    }
    guard let prefix = IDPrefix(text) else { return }
    let rest = String(repeating: "f", count: 16 - text.utf8.count)
    guard let id = try? SessionID(text + rest) else { throw FuzzFailure("what begins an id makes none") }
    try hold(prefix.begins(id), "an id that does not begin as it does")
}

/// A session that is exactly as a filter wants it passes.
private func checkFilter(_ text: String) throws(FuzzFailure) {
    guard try taken(text, { (text) throws(ValueError) in try SessionFilter([text]) }) != nil,
        let filter = try? SessionFilter([text]), let twice = try? SessionFilter([text, text])
    else { return }
    let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) ?? text.utf8.endIndex
    let key = String(text[..<equals])
    let value = String(text[text.utf8.index(after: equals)...])
    guard var spec = try? SessionSpec(profile: "default"), key != "state", key != "id" else { return }
    switch key {
    case "label":
        guard let label = (try? Label(value)) ?? (try? Label(key: value, value: "any")),
            let labels = try? Labels([label])
        else { throw FuzzFailure("a filter of a label that cannot be") }
        spec.labels = labels
    case "name":
        guard let name = try? Name(value) else { return }
        spec.name = name
    case "tenant":
        guard let name = try? Name(value) else { return }
        spec.tenant = name
    case "profile": spec.profile = value
    case "image": spec.image = value
    default: throw FuzzFailure("the key \(shown(key)) of a filter")
    }
    let session = Session(
        SessionID(value: 1), spec, number: 1,
        SessionMachine(spec.lifetimes().lifespan(createdAt: 1)))
    try hold(filter.passes(session) && twice.passes(session), "\(shown(text)) does not pass what it names")
    var other = spec
    (other.labels, other.name, other.profile, other.image) = (Labels(), nil, "", nil)
    if key == "label" || key == "name" {
        let none = Session(
            SessionID(value: 1), other, number: 1, SessionMachine(other.lifetimes().lifespan(createdAt: 1)))
        try hold(!filter.passes(none), "\(shown(text)) passes what has nothing")
    }
}
