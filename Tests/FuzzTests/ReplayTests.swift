// What the fuzz targets are given besides what libFuzzer invents: the starting corpora and every input that
// has ever been a finding, kept below Fuzz/.

import FuzzTargets
import TestSupport
import Testing

/// An input that is kept, and where.
private struct Input {
    let path: String
    let bytes: [UInt8]

    static func all(_ kind: String, of target: FuzzTarget) throws -> [Input] {
        let directory = "Fuzz/\(kind)/\(target.name)"
        return try File.names(in: Repository.path(directory)).map { name in
            let path = "\(directory)/\(name)"
            return Input(path: path, bytes: try File.read(Repository.path(path)))
        }
    }
}

@Suite struct ReplayTests {
    @Test(arguments: FuzzTarget.all.map(\.name))
    func `inputs that are kept are treated as they have to be`(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let corpus = try Input.all("corpus", of: target)
        #expect(!corpus.isEmpty, "Fuzz/corpus/\(name) holds nothing to start from")
        for input in try corpus + Input.all("crashes", of: target) {
            do {
                try target.run(input.bytes)
            } catch {
                Issue.record("\(input.path): \(error)")
            }
        }
    }

    /// A short form of fuzzing, in every run of the tests.
    @Test(arguments: FuzzTarget.all.map(\.name))
    func `inputs that are kept are treated as they have to be when they are damaged`(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let inputs = try Input.all("corpus", of: target)
        var damage = Damage(state: 2026)
        // An archive makes files and directories.
        for round in 0..<(name == "layer" ? 50 : 200) {
            let bytes = damage.of(inputs[round % max(1, inputs.count)].bytes)
            do {
                try target.run(bytes)
            } catch {
                Issue.record("\(error): \(bytes)")
            }
        }
    }

    @Test func `every directory below Fuzz is of a target`() {
        let names = Set(FuzzTarget.all.map(\.name))
        for kind in ["corpus", "crashes"] {
            let unknown = File.names(in: Repository.path("Fuzz/\(kind)")).filter { !names.contains($0) }
            #expect(unknown == [], "Fuzz/\(kind)")
        }
        #expect(names.count == FuzzTarget.all.count)
    }

    @Test func `a target that finds something says so`() throws {
        #expect(throws: FuzzFailure.self) { try FuzzTarget.planted.run(Array("bug".utf8)) }
        try FuzzTarget.planted.run(Array("none".utf8))
    }
}

/// Changes, removes, doubles and inserts bytes, the same in each run.
private struct Damage: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func of(_ bytes: [UInt8]) -> [UInt8] {
        let telling = Array("\0\n\r\t \"\\{}[]:,=/.-0\u{FEFF}é".utf8) + [0x80, 0xC0, 0xFF]
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            let start = Int.random(in: 0...result.count, using: &self)
            let end = min(result.count, start + Int.random(in: 1...16, using: &self))
            switch Int.random(in: 0..<5, using: &self) {
            case 0 where start < end: result[start] = UInt8.random(in: 0...255, using: &self)
            case 1: result.removeSubrange(start..<end)
            case 2: result.insert(contentsOf: result[start..<end], at: start)
            case 3 where start < end: result[start] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            default: result.insert(telling[Int.random(in: telling.indices, using: &self)], at: start)
            }
        }
        return result
    }
}
