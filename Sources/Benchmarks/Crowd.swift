import CYardstick
import Figures
import Glibc
import Linux

/// Sandboxes that run and do nothing, so that others can be measured beside them.
///
/// Each is ended with SIGTERM when the crowd is, and waited for; and by the kernel (setpriv(1),
/// `--pdeathsig`) when this program dies however it does. Their program ends by itself in the end too.
final class Crowd {
    private let words: [String]
    private var members: [pid_t] = []
    private let null: FileDescriptor
    private let ready: FileDescriptor
    private let said: FileDescriptor

    /// - Parameter words: of a sandbox whose program writes one line and then idles.
    init(_ words: [String]) throws {
        guard let setpriv = found("setpriv") else { throw Options.Problem("setpriv is not installed") }
        self.words = [setpriv, "--pdeathsig", "TERM", "--"] + words
        null = try openNull()
        let pipe = try Pipe.make()
        ready = try pipe.writing.duplicate()
        said = try pipe.reading.duplicate()
    }

    deinit { end() }

    var count: Int { members.count }

    /// Starts sandboxes, one after the other, until there are `count` whose programs run.
    func grow(to count: Int) throws {
        let program = PreparedProgram(words, [null.number, ready.number, null.number])
        while members.count < count {
            members.append(try program.start())
            try waitForLine()
        }
    }

    private func waitForLine() throws {
        var request = pollfd(fd: said.number, events: Int16(POLLIN), revents: 0)
        // A machine that is busy with something else may take long; one that takes a minute hangs.
        guard unsafe poll(&request, 1, 60_000) == 1 else {
            throw Options.Problem("\(words[4]): the idle program does not say that it runs")
        }
        var buffer = [UInt8](repeating: 0, count: 64)
        var room = buffer.mutableSpan
        _ = try said.read(into: &room)
    }

    /// Ends all and waits until they have.
    func end() {
        for member in members { kill(member, SIGTERM) }
        for member in members {
            var status: CInt = 0
            _ = unsafe waitpid(member, &status, 0)
        }
        members = []
    }

    /// KiB that the processes of one sandbox take, by the names of their programs and all together: of
    /// shared pages a process counts its share (proc(5), `Pss`).
    func processMemory() throws -> [Measurement.Figure] {
        var sums: [String: Int] = [:]
        for member in members { try add(member, to: &sums) }
        let each = sums.mapValues { Double($0) / Double(max(1, members.count)) }
        let total = each.values.reduce(0, +)
        return [("processes", total)] + each.sorted { $0.value > $1.value }.map { ($0.key, $0.value) }
    }

    private func add(_ process: pid_t, to sums: inout [String: Int]) throws {
        let directory = try FileDescriptor.open("/proc/\(process)", O_RDONLY | O_DIRECTORY)
        let name = try directory.readFile("comm").prefix { $0 != UInt8(ascii: "\n") }
        let text = try directory.readFile("smaps_rollup")
        guard let share = MemoryText.kibibytes("Pss", in: text) else {
            throw Options.Problem("/proc/\(process)/smaps_rollup does not tell Pss")
        }
        sums[String(decoding: name, as: UTF8.self), default: 0] += share
        for task in try directory.open("task", O_RDONLY | O_DIRECTORY).entries() {
            let children = try directory.readFile("task/\(task.name)/children")
            for child in children.split(separator: UInt8(ascii: " ")) {
                if let pid = pid_t(String(decoding: child, as: UTF8.self)) { try add(pid, to: &sums) }
            }
        }
    }
}
