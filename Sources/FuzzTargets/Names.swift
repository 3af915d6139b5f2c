// Names, paths, addresses, amounts and options: what is taken must be what it looks like, and what is refused
// is told on one line.

import Commands
import Denials
import Images
import Sandbox

/// Input: one text, given to every rule there is for one.
func checkNames(_ bytes: [UInt8]) throws(FuzzFailure) {
    let text = String(decoding: bytes, as: UTF8.self)
    try checkLine(shown(text), "what is shown")
    try checkLine(quoted(text), "what is quoted")
    try agree(text, plainName, "name") { (text) throws(ValueError) in try checkSimpleName(text) }
    try agree(text, plainPath, "path") { (text) throws(ValueError) in try checkPath(text) }
    try agree(text, plainTree, "tree") { (text) throws(ValueError) in try checkTreeName(text) }
    try agree(text, { _ in nil }, "method") { (text) throws(ValueError) in
        try MessagePolicy.checkMethod(text)
    }
    try agree(text, { _ in nil }, "layer") { (text) throws(ValueError) in _ = try Layer(named: text) }
    try agree(text, { _ in nil }, "event") { (text) throws(ValueError) in _ = try PathEvent(text, .read) }
    try checkValues(text)
    if text.utf8.count > 1 {
        let half = String(decoding: bytes[..<(bytes.count / 2)], as: UTF8.self)
        let isInside = Array(text.utf8).starts(with: Array(half.utf8) + [UInt8(ascii: "/")])
        try hold(isBelow(text, half) == isInside, "\(shown(text)) below \(shown(half))")
    }
}

/// A rule says what a plain reading of its sentence says, where there is one, and tells errors on one line.
private func agree(
    _ text: String, _ plain: (String) -> Bool?, _ what: String, _ rule: (String) throws(ValueError) -> Void
) throws(FuzzFailure) {
    var isTaken = true
    do throws(ValueError) {
        try rule(text)
    } catch {
        isTaken = false
        try checkLine(error.problem, "an error")
    }
    if let expected = plain(text) { try hold(isTaken == expected, "the \(what) \(shown(text)): \(isTaken)") }
}

private func plainName(_ text: String) -> Bool {
    let letters = Set("abcdefghijklmnopqrstuvwxyz0123456789_-".unicodeScalars)
    let isMark = text.unicodeScalars.first == "-" || text.unicodeScalars.first == "_"
    return (1...64).contains(text.unicodeScalars.count) && !isMark
        && letters.isSuperset(of: text.unicodeScalars)
}

private func plainTree(_ text: String) -> Bool {
    let digits = Set("0123456789abcdef".unicodeScalars)
    return text.unicodeScalars.starts(with: "sha256-".unicodeScalars) && text.unicodeScalars.count == 71
        && digits.isSuperset(of: text.unicodeScalars.dropFirst(7))
}

private func plainPath(_ text: String) -> Bool {
    let scalars = Array(text.unicodeScalars)
    let parts = scalars.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count > 1, parts[0].isEmpty, text.utf8.count <= 4095 else { return false }
    if scalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) { return false }
    return parts.dropFirst().allSatisfy { part in
        !part.isEmpty && part != ["."] && part != [".", "."]
            && part.reduce(0) { $0 + UTF8.width($1) } <= 255
    }
}

/// What is read as a value is written as the same.
private func checkValues(_ text: String) throws(FuzzFailure) {
    if let variable = try? EnvironmentVariable(assignment: text) {
        try checkVariable(variable)
        try hold("\(variable.name)=\(variable.value)".utf8.elementsEqual(text.utf8), "another variable")
    }
    if let address = try? NetworkAddress(text) {
        try hold(address.description.utf8.elementsEqual(text.utf8) && address.port > 0, "another address")
        try hold(address.host.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a host of other letters")
    }
    if let address = IPAddress(text) {
        try hold(IPAddress(address.description) == address, "\(address) is read otherwise")
        _ = (address.isLoopback, address.family)
    }
    let rules = [
        Limits.Rule.memory, Limits.Rule.pids, Limits.Rule.cpus, Limits.Rule.cpuTime,
        Quantity(.mode, 0...0o7777), Quantity(.count, 0...(.max >> 1)), Quantity(.size, 0...(.max >> 1)),
    ]
    for rule in rules {
        let value: UInt64?
        do throws(ValueError) {
            value = try rule.readOrNone(text)
        } catch {
            try checkLine(error.problem, "an error")
            continue
        }
        guard let value else { continue }
        let again = try? rule.read(rule.write(value))
        try hold(
            rule.range.contains(value) && again == value, "\(shown(text)) is written \(rule.write(value))")
    }
    if let platform = try? Platform(text) {
        let again = try? Platform(
            "\(platform.os)/\(platform.architecture)\(platform.variant.map { "/\($0)" } ?? "")")
        try hold(again == platform, "the platform \(platform) is read otherwise")
        try checkLine(platform.description, "a platform")
    }
}

/// Input: lines, each a word of `corral run`.
func checkOptions(_ bytes: [UInt8]) throws(FuzzFailure) {
    let words = String(decoding: bytes, as: UTF8.self).unicodeScalars.split(separator: "\n").map {
        String($0)
    }
    // It names a file of the host.
    if words.contains(where: { $0.hasPrefix("--env-f") }) { return }
    let arguments: Arguments
    do throws(UsageError) {
        arguments = try Arguments(parsing: words, for: RunCommand.command)
    } catch {
        return try checkLine(error.description, "an error")
    }
    let options: RunOptions
    do throws(ValueError) {
        options = try RunOptions(arguments)
    } catch {
        return try checkLine(error.problem, "an error")
    }
    for variable in options.environment { try checkVariable(variable) }
    for mount in options.mounts {
        try hold((try? checkPath(mount.target)) != nil, "the place \(shown(mount.target))")
    }
    if let directory = options.directory {
        let isPath = directory == "/" || (try? checkPath(directory)) != nil
        try hold(
            isPath && directory != "/proc" && !isBelow(directory, "/proc"),
            "the directory \(shown(directory))")
    }
    try hold(words.suffix(options.command.count) == options.command[...], "another command")
}
