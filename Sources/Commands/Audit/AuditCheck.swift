import API
import Glibc
import Linux
import Sandbox
import Tables
import Trees

/// `corral audit verify`: finds every place that is not as it was written.
struct AuditCheck {
    private let arguments: Arguments
    private let mark: AuditMark?

    init(_ arguments: Arguments) throws(CommandError) {
        self.arguments = arguments
        guard let text = arguments.value("after") else {
            mark = nil
            return
        }
        guard let mark = AuditMark(text) else {
            throw CommandError(
                "--after: \(quoted(text)) is no NUMBER:DIGEST as corral audit verify prints it")
        }
        self.mark = mark
    }

    /// - Returns: whether all is as it was written.
    func run(_ files: [String]) throws(CommandError) -> Bool {
        try files.isEmpty ? daemon() : check(files)
    }

    // MARK: The daemon's

    private func daemon() throws(CommandError) -> Bool {
        let calls = try AuditCalls(arguments)
        var query = mark.map { [("after", "\($0)")] } ?? []
        var isWhole = true
        while true {
            let answer = try calls.check(query)
            if let (number, problem) = answer.broken {
                isWhole = false
                Terminal.print("record \(number): \(problem)")
            }
            if answer.isComplete {
                if isWhole { Terminal.print("whole up to \(answer.reached)") }
                return isWhole
            }
            query = answer.next
        }
    }

    // MARK: Files

    /// The first place that is wrong ends it: what follows cannot be judged without what is before it.
    private func check(_ files: [String]) throws(CommandError) -> Bool {
        var check = AuditLineCheck(after: mark, hash: SHA256.of)
        for path in files {
            if let problem = try self.check(path, &check) {
                Terminal.print(problem)
                return false
            }
        }
        Terminal.print("\(check.count) records, whole up to \(check.reached ?? .beginning)")
        return true
    }

    /// - Returns: the file, the line and what is wrong there; nil where nothing is.
    private func check(_ path: String, _ check: inout AuditLineCheck) throws(CommandError) -> String? {
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, O_RDONLY)
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            var rest: [UInt8] = []
            var line = 0
            while true {
                var room = buffer.mutableSpan
                let count = try file.read(into: &room)
                if count == 0 { break }
                rest += buffer[..<count]
                while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    line += 1
                    if let problem = check.take(Array(rest[..<end])) { return "\(path):\(line): \(problem)" }
                    rest.removeFirst(end + 1)
                }
                guard rest.count <= AuditLineCheck.longestLine else {
                    return "\(path):\(line + 1): it is no record"
                }
            }
            return check.end(rest).map { "\(path):\(line + 1): \($0)" }
        } catch {
            throw CommandError("\(path): \(error)")
        }
    }
}
