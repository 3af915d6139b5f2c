import CLinux
import Capture
import Glibc
import Linux

/// What the tests of `Capture` start and kill:
///
///     capture-role write COUNT [CHUNK]     writes COUNT bytes of the pattern to standard output
///     capture-role fill pipe KEEP          fills the ring at descriptor 4 from the pipe at 3
///     capture-role fill terminal KEEP      the same from the terminal's master at 3, its elbow at 5
@main
struct Main {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        do {
            switch (words.first, words.count) {
            case ("write", 2...3): try write(words.dropFirst().map { Int($0) ?? 0 })
            case ("fill", 3): try fill(isTerminal: words[1] == "terminal", keep: UInt64(words[2]) ?? 0)
            default: exit(2)
            }
        } catch {
            complain("capture-role: \(error)")
            exit(1)
        }
    }

    /// The pattern: little-endian words, each the number of words before it.
    private static func write(_ numbers: [Int]) throws(SystemError) {
        let output = FileDescriptor(owning: 1)
        var seed: UInt64 = 88_172_645_463_325_252
        var done = 0
        while done < numbers[0] {
            seed ^= seed << 13
            seed ^= seed >> 7
            seed ^= seed << 17
            let most = numbers.count > 1 ? numbers[1] : 1 + Int(seed % 40_000)
            let end = min(numbers[0], done + most)
            let words = (done / 8...(end - 1) / 8).map { UInt64($0).littleEndian }
            let bytes = unsafe words.withUnsafeBytes { unsafe Array($0) }
            try output.writeAll(Array(bytes[done % 8..<done % 8 + end - done]))
            done = end
            // So that whoever takes it is at times ahead and at times behind.
            usleep(200)
        }
    }

    private static func fill(isTerminal: Bool, keep: UInt64) throws {
        let ring = try OutputRing.adopt(FileDescriptor(owning: 4))
        let source =
            isTerminal
            ? try OutputSource.terminal(FileDescriptor(owning: 3), elbow: FileDescriptor(owning: 5))
            : OutputSource.pipe(FileDescriptor(owning: 3))
        while !ring.isEnded {
            if try ring.fill(from: source, atMost: 1 << 20, now: clinux_boottime()) == 0 { usleep(50) }
            try ring.keep(Retention.last(keep).window(at: ring.position, beside: 0))
        }
    }

    private static func complain(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        _ = unsafe bytes.span.withUnsafeBufferPointer { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
    }
}
