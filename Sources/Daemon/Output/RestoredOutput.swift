import Capture
import Glibc
import Linux
import Sessions
import Store

// What a process wrote whose run is over, out of the store, in rings as those that it was in: with the same
// offsets, so that logs and attached clients see no difference.

extension Daemon {
    /// What a process writes, or wrote in its last run. Nil for one that has not begun to, and for what is no
    /// longer kept. Of one that waits to be started again it has no end.
    func output(of run: ProcessRun) throws -> ProcessOutput? {
        if let output = run.output { return output }
        guard let machine = machine(run), machine.hasEnded || machine.state == .restarting else { return nil }
        let (stdout, stderr) = (run.stdout.written, run.stderr.written)
        let kept = try store.result(of: run.id.description)
        // What never ran has no record of its output, and nothing is missing of it.
        guard kept != nil || (machine.hasEnded && stdout == 0 && stderr == 0) else { return nil }
        let retention = retention(run)
        let output = ProcessOutput(retention: retention, on: loop)
        output.add(ended: try ring(kept?.stdout ?? [], retention, at: stdout, beside: stderr))
        if run.program.terminal == nil {
            output.add(ended: try ring(kept?.stderr ?? [], retention, at: stderr, beside: stdout))
        }
        if machine.hasEnded { output.ended(run.exitNote(machine.result)) }
        return output
    }

    private func ring(
        _ kept: [UInt8], _ retention: OutputRetention, at written: UInt64, beside other: UInt64
    ) throws -> OutputRing {
        var window = retention.window(at: written, beside: other)
        // The operator changed how much is kept: then it is shown as the end of the stream.
        if window.kept != UInt64(kept.count) {
            window = OutputRetention.last(UInt64(kept.count)).window(at: written, beside: other)
        }
        let memory = try OutputRing.makeMemory(name: "corral-restored")
        let (number, head) = (memory.number, Int(clamping: window.head))
        try memory.writeAll(Array(kept.prefix(head)))
        if window.dropped > 0 {
            _ = try call("lseek") { lseek(number, Int(window.tail), SEEK_SET) }
        }
        try memory.writeAll(Array(kept.dropFirst(head)))
        let ring = try OutputRing.adopt(memory)
        try ring.keep(window)
        return ring
    }
}
