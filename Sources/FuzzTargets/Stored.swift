// What Corral stored itself and reads again: a disk may have damaged it. Digests are put right here, or
// nothing behind them would ever be reached.

import Commands
import Preparation
import Sandbox
import Seccomp

/// Input: a profile and an image as they are stored.
func checkStored(_ bytes: [UInt8]) throws(FuzzFailure) {
    var reader = StoredReader(bytes)
    guard let profile = try? Profile(from: &reader), let image = try? Image(from: &reader) else { return }
    let written = stored(profile, image)
    var again = StoredReader(written)
    guard let other = try? Profile(from: &again), let otherImage = try? Image(from: &again), again.isAtEnd
    else {
        throw FuzzFailure("what was stored cannot be read")
    }
    try hold(other == profile && otherImage == image, "stored it is another")
    try hold(stored(other, otherImage) == written, "stored twice it is another")
    try hold(written.count >= reader.position, "values got lost")
}

private func stored(_ profile: Profile, _ image: Image) -> [UInt8] {
    var writer = StoredWriter()
    profile.store(in: &writer)
    image.store(in: &writer)
    return writer.bytes
}

/// Input: a filter's file from behind its key, without the digest at its end.
func checkFilterFile(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard let front = filterFront, bytes.count > 12 else { return }
    // The numbers before the key come first.
    let file = front + bytes[..<12] + key + bytes[12...]
    let whole = Array(file) + Digest.of(Array(file))
    guard let filter = try? FilterFile.decode(whole, key: key, origin: .cache) else { return }
    try hold(filter.instructionCount > 0 && filter.instructionCount <= 4096, "no filter for the kernel")
    let written = FilterFile.encode(filter, key: key)
    let again = try? FilterFile.decode(written, key: key, origin: .cache)
    try hold(again == filter, "stored it is another filter")
    try hold((try? FilterFile.decode(Array(whole.dropLast()), key: key, origin: .cache)) == nil, "cut short")
}

private let key = [UInt8](repeating: 7, count: Digest.size)

/// The magic and the version of a filter's file.
private let filterFront: ArraySlice<UInt8>? = {
    let part = PolicyPart(file: "a.json", json: Array(#"{"defaultAction":"SCMP_ACT_ALLOW"}"#.utf8))
    let filter = try? FilterCache(directory: nil, policies: nil).filter(parts: [part])
    return filter.map { FilterFile.encode($0, key: key)[..<12] }
}()

/// Input: the size of the values in two bytes, the values, and what is behind their digest.
func checkRulesFile(_ bytes: [UInt8]) throws(FuzzFailure) {
    guard bytes.count > 2 else { return }
    let size = min(Int(bytes[0]) << 8 | Int(bytes[1]), bytes.count - 2)
    var file = StoredWriter()
    file.raw(RulesFile.magic)
    file.word(RulesFile.version)
    file.word(UInt32(size))
    file.raw(key)
    file.raw(Array(bytes[2..<2 + size]))
    file.raw(Digest.of(file.bytes))
    file.raw(Array(bytes[(2 + size)...]))
    guard let rules = try? RulesFile(file.bytes, key: key) else { return }
    let values = stored(rules.profile, rules.image)
    try hold(values.count >= size, "values got lost")
    try hold((try? RulesFile(Array(file.bytes.dropLast()), key: key)) == nil, "cut short and taken")
}
