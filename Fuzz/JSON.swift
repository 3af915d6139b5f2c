// What libFuzzer calls with bytes of its own invention: `make fuzz` builds and runs it. Nothing may
// trap, and what the scanner finds must hold together.
import Wire

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzJSON(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let text = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    var scanner = JSONScanner()
    guard let found = try? RPCEnvelope(scanning: text.span, by: &scanner) else {
        // Refused once, refused again, by the same scanner.
        precondition((try? scanner.scan(text.span)) == nil)
        return 0
    }
    for place in [found.version, found.id, found.method, found.params, found.result, found.error] {
        guard let place else { continue }
        // A member is a text of its own, whose ways in are safe.
        precondition((try? scanner.scan(Array(text[place]).span)) != nil)
        _ = RPCID(place, in: text.span)
        _ = JSONString(place, in: text.span)?.text(in: text.span)
        JSONWalk.elements(of: place, in: text.span) { !$0.isEmpty }
        JSONWalk.members(of: place, in: text.span) { _, value in !value.isEmpty }
    }
    // What is noted while scanning is what a walk finds afterwards.
    let names = JSONNames(["url", "a", "id", "method"])
    var noting = JSONScanner(noting: names)
    precondition((try? noting.scan(text.span)) != nil)
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
        precondition(noted == walked)
    }
    return 0
}
