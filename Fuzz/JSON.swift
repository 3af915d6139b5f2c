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
    JSONWalk.strings(in: 0..<text.count, of: text.span) { key, value in
        _ = key.text(in: text.span)
        _ = value.text(in: text.span)
        return true
    }
    return 0
}
