/// Tar files (ustar) for benchmarks.
enum TarFile {
    /// Files of `bytes` times the letter a, at most 7 octal digits of them.
    static func of(_ numbers: Range<Int>, bytes: Int, _ name: (Int) -> String) -> [UInt8] {
        let padded = (bytes + 511) / 512 * 512
        let content =
            [UInt8](repeating: 0x61, count: bytes) + [UInt8](repeating: 0, count: padded - bytes)
        let octal = String(bytes, radix: 8)
        let size = String(repeating: "0", count: 11 - octal.utf8.count) + octal + "\0"
        var all: [UInt8] = []
        all.reserveCapacity(numbers.count * (512 + padded) + 1024)
        for number in numbers {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, _ place: Int) {
                for (index, byte) in text.utf8.enumerated() { header[place + index] = byte }
            }
            put(name(number), 0)
            put("0000644\0" + "0000000\0" + "0000000\0" + size + "14000000000\0", 100)
            put("        0", 148)
            put("ustar\u{0}00", 257)
            let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
            put(String(repeating: "0", count: 6 - sum.utf8.count) + sum + "\0", 148)
            all += header + content
        }
        return all + [UInt8](repeating: 0, count: 1024)
    }
}
