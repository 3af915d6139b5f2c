// What the command line reads of a daemon and about it: answers, events, settings, times and filters.

import Client
import Configuration
import Sandbox
import Tables

/// What an answer or a mistake in one came to.
private struct Reading: Equatable {
    var heads: [HTTPResponseHead] = []
    var body: [UInt8] = []
    var ends = 0
    var error: HTTPError?

    /// - Parameter step: how many bytes come at once.
    init(_ bytes: ArraySlice<UInt8>, _ method: HTTPRequest.Method, step: Int) {
        var decoder = HTTPResponseDecoder(answering: method, headLimit: 1024)
        var rest = bytes
        do throws(HTTPError) {
            while !rest.isEmpty {
                decoder.append(rest.prefix(step))
                rest = rest.dropFirst(step)
                while let event = try decoder.next() { take(event) }
            }
            while let event = try decoder.finish() { take(event) }
        } catch {
            self.error = error
        }
    }

    private mutating func take(_ event: HTTPResponseDecoder.Event) {
        switch event {
        case .head(let head): heads.append(head)
        case .body(let part): body += part
        case .end, .upgraded: ends += 1
        }
    }
}

/// Input: a byte that says how it is read, then an answer.
func checkAnswer(_ bytes: [UInt8]) throws(FuzzFailure) {
    let method: HTTPRequest.Method = bytes.first.map { $0 & 1 == 1 } == true ? .head : .get
    let step = 1 + Int(bytes.first ?? 0) / 16
    let answer = bytes.dropFirst()
    let whole = Reading(answer, method, step: max(1, answer.count))
    let parts = Reading(answer, method, step: step)
    try hold(whole == parts, "read \(step) bytes at a time it is another answer")
    try hold(whole.heads.count <= 1 && whole.ends <= whole.heads.count, "more than one answer")
    try hold(whole.error == nil || whole.ends == 0, "an answer that is whole and wrong")
    try hold(whole.error != nil || whole.ends == 1, "an answer that neither ends nor fails")
    if let error = whole.error { try checkLine("\(error)", "an error") }
    for field in whole.heads.flatMap(\.headers.fields) {
        try hold(!field.value.utf8.contains { $0 == 10 || $0 == 13 || $0 == 0 }, "a field of two lines")
    }
    let refusal = ServiceError(status: 500, reason: "", body: Array(answer))
    try hold(!refusal.message.isEmpty || refusal.code != "http_500", "a refusal that says nothing")
}

/// Input: a stream of events.
func checkEvents(_ bytes: [UInt8]) throws(FuzzFailure) {
    func events(step: Int) -> (events: [ServerEvent], isRefused: Bool) {
        var decoder = EventStreamDecoder(limit: 256)
        var events: [ServerEvent] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let more = try? decoder.append(rest.prefix(step)) else { return (events, true) }
            events += more
            rest = rest.dropFirst(step)
        }
        return (events, false)
    }
    let single = events(step: 1)
    let whole = events(step: max(1, bytes.count))
    try hold(single.isRefused == whole.isRefused, "refused in one way of reading alone")
    // What came before a mistake is told only where it came in an earlier read.
    if !whole.isRefused { try hold(single.events == whole.events, "the events depend on the reads") }
    for event in single.events {
        // Bytes that are no UTF-8 become three each.
        try hold(event.data.utf8.count <= 3 * 256 && !event.name.isEmpty, "an event that cannot be")
    }
}

/// Input: a file of settings.
func checkSettings(_ bytes: [UInt8]) throws(FuzzFailure) {
    let (layer, errors) = SettingsReader.read(bytes, file: "corral.yaml")
    for error in errors {
        try hold(error.line >= 1 && error.column >= 1 && !error.problem.isEmpty, "an error without a place")
        try checkLine(error.description, "an error")
    }
    let settings = Settings(place: .system, layers: [layer])
    for key in SettingKey.allCases {
        let value = settings[key].value
        let isItself = (try? key.read(value.written(as: key.kind))) == value
        // A path with a colon in it stands in no variable.
        if case .list(let items) = value, items.contains(where: { $0.utf8.contains(UInt8(ascii: ":")) }) {
            continue
        }
        try hold(isItself, "\(key.rawValue) is another value when written")
    }
    let text = SettingsText.yaml(settings, origins: true)
    let (again, mistakes) = SettingsReader.read(Array(text.utf8), file: "again.yaml")
    try hold(mistakes.isEmpty, "written it is wrong: \(mistakes.first?.description ?? "")")
    let back = Settings(place: .system, layers: [again])
    try hold(settings.changes(to: back).isEmpty, "written it is another configuration")
    for problem in settings.problems { try checkLine(problem.description, "a problem") }
}

/// Input: a text, taken for a time, a filter, a part of a log, a cell of a table.
func checkListing(_ bytes: [UInt8]) throws(FuzzFailure) {
    let text = String(decoding: bytes, as: UTF8.self)
    let now = WallTime(milliseconds: 1_700_000_000_000)
    if let time = try? WallTime.read(text, now: now) {
        try hold(WallTime(rfc3339: time.rfc3339) == time, "\(time.rfc3339) is another time when read")
    }
    let keys: [Filters.Key] = [.init("label", .label), .init("since", .time), .init("x", .words(["y"]))]
    try told { () throws(ValueError) in _ = try WallTime.read(text, now: now) }
    try told { () throws(ValueError) in _ = try Filters([text], keys: keys, now: now) }
    try told { () throws(ValueError) in _ = try Tail.read(text) }
    try told { () throws(ValueError) in
        _ = try Reference.resolve(text, among: [("0123456789abcdef", "a"), ("0124", nil)], noun: "session")
    }
    let safe = SafeText.of(text)
    // A joiner within an emoji is all that may be left.
    let joined = safe.unicodeScalars.filter { $0 != "\u{200D}" }
    try checkLine(String(String.UnicodeScalarView(joined)), "a cell")
    let width = DisplayWidth.of(safe)
    for columns in [0, 1, 2, 5, width - 1, width] where columns >= 0 {
        let cut = DisplayWidth.cut(safe, to: columns)
        try hold(DisplayWidth.of(cut) <= columns, "\(columns) columns are \(DisplayWidth.of(cut))")
    }
    var table = TextTable([.init("A", least: 3), .init("B")])
    table.add([text, text])
    try hold(table.lines(width: 20).count == 2, "a table of other than two lines")
}

/// What is refused is told on one line.
private func told(_ body: () throws(ValueError) -> Void) throws(FuzzFailure) {
    do throws(ValueError) {
        try body()
    } catch {
        try checkLine(error.problem, "an error")
    }
}
