// The plan's layout: what is written is read, and bytes that are not a plan end in an error.

import InitPlan
import Testing

@Suite struct PlanTests {
    /// A plan of two steps, as bytes.
    private static func plan() -> [UInt8] {
        var writer = PlanWriter.plan()
        writer.step(.file) { fields in
            fields.text("/etc/motd")
            fields.integer(0o644)
            fields.blob([1, 2, 3])
        }
        writer.step(.loopback)
        return writer.finished()
    }

    /// Reads a whole plan as the init does; the texts and integers of its first step.
    private static func read(_ bytes: [UInt8]) throws(PlanError) -> (String, UInt64, [UInt8], [PlanOperation])
    {
        let result: Result<(String, UInt64, [UInt8], [PlanOperation]), PlanError> =
            unsafe bytes.withUnsafeBytes {
                do throws(PlanError) {
                    var reader = unsafe try PlanReader($0)
                    let count = try reader.header()
                    var (operation, fields) = try reader.step()
                    var operations = [operation]
                    let path = unsafe String(cString: try fields.text())
                    let mode = try fields.integer()
                    let content = unsafe Array(try fields.blob())
                    for _ in 1..<max(1, count) {
                        (operation, fields) = try reader.step()
                        operations.append(operation)
                    }
                    return .success((path, mode, content, operations))
                } catch {
                    return .failure(error)
                }
            }
        return try result.get()
    }

    @Test func `what is written is read`() throws {
        let (path, mode, content, operations) = try PlanTests.read(PlanTests.plan())
        #expect(path == "/etc/motd")
        #expect(mode == 0o644)
        #expect(content == [1, 2, 3])
        #expect(operations == [.file, .loopback])
    }

    @Test func `a plan that is cut off anywhere is refused and never read beyond`() {
        let whole = PlanTests.plan()
        for length in 0..<whole.count {
            // A copy of exactly this size, so that a sanitizer sees a read behind it.
            let part = Array(whole.prefix(length))
            #expect(throws: PlanError.truncated, "cut at \(length)") { try PlanTests.read(part) }
        }
    }

    @Test func `a plan of another version is refused`() {
        var bytes = PlanTests.plan()
        bytes[4] += 1
        #expect(throws: PlanError.otherVersion) { try PlanTests.read(bytes) }
    }

    @Test func `other bytes are not a plan`() {
        #expect(throws: PlanError.notAPlan) { try PlanTests.read([UInt8](repeating: 65, count: 64)) }
    }

    @Test func `an operation that this version does not know is refused`() {
        var bytes = PlanTests.plan()
        bytes[16] = 200
        #expect(throws: PlanError.unknownOperation) { try PlanTests.read(bytes) }
    }

    @Test func `a text that claims to be longer than the plan is refused`() {
        for claim in [UInt8(0x7F), 0xFF] {
            var bytes = PlanTests.plan()
            for index in 24..<32 { bytes[index] = claim }
            #expect(throws: PlanError.truncated) { try PlanTests.read(bytes) }
        }
    }

    @Test func `mutated plans never trap`() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            var bytes = PlanTests.plan()
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            _ = try? PlanTests.read(bytes)
        }
    }
}

@Suite struct ControlMessageTests {
    @Test func `a message survives its words`() throws {
        let message = ControlMessage(.exited, process: 7, a: 1, b: 2, c: 3, d: 4, e: 5)
        let read = try #require(ControlMessage(message.words))
        #expect(read.kind == .exited)
        #expect([read.process, read.a, read.b, read.c, read.d, read.e] == [7, 1, 2, 3, 4, 5])
    }

    @Test(
        arguments: [
            (StartFlags.streams, 3), (StartFlags.streams | StartFlags.input, 4),
            (StartFlags.streams | StartFlags.script, 4),
            (StartFlags.streams | StartFlags.input | StartFlags.script, 5),
            (StartFlags.firstTerminal, 1), (StartFlags.newTerminal, 1),
            (StartFlags.newTerminal | StartFlags.script, 2),
        ] as [(UInt64, Int)])
    func `what a process is started with says how many descriptors there are`(flags: UInt64, count: Int) {
        #expect(StartFlags.count(flags) == count)
    }

    @Test(
        arguments: [
            0, StartFlags.script, StartFlags.input, StartFlags.streams | StartFlags.newTerminal,
            StartFlags.input | StartFlags.newTerminal, StartFlags.firstTerminal | StartFlags.newTerminal,
            StartFlags.streams | 32, 1 << 63,
        ] as [UInt64])
    func `what does not go together is nothing to start with`(flags: UInt64) {
        #expect(StartFlags.count(flags) == 0)
    }

    @Test func `words of no kind are no message`() {
        #expect(ControlMessage([99, 0, 0, 0, 0, 0, 0, 0]) == nil)
    }

    @Test(arguments: [0, 1, -1, Int32.max, Int32.min])
    func `a status record survives its words`(error: Int32) {
        let record = StatusRecord(.failed, operation: 12, index: 4_000_000_000, error: error)
        #expect(StatusRecord(record.words) == record)
    }

    @Test func `the sizes are those of the words`() {
        #expect(MemoryLayout<[8 of UInt64]>.size == ControlMessage.size)
        #expect(MemoryLayout<[2 of UInt64]>.size == StatusRecord.size)
    }
}
