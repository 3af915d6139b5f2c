import CYardstick
import Glibc
import Linux
import Seccomp

/// The floor program: a resident launcher, which is asked for one launch at a time so that it takes its
/// turn among the programs that are started anew each time. It times itself.
final class FloorLauncher {
    private let child: Child
    private var asking: FileDescriptor?
    private let answers: FileDescriptor

    /// - Parameter policy: the files of the filter's parts.
    init(policy: [String]) throws {
        let asks = try Pipe.make()
        let times = try Pipe.make()
        child = try Child(
            ["/proc/self/exe", "floor-role"] + policy, [asks.reading.number, times.writing.number, 2],
            pin: nil)
        asking = try asks.writing.duplicate()
        answers = try times.reading.duplicate()
    }

    /// One launch, by its own clock.
    func launch() throws -> TimedRun {
        let (ask, answer) = (asking.numberOrNone, answers.number)
        var byte: UInt8 = 0
        _ = try call("write") { unsafe write(ask, &byte, 1) }
        var time: UInt64 = 0
        guard try call("read", { unsafe read(answer, &time, 8) }) == 8 else {
            throw Options.Problem("the floor program ended; it needs root")
        }
        return TimedRun(elapsed: time)
    }

    deinit {
        // The end of its input ends it.
        asking = nil
        _ = try? child.end()
    }
}

/// The floor program itself: for each byte at descriptor 0 one launch, whose time goes to descriptor 1.
func playFloor(_ words: [String]) throws {
    let parts = try words.map(policyPart)
    let filter = try FilterCache(directory: nil, policies: nil).filter(parts: parts)
    _ = try call("preparing the floor program") { yardstick_floor_prepare() }
    while true {
        var byte: UInt8 = 0
        if try call("read", { unsafe read(0, &byte, 1) }) == 0 { return }
        let nanoseconds = unsafe filter.bytes.withUnsafeBytes { bytes in
            unsafe yardstick_floor_launch(
                yardstick_filter(bytes: bytes.baseAddress, instructions: UInt16(filter.instructionCount)))
        }
        var time = UInt64(try call("the floor program's launch") { Int(nanoseconds) })
        _ = try call("write") { unsafe write(1, &time, 8) }
    }
}
