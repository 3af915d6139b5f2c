// The frames of an attached connection, and the times that a ring finds in memory: bytes that a client, or a
// process that was killed, left.

import Capture

/// Input: one byte of choices, one that seeds the cuts, then the stream.
func checkAttached(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard bytes.count > 2 else { return }
    let stream = Array(bytes[2...])
    let side: AttachFrame.Side = bytes[0] & 1 == 0 ? .client : .server
    let whole = decode(stream, from: side, cuts: [])
    var numbers = SeededNumbers(UInt64(bytes[1]))
    var cuts: [Int] = []
    while cuts.last ?? 0 < stream.count {
        let last = cuts.last ?? 0
        cuts.append(min(stream.count, last + numbers.upTo(bytes[0] & 2 == 0 ? 3 : 40)))
    }
    let cut = decode(stream, from: side, cuts: cuts)
    try hold(whole == cut, "frames depend on how the stream is cut")
    var written: [UInt8] = []
    for frame in whole.frames {
        try hold(frame.payload.count <= AttachFrame.payloadLimit, "a payload of \(frame.payload.count) bytes")
        try hold((frame.kind == .gap) == (frame.lost != nil), "a gap that says nothing")
        try hold((frame.kind == .time) == (frame.time != nil), "a time that says nothing")
        try hold((frame.kind == .resize) == (frame.size != nil), "a size that says nothing")
        if let signal = frame.signal { try hold((1...64).contains(signal), "signal \(signal)") }
        written += frame.bytes
    }
    try hold(stream.starts(with: written), "written again the frames are others")
    if let error = whole.error {
        try hold(error.offset == UInt64(written.count), "an error at another place")
    }
}

private struct Decoded: Hashable {
    var frames: [AttachFrame] = []
    var error: AttachFrameError?
}

private func decode(_ stream: [UInt8], from side: AttachFrame.Side, cuts: [Int]) -> Decoded {
    var decoder = AttachDecoder(from: side)
    var decoded = Decoded()
    var start = 0
    for end in cuts + [stream.count] {
        decoder.append(stream.span.extracting(start..<end))
        start = end
        do throws(AttachFrameError) {
            while let frame = try decoder.next() { decoded.frames.append(frame) }
        } catch {
            decoded.error = error
        }
    }
    return decoded
}

/// Input: a position in 8 bytes, then what is stored.
func checkTimes(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard bytes.count > 8 else { return }
    let position = bytes[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let index = TimeIndex(Array(bytes[8...]), position: position)
    try hold(index.entries.count <= TimeIndex.most, "\(index.entries.count) times")
    for (entry, next) in zip(index.entries, index.entries.dropFirst()) {
        try hold(entry.time < next.time && entry.offset < next.offset, "times in no order")
    }
    for entry in index.entries {
        try hold(entry.offset <= position, "a time behind the end")
        try hold(index.time(of: entry.offset) == entry.time, "a time that is not found")
        try hold(index.offset(since: entry.time, position: position) == entry.offset, "an offset not found")
    }
    try hold(TimeIndex(index.bytes, position: position) == index, "stored again it is another")
}
