// Bodies of requests, as the daemon's tables have them.

import API
import Sandbox
import Wire

/// Input: one byte that chooses the object, then the body.
func checkBody(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard let first = bytes.first else { return }
    let objects = OpenAPI.objects
    let object = objects[Int(first) % objects.count]
    let body = Array(bytes.dropFirst())
    let reader: APIReader
    do throws(FieldProblem) {
        reader = try APIReader(body, as: object)
    } catch {
        return try checkLine(error.description, "an error")
    }
    for field in object.fields { try check(field, of: reader) }
    try checkValues(String(decoding: body, as: UTF8.self))
}

/// What is taken is within its bounds, by whatever accessor.
private func check(_ field: APIField, of reader: APIReader) throws(FuzzFailure) {
    switch field.kind {
    case .text(let most):
        try hold(reader.text(field.name)?.utf8.count ?? 0 <= most, "\(field.name) is too long")
    case .word(let words):
        try hold(reader.text(field.name).map(words.contains) ?? true, "\(field.name) is no such word")
    case .whole(let range):
        try hold(reader.whole(field.name).map(range.contains) ?? true, "\(field.name) is out of range")
    case .bytes(let most):
        try hold(reader.bytes(field.name)?.count ?? 0 <= most, "\(field.name) is too long")
        let text = reader.text(field.name)
        try hold(reader.bytes(field.name).map(Base64.encode) == text, "\(field.name) has two notations")
    case .list(let inner, let most):
        try hold(reader.texts(field.name)?.count ?? 0 <= most, "\(field.name) has too many")
        if case .object(let object) = inner {
            for element in reader.objects(field.name) ?? [] {
                for field in object.fields { try check(field, of: element) }
            }
        }
    case .map(let most, let valueBytes):
        let map = reader.map(field.name) ?? []
        try hold(map.count <= most, "\(field.name) has too many")
        try hold(map.allSatisfy { $0.value.utf8.count <= valueBytes }, "\(field.name) has a long value")
    case .object(let object):
        guard let inner = reader.object(field.name) else { return }
        for field in object.fields { try check(field, of: inner) }
    case .signed, .flag, .time: return
    }
}

/// Any text as base64 and as a moment: what is read is written again as what was read.
private func checkValues(_ text: String) throws(FuzzFailure) {
    if let bytes = Base64.decode(text) { try hold(Base64.encode(bytes) == text, "base64 of another text") }
    if let time = APITime(text) {
        try hold(APITime(time.description) == time, "\(time) is read as another moment")
    }
}
