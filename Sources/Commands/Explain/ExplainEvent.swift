import Denials
import Sandbox
import Seccomp

/// Reads the event that `profile explain` is asked about.
enum ExplainEvent {
    private static let kinds = ["syscall", "path", "connect", "bind", "limit"]

    /// - Returns: nil where none is asked about.
    static func event(_ arguments: Arguments) throws(ValueError) -> Event? {
        let given = kinds.filter { arguments.value($0) != nil }
        if given.count > 1 {
            throw ValueError("--\(given[0]) and --\(given[1]) exclude each other; expected one event")
        }
        let accesses = PathEvent.Access.allCases.filter { arguments.has($0.rawValue) }
        if given != ["path"], let access = accesses.first {
            throw ValueError("--\(access.rawValue) says what is done with a --path")
        }
        if given != ["syscall"], arguments.operands.count > 1 {
            throw ValueError("unexpected \(quoted(arguments.operands[1])); only a --syscall has arguments")
        }
        switch given.first {
        case "syscall": return try call(arguments)
        case "path": return try path(arguments.value("path") ?? "", accesses)
        case "connect": return try connect(arguments.value("connect") ?? "")
        case "bind": return try bind(arguments.value("bind") ?? "")
        case "limit": return try limit(arguments.value("limit") ?? "")
        default: return nil
        }
    }

    private static func call(_ arguments: Arguments) throws(ValueError) -> Event {
        let name = arguments.value("syscall") ?? ""
        var values: [UInt64] = []
        for text in arguments.operands.dropFirst() { values.append(try CallConstants.value(of: text)) }
        return .systemCall(SystemCallEvent(number: try number(of: name), arguments: values))
    }

    private static func number(of name: String) throws(ValueError) -> Int32 {
        // 0x40000000 is the bit of x32, another ABI (asm/unistd.h).
        if let number = CallConstants.number(name) {
            guard number < 0x4000_0000 else {
                throw ValueError(
                    "\(quoted(name)) is not a call of this machine's own; expected less than 0x40000000")
            }
            return Int32(number)
        }
        switch Syscalls.look(up: name) {
        case .number(let number): return number
        case .notHere:
            throw ValueError("the system call \(quoted(name)) does not exist on this machine's architecture")
        case .unknown:
            let known = (Int32(0)...600).compactMap { Syscalls.name(of: $0) }
            let cure = suggestion(for: name, in: known) ?? "expected a name such as openat, or a number"
            throw ValueError("there is no system call \(quoted(name)); \(cure)")
        }
    }

    private static func path(_ text: String, _ accesses: [PathEvent.Access]) throws(ValueError) -> Event {
        guard accesses.count == 1 else {
            let expected = PathEvent.Access.allCases.map { "--\($0.rawValue)" }.joined(separator: ", ")
            throw ValueError("--path needs one of \(expected)")
        }
        // As a shell completes the name of a directory.
        var path = text
        while path.utf8.count > 1, path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        return .path(try PathEvent(path, accesses[0]))
    }

    private static func connect(_ text: String) throws(ValueError) -> Event {
        let (host, port) = try hostAndPort(text, "--connect", lowest: 1)
        guard let host else { throw ValueError("--connect: \(quoted(text)) has no host; expected HOST:PORT") }
        if let address = IPAddress(host) { return .tcp(.connect(address, port: port)) }
        return .tcp(.connectByName(host, port: port))
    }

    private static func bind(_ text: String) throws(ValueError) -> Event {
        let (host, port) = try hostAndPort(text, "--bind", lowest: 0)
        guard let address = IPAddress(host ?? "127.0.0.1") else {
            throw ValueError(
                "--bind: \(quoted(host ?? "")) is not an address; expected one such as 127.0.0.1")
        }
        return .tcp(.bind(address, port: port))
    }

    private static func hostAndPort(
        _ text: String, _ option: String, lowest: UInt16
    ) throws(ValueError) -> (String?, UInt16) {
        let colon = text.utf8.lastIndex(of: UInt8(ascii: ":"))
        let host = colon.map { String(text[..<$0]) }
        let digits = colon.map { String(text[text.utf8.index(after: $0)...]) } ?? text
        guard let port = UInt16(digits), port >= lowest, host != "" else {
            throw ValueError(
                "\(option): \(quoted(text)) is not a host and a port from \(lowest) to 65535; "
                    + "expected such as example.org:443 or [::1]:8080")
        }
        return (host, port)
    }

    /// `memory=300MiB`, by the last part of the limit's key or by all of it.
    private static func limit(_ text: String) throws(ValueError) -> Event {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        guard parts.count == 2 else {
            throw ValueError("--limit: \(quoted(text)) has no =; expected such as memory=300MiB")
        }
        let names = LimitEvent.keys.map(shortName)
        let found = LimitEvent.keys.first { $0.rawValue == parts[0] || shortName($0) == parts[0] }
        guard let key = found, case .quantity(let quantity) = key.kind else {
            let cure =
                suggestion(for: parts[0], in: names) ?? "expected one of \(names.joined(separator: ", "))"
            throw ValueError("--limit: there is no limit \(quoted(parts[0])); \(cure)")
        }
        do throws(ValueError) {
            // Any amount can be asked about, also what no profile may allow.
            let any = Quantity(quantity.kind, 0...(.max >> 1), orNone: quantity.orNone)
            return .limit(try LimitEvent(key, any.readOrNone(parts[1])))
        } catch {
            throw ValueError("--limit \(parts[0]): \(error)")
        }
    }

    private static func shortName(_ key: ProfileKey) -> String {
        key == .outputLimit ? "output" : String(key.rawValue.split(separator: ".").last ?? "")
    }
}
