import TestSupport
import Testing

@testable import Sandbox

@Suite struct QuantityTests {
    @Test(
        arguments: [
            (Quantity.Kind.size, "0", 0), (.size, "4096", 4096), (.size, "64KiB", 65536),
            (.size, "3MiB", 3 << 20),
            (.size, "1GiB", 1 << 30), (.size, "2TiB", 2 << 40), (.duration, "500ms", 500),
            (.duration, "30s", 30_000),
            (.duration, "5m", 300_000), (.duration, "1h", 3_600_000), (.cpus, "1", 1000), (.cpus, "0.5", 500),
            (.cpus, "1.125", 1125), (.cpus, "0.001", 1), (.mode, "0644", 0o644), (.mode, "01777", 0o1777),
            (.count, "18446744073709551615", .max),
        ] as [(Quantity.Kind, String, UInt64)])
    func `what is read is written the same again`(kind: Quantity.Kind, text: String, value: UInt64) throws {
        let quantity = Quantity(kind, 0...UInt64.max)
        #expect(try quantity.read(text) == value)
        #expect(try quantity.read(quantity.write(value)) == value)
        if text != "4096" { #expect(quantity.write(value) == text) }
    }

    @Test(arguments: [Quantity.Kind.count, .size, .cpus, .duration, .mode])
    func `every value survives being written and read`(kind: Quantity.Kind) throws {
        let quantity = Quantity(kind, 0...UInt64.max)
        var random = Seeded(7)
        for _ in 0..<2000 {
            let value = random.next() >> (random.next() % 64)
            #expect(try quantity.read(quantity.write(value)) == value)
        }
    }

    @Test(
        arguments: [
            (
                Quantity.Kind.count,
                ["", "x", "08", "1.0", "+1", " 1", "1 ", "0x10", "1_000", "١", "-", "1e3"]
            ),
            (.size, ["", "64MB", "64mib", "MiB", "1.5GiB", "64 MiB", "064MiB", "64MiBx", "1PiB"]),
            (.cpus, ["", ".5", "1.", "0.0001", "1.2.3", "00.5", "1,5", "1.-1", "1.5x"]),
            (.duration, ["", "30", "s", "1d", "1m30s", "30S", "none"]),
            (.mode, ["", "0", "644", "0o644", "0888", "0x1ff", "rw-r--r--"]),
        ] as [(Quantity.Kind, [String])])
    func `other ways to write a number are refused`(kind: Quantity.Kind, texts: [String]) {
        let quantity = Quantity(kind, 0...UInt64.max)
        for text in texts {
            let error = #expect(throws: ValueError.self, "\(text)") { try quantity.read(text) }
            #expect(error?.problem.contains(" is not ") == true, "\(text)")
        }
    }

    @Test(
        arguments: [
            (Quantity.Kind.count, "18446744073709551616"), (.size, "16777216TiB"),
            (.cpus, "18446744073709551"),
            (.cpus, "18446744073709552.5"), (.duration, "9999999999999999h"),
            (.mode, "07777777777777777777777"),
        ] as [(Quantity.Kind, String)])
    func `a number that does not fit is too large, not a trap`(kind: Quantity.Kind, text: String) {
        let error = #expect(throws: ValueError.self) { try Quantity(kind, 0...1 << 50).read(text) }
        #expect(error?.problem.contains("is too large; expected ") == true)
    }

    @Test func `none is nil where it is allowed and an error elsewhere`() throws {
        #expect(try Lifetime.Rule.timeout.readOrNone("none") == nil)
        #expect(try Lifetime.Rule.timeout.readOrNone("2s") == 2000)
        #expect(throws: ValueError.self) { try Limits.Rule.memory.readOrNone("none") }
    }

    @Test func `both ends of a range belong to it`() throws {
        let quantity = Quantity(.size, 1024...2048)
        #expect(try quantity.read("1KiB") == 1024)
        #expect(try quantity.read("2KiB") == 2048)
        #expect(throws: ValueError("\"1023\" is too small; expected 1KiB to 2KiB")) {
            try quantity.read("1023")
        }
        #expect(throws: ValueError("\"2049\" is too large; expected 1KiB to 2KiB")) {
            try quantity.read("2049")
        }
    }
}
