import Glibc
import Images
import Linux
import Sandbox
import Trees

/// Has archives unpacked by `corral image unpack-layer`, a process for each.
struct ConfinedUnpacker: LayerUnpacker {
    /// What a report or a complaint may have, in bytes.
    private static let outputLimit = 64 << 10

    func unpack(
        _ archive: borrowing FileDescriptor, into tree: borrowing FileDescriptor, limits: TreeLimits
    ) throws(ImageError) -> LayerReport {
        let words = [
            "--entries", "\(max(1, limits.entries))", "--bytes", "\(max(1, limits.bytes))", "--file-bytes",
            "\(limits.fileBytes)", "--depth", "\(limits.depth)",
        ]
        let outcome: Outcome
        do throws(SystemError) {
            outcome = try Self.run(words, archive, tree)
        } catch {
            throw ImageError("starting the unpacker: \(error)")
        }
        guard outcome.status == 0 else { throw ImageError(Self.complaint(outcome)) }
        return try LayerReport(outcome.output)
    }

    private struct Outcome {
        /// Exit status, or 128 + N for signal N.
        var status: Int32
        var output: [UInt8]
        var errors: [UInt8]
    }

    /// The last line that was said, which names what was wrong; on one line of ASCII.
    private static func complaint(_ outcome: Outcome) -> String {
        let lines = outcome.errors.split(separator: UInt8(ascii: "\n"))
        guard let last = lines.last else { return "the unpacker ended with status \(outcome.status)" }
        let text = String(
            last.prefix(2000).map { (0x20...0x7E).contains($0) ? Character(Unicode.Scalar($0)) : "?" })
        for prefix in ["corral-unpack: ", "corral image unpack-layer: "] where text.hasPrefix(prefix) {
            return String(text.dropFirst(prefix.count))
        }
        return text
    }

    private static func run(
        _ words: [String], _ archive: borrowing FileDescriptor, _ tree: borrowing FileDescriptor
    ) throws(SystemError) -> Outcome {
        let (archive, tree) = (archive.number, tree.number)
        _ = try call("lseek") { lseek(archive, 0, SEEK_SET) }
        let output = try Pipe.make()
        let errors = try Pipe.make()
        // Its other end is closed with us, however we end: then the sandbox ends too.
        let lifeline = try Pipe.make()
        let pid = try HostProgram(corral: ["image", "unpack-layer", "--"] + words).start(
            [archive, output.writing.number, errors.writing.number, tree, lifeline.reading.number])
        // Ours, so that the pipes end with the child.
        close(output.writing)
        close(errors.writing)
        close(lifeline.reading)
        let texts: (output: [UInt8], errors: [UInt8])
        do throws(SystemError) {
            texts = try read(output.reading, errors.reading)
        } catch {
            close(lifeline.writing)
            _ = try? wait(pid)
            throw error
        }
        let status = try wait(pid)
        close(lifeline.writing)
        return Outcome(status: status, output: texts.output, errors: texts.errors)
    }

    private static func close(_: consuming FileDescriptor) {}

    /// Everything that comes, up to the limit of each; what is more is read and dropped.
    private static func read(
        _ output: borrowing FileDescriptor, _ errors: borrowing FileDescriptor
    ) throws(SystemError) -> (output: [UInt8], errors: [UInt8]) {
        var texts: [[UInt8]] = [[], []]
        var open = [output.number, errors.number]
        var buffer = [UInt8](repeating: 0, count: 4096)
        while open.contains(where: { $0 >= 0 }) {
            var ready = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            _ = try call("poll") { unsafe poll(&ready, nfds_t(ready.count), -1) }
            for index in 0...1 where ready[index].revents != 0 {
                let number = open[index]
                let count = try call("read") { unsafe Glibc.read(number, &buffer, buffer.count) }
                if count == 0 { open[index] = -1 }
                texts[index] += buffer.prefix(min(count, outputLimit - texts[index].count))
            }
        }
        return (texts[0], texts[1])
    }

    private static func wait(_ pid: pid_t) throws(SystemError) -> Int32 {
        var status: Int32 = 0
        _ = try call("waitpid") { unsafe waitpid(pid, &status, 0) }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }
}
