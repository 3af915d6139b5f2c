import Glibc
import Linux
import Sandbox
import TestSupport

@testable import Seccomp

/// The root of the source tree, from where this file is.
let sourceRoot: String = {
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return parts.dropLast(3).joined(separator: "/")
}()

func contents(of path: String) throws -> [UInt8] {
    let number = try call("open", on: path) { unsafe open(path, O_RDONLY | O_CLOEXEC) }
    return try FileDescriptor(owning: number).readOnce(limit: 1 << 17)
}

/// Whether tables of what filters answer are to be written anew instead of compared.
let isWriting = unsafe getenv("CORRAL_GOLDEN").map { unsafe String(cString: $0) } == "write"

/// The parts of the policies that sandboxes of the shipped profiles get, by the profile's name, with
/// `+relay` where the sandbox has a relay and `+directory` where a directory of the host is its workspace.
let shippedPolicies: [String: [String]] = {
    var policies: [String: [String]] = [:]
    for name in ["default", "offline", "offline_readonly", "network_basic", "network_extended", "strict"] {
        // A profile that cannot be read has no policy here, which a test finds.
        guard let syscalls = try? shippedProfile(name).syscalls else { continue }
        for relay in [false, true] {
            for directory in [false, true] {
                policies[name + (relay ? "+relay" : "") + (directory ? "+directory" : "")] =
                    syscalls.parts(relay: relay, hostDirectory: directory)
            }
        }
    }
    return policies
}()

private func shippedProfile(_ name: String) throws -> Profile {
    func read(_ name: String) throws -> ProfileFile {
        let path = "profiles/\(name).yaml"
        return try ProfileFile(contents(of: "\(sourceRoot)/\(path)"), file: path)
    }
    return try ProfileChain(from: read(name)) { (_, reference) throws(ProfileChain.Missing) in
        do { return try read(reference.target) } catch { throw .absent("\(error)") }
    }.profile()
}

/// The policies of sandboxes with a terminal, which differ from the others in one part: two of them.
let terminalPolicies: [String: [String]] = {
    var policies: [String: [String]] = [:]
    for name in ["default", "strict"] {
        guard let syscalls = try? shippedProfile(name).syscalls else { continue }
        policies[name + "+terminal"] = syscalls.parts(relay: false, hostDirectory: false, terminal: true)
    }
    return policies
}()

/// One name for each policy: of several that are the same, the shortest.
let shippedNames: [String] = {
    let names = shippedPolicies.keys.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
    var seen: Set<[String]> = []
    return names.filter { name in shippedPolicies[name].map { seen.insert($0).inserted } ?? false }.sorted()
}()

func shippedPolicy(_ name: String) throws -> [PolicyPart] {
    guard let names = shippedPolicies[name] ?? terminalPolicies[name] else { throw NoSuchPolicy(name: name) }
    return try names.map { name in
        PolicyPart(
            file: "\(name).json", json: try contents(of: "\(sourceRoot)/profiles/seccomp/\(name).json"))
    }
}

struct NoSuchPolicy: Error { let name: String }

func shippedFilter(_ name: String) throws -> CompiledFilter {
    try Compiler.compile(parts: shippedPolicy(name))
}

/// A part from text, called `test.json` where nothing else is said.
func part(_ json: String, file: String = "test.json") -> PolicyPart {
    PolicyPart(file: file, json: Array(json.utf8))
}

/// A compiled policy under the interpreter, asked by name.
struct FilterUnderTest {
    let interpreter: SeccompInterpreter

    init(_ filter: CompiledFilter) throws { interpreter = try SeccompInterpreter(filter.bytes) }

    init(_ parts: PolicyPart...) throws { try self.init(Compiler.compile(parts: parts)) }

    init(json: String) throws { try self.init(Compiler.compile(parts: [part(json)])) }

    func callAsFunction(_ name: String, _ arguments: UInt64...) throws -> SeccompVerdict {
        guard case .number(let number) = Syscalls.look(up: name) else { throw NoSuchCall(name: name) }
        return interpreter.verdict(on: SeccompCall(UInt32(number), arguments))
    }
}

struct NoSuchCall: Error { let name: String }

/// A directory of one test, removed with everything in it at the end.
struct TemporaryDirectory: ~Copyable {
    let path: String
    let descriptor: FileDescriptor

    static func make() throws -> TemporaryDirectory {
        var template = Array("/tmp/corral-seccomp-XXXXXX".utf8CString)
        let path = unsafe template.withUnsafeMutableBufferPointer { buffer -> String? in
            guard let base = buffer.baseAddress, let path = unsafe mkdtemp(base) else { return nil }
            return unsafe String(cString: path)
        }
        guard let path else { throw SystemError("mkdtemp", nil, Errno(rawValue: errno)) }
        let number = try call("open", on: path) { unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        return TemporaryDirectory(path: path, descriptor: FileDescriptor(owning: number))
    }

    deinit {
        remove(names, in: path)
        unsafe rmdir(path)
    }

    var names: [String] { entries(of: path).sorted() }

    func write(_ bytes: [UInt8], to name: String, mode: mode_t = 0o600) throws {
        unsafe unlinkat(descriptor.number, name, 0)
        let parent = descriptor.number
        let number = try call("openat", on: name) {
            unsafe openat(parent, name, O_WRONLY | O_CREAT | O_EXCL, mode)
        }
        let file = FileDescriptor(owning: number)
        try file.writeAll(bytes)
        _ = try call("fchmod", on: name) { fchmod(file.number, mode) }
    }
}

private func entries(of path: String) -> [String] {
    guard let stream = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

/// Removes names and what is below them; nothing there changes meanwhile.
private func remove(_ names: [String], in path: String) {
    for name in names {
        let path = "\(path)/\(name)"
        if unsafe unlink(path) == 0 { continue }
        remove(entries(of: path), in: path)
        unsafe rmdir(path)
    }
}
