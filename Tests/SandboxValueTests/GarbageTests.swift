import TestSupport
import Testing

@testable import Sandbox

/// Files of an operator may be anything: whatever they are, the answer is a value or one error.
@Suite struct GarbageTests {
    @Test(arguments: ["profiles/default.yaml", "images/host.yaml"])
    func `a damaged file gives a value or an error with a place in it`(file: String) throws {
        let whole = try repositoryFile(file)
        let lines = whole.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).count
        // Comments hide damage, so most of the copies have none.
        let bare = whole.split(separator: UInt8(ascii: "\n"))
            .filter { $0.first(where: { $0 != UInt8(ascii: " ") }) != UInt8(ascii: "#") }
            .joined(separator: [UInt8(ascii: "\n")])
        var random = Seeded(UInt64(whole.count))
        var refused = 0
        for round in 0..<1500 {
            let bytes = damaged(round % 4 == 0 ? whole : Array(bare), &random)
            do throws(ConfigError) {
                if file.hasPrefix("images/") {
                    _ = try Image.decode(bytes, file: file)
                } else {
                    _ = try Profile.decode(bytes, file: file)
                }
            } catch {
                refused += 1
                #expect(error.line >= 1 && error.line <= lines + 64 && error.column >= 1)
                #expect(!error.problem.isEmpty && !error.problem.utf8.contains { $0 < 0x20 })
            }
        }
        // Damage that is never noticed would mean that nothing was damaged.
        #expect(refused > 500)
    }

    /// Bytes changed, removed, doubled and inserted, the latter mostly such as mean something in YAML.
    private func damaged(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
        let telling = Array("\t\n :-[]{},&*!|>'\"%@`#?~<0.\0é\u{feff}".utf8) + [0xFF, 0xC0, 0x80]
        var result = bytes
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let place = Int.random(in: 0..<max(result.count, 1), using: &random)
            let end = min(result.count, place + Int.random(in: 1...40, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: result[place] = UInt8.random(in: 0...255, using: &random)
            case 1: result.insert(telling[Int.random(in: 0..<telling.count, using: &random)], at: place)
            case 2 where end - place < result.count: result.removeSubrange(place..<end)
            case 3: result.insert(contentsOf: result[place..<end], at: place)
            default: result[place] = telling[Int.random(in: 0..<telling.count, using: &random)]
            }
        }
        return result
    }
}
