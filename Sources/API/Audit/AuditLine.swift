package import Wire

// An audit record as one line of JSON: what the API answers with, what an export is made of, and what is checked
// without a daemon.

extension AuditRecord {
    /// One line, of ASCII alone: whatever is in a name, it is neither a line of its own nor written backwards.
    ///
    /// The same record is always the same bytes, so that a check finds every byte that is another.
    package var json: JSONText {
        .object { object in
            object.add("seq", number)
            object.add("time", APITime(milliseconds: entry.wall).description)
            if let uid = entry.uid { object.add("uid", uid) }
            if let token = entry.token { object.add("token", plain(token)) }
            if let tenant = entry.tenant { object.add("tenant", plain(tenant)) }
            object.add("what", plain(entry.what))
            if let text = entry.object { object.add("object", plain(text)) }
            object.add("outcome", plain(entry.outcome))
            if let count = entry.count { object.add("count", count) }
            if let trace = entry.trace { object.add("trace", plain(trace)) }
            object.add("previous", plain(previous))
            object.add("digest", plain(digest))
        }
    }

    /// Reads what ``json`` writes; nil for what is none of it. Members that it does not know are left out, and so
    /// the result is not the same line.
    package init?(_ json: JSONTree) {
        guard let number = json.whole("seq"), (1..<AuditMark.mostNumber).contains(number),
            let time = json.text("time").flatMap({ APITime($0) }),
            let what = json.text("what"), let outcome = json.text("outcome"),
            let previous = json.text("previous"), let digest = json.text("digest")
        else { return nil }
        self.init(
            number: number,
            entry: AuditEntry(
                wall: time.milliseconds, uid: json.whole("uid").flatMap { UInt32(exactly: $0) },
                token: json.text("token"), tenant: json.text("tenant"), what: what,
                object: json.text("object"), outcome: outcome, count: json.whole("count"),
                trace: json.text("trace")),
            previous: previous, digest: digest)
    }
}

extension AuditMark {
    /// The last line of an export: without it the end was cut off.
    package var endLine: JSONText {
        .object { object in
            object.add("end", number)
            object.add("digest", digest)
        }
    }

    fileprivate init?(endLine json: JSONTree) {
        guard let number = json.whole("end"), (0..<AuditMark.mostNumber).contains(number),
            let digest = json.text("digest")
        else { return nil }
        self.init(number: number, digest: digest)
    }
}

/// Checks exported audit records line by line, in one file or in several that follow each other.
package struct AuditLineCheck {
    /// The most bytes of a line: a record has a fraction of it.
    package static let longestLine = 64 << 10

    /// What was reached; nil before the first line, which is believed what it says of the record before it.
    package private(set) var reached: AuditMark?
    /// Records that were looked at.
    package private(set) var count: Int64 = 0
    private var hasEnded = false
    private let hash: ([UInt8]) -> String

    /// - Parameters:
    ///   - mark: that the first record has to follow.
    ///   - hash: SHA-256 as 64 hexadecimal digits.
    package init(after mark: AuditMark? = nil, hash: @escaping ([UInt8]) -> String) {
        reached = mark
        self.hash = hash
    }

    /// Takes the next line, without its end.
    /// - Returns: what is wrong with it; nil where nothing is.
    package mutating func take(_ line: [UInt8]) -> String? {
        if hasEnded { return "there is a line behind the last one" }
        guard line.count <= Self.longestLine, let json = try? JSONTree(parsing: line) else {
            return "it is no record"
        }
        if let end = AuditMark(endLine: json) {
            guard end.endLine.bytes == line else { return "it was changed" }
            guard end == reached ?? end else {
                return
                    "the export ends with record \(end.number), and before it comes \(reached?.number ?? 0)"
            }
            (hasEnded, reached) = (true, end)
            return nil
        }
        guard let record = AuditRecord(json) else { return "it is no record" }
        guard record.json.bytes == line else { return "record \(record.number) was changed" }
        let before = reached ?? AuditMark(number: record.number - 1, digest: record.previous)
        if before.number == 0, before != .beginning {
            return "record 1: it does not follow the beginning"
        }
        if let (number, problem) = record.problem(after: before, hash) {
            return "record \(number): \(problem)"
        }
        (reached, count) = (record.mark, count + 1)
        return nil
    }

    /// Takes the end of a file; the next one, if there is any, goes on from there.
    /// - Parameter rest: what came behind the end of the last line.
    package mutating func end(_ rest: [UInt8]) -> String? {
        defer { hasEnded = false }
        if !rest.isEmpty { return "the line has no end" }
        return hasEnded ? nil : "the end is missing: it was cut off, or the export did not get so far"
    }
}

/// A text as JSON in ASCII: control characters, marks of direction and everything else beyond it are escaped.
private func plain(_ text: String) -> JSONText {
    if text.utf8.allSatisfy({ $0 < 0x7F }) {
        var bytes: [UInt8] = []
        text.writeJSON(to: &bytes)
        return JSONText(alreadyJSON: bytes)
    }
    var bytes: [UInt8] = []
    bytes.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
        if scalar.value < 0x7F {
            var one: [UInt8] = []
            String(Character(scalar)).writeJSON(to: &one)
            bytes += one.dropFirst().dropLast()
        } else {
            for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
                let digits = String(unit, radix: 16)
                bytes += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".utf8
            }
        }
    }
    bytes.append(UInt8(ascii: "\""))
    return JSONText(alreadyJSON: bytes)
}

extension JSONTree {
    fileprivate func member(_ name: String) -> Value? {
        guard case .object(let members) = value else { return nil }
        return members.first { $0.key == name }?.value.value
    }

    fileprivate func text(_ name: String) -> String? {
        if case .string(let text)? = member(name) { text } else { nil }
    }

    fileprivate func whole(_ name: String) -> Int64? {
        if case .number(let text)? = member(name) { Int64(text) } else { nil }
    }
}
