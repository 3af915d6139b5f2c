import Glibc
import Linux
package import Sandbox

/// A file of variables for `--env-file`, in docker's format: `NAME=VALUE` on each line, the value as it
/// stands, without quoting; `NAME` alone takes the caller's value, if there is one; lines that are empty or
/// begin with `#` say nothing.
package struct EnvironmentFile: Sendable, Hashable {
    /// In the file's order; of a name that is given twice the last one counts.
    package private(set) var variables: [EnvironmentVariable] = []

    /// What execve(2) takes is far less.
    static let limit = 1 << 20

    /// - Throws: the file and the reason, or `FILE:LINE: ` and what was expected there.
    static func read(
        _ path: String, caller: (String) -> String? = EnvironmentFile.variable
    ) throws(ValueError) -> EnvironmentFile {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try FileDescriptor.open(path, O_RDONLY).readAll(limit: limit)
        } catch {
            let why = error.errno == .fileTooLarge ? "has more than 1 MiB" : "\(error.errno)"
            throw ValueError("--env-file: \(shown(path)): \(why)")
        }
        return try EnvironmentFile(bytes, file: path, caller: caller)
    }

    /// - Parameters:
    ///   - file: what errors call it.
    ///   - caller: the caller's value of a variable.
    package init(_ bytes: [UInt8], file: String, caller: (String) -> String?) throws(ValueError) {
        // What some editors put in front (the byte order mark).
        let start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        let lines = bytes[start...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            do throws(ValueError) {
                if let variable = try EnvironmentFile.variable(line, caller) { variables.append(variable) }
            } catch {
                throw ValueError("--env-file: \(shown(file)):\(index + 1): \(error.problem)")
            }
        }
    }

    private static func variable(
        _ line: ArraySlice<UInt8>, _ caller: (String) -> String?
    ) throws(ValueError) -> EnvironmentVariable? {
        var line = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
        guard let first = line.first, first != UInt8(ascii: "#") else { return nil }
        guard let text = String(validating: line, as: UTF8.self) else {
            throw ValueError("is not UTF-8; expected NAME=VALUE or NAME")
        }
        guard !line.contains(UInt8(ascii: "=")) else { return try EnvironmentVariable(assignment: text) }
        try EnvironmentVariable.checkName(text)
        guard let value = caller(text) else { return nil }
        do throws(ValueError) {
            try EnvironmentVariable.checkValue(value)
        } catch {
            throw ValueError("the caller's \(text) \(error.problem)")
        }
        return EnvironmentVariable(name: text, value: value)
    }

    /// The caller's value of a variable.
    static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}
