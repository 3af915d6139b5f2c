// Case A01: every system call by its number, made in a sandbox and compared with what the filter's code says.

import Sandbox
import Seccomp
import TestSupport

/// What became of each call with six zeros as arguments.
struct EveryCall {
    /// By number: 0, an error's number, or 192 and the number of the signal that ended the process.
    let answers: [UInt8]
    /// Whether Corral says that a filter was in force.
    let isFiltered: Bool

    private static let numbers = 0...600
    private static let signals: UInt8 = 192
    private static let badSystemCall: UInt8 = 31

    /// Makes them in a sandbox of its own.
    init(_ cage: Cage, _ stage: Stage) throws {
        let name = "every-call"
        let ended = CageEnd(try cage.program(attacker: [name], on: stage).start().wait(timeout: 120))
        let digits = Array((ended.answers[name]?.text ?? "").utf8)
        answers = stride(from: 0, to: digits.count - 1, by: 2).compactMap { at in
            UInt8(String(decoding: digits[at...at + 1], as: UTF8.self), radix: 16)
        }
        isFiltered = ended.layers[Layer.seccomp.rawValue] == "in force"
        guard answers.count == EveryCall.numbers.count else {
            throw AttackError("\(name) in \(cage): \(ended)")
        }
    }

    /// `as the filter says`, or the calls that came to something else.
    static func answer(_ cage: Cage, _ stage: Stage) throws -> Answer {
        let found = try EveryCall(cage, stage)
        guard case .corral(let profile, var without) = cage else {
            // Nothing to compare with: how many calls do something, or fail for a reason of their own.
            return Answer("\(found.answers.count { ![1, 38, signals + badSystemCall].contains($0) }) made")
        }
        let filter = try SeccompInterpreter(
            compiled(profile, hostDirectory: !without.contains(.mountNamespace)).bytes)
        // What a call that may be made comes to is for the kernel to say: the same as without a filter.
        // Release builds cannot leave it out.
        without.insert(.seccomp)
        let kernel = try EveryCall(.corral(profile: profile, without: without), stage)
        let wrong = numbers.filter { number in
            let answer = found.answers[number]
            return switch filter.verdict(on: SeccompCall(UInt32(number))) {
            case .errno(let code): UInt16(answer) != code && !isKernelsOwn(number, answer)
            case .killProcess: answer != signals + badSystemCall
            case .allow:
                kernel.isFiltered ? answer == signals + badSystemCall : answer != kernel.answers[number]
            default: true
            }
        }
        if wrong.isEmpty { return Answer("as the filter says") }
        let list = wrong.map { number in
            let name = Syscalls.name(of: CInt(number)) ?? "?"
            let verdict = filter.verdict(on: SeccompCall(UInt32(number)))
            return "\(number) \(name) answered \(found.answers[number]), the filter says \(verdict), "
                + "the kernel alone \(kernel.answers[number])"
        }
        return Answer("otherwise: " + list.joined(separator: "; "))
    }

    /// uretprobe and uprobe are made by the kernel's own trampolines, and newer kernels let them pass
    /// every filter ("seccomp: passthrough uretprobe systemcall without filtering"). From elsewhere they
    /// fail.
    private static func isKernelsOwn(_ number: Int, _ answer: UInt8) -> Bool {
        let (illegal, noDevice): (UInt8, UInt8) = (signals + 4, 6)
        return (number == 335 && answer == illegal)
            || (number == 336 && [illegal, noDevice].contains(answer))
    }

    /// The filter of a sandbox that has no relay and no terminal, compiled here.
    private static func compiled(_ profile: String, hostDirectory: Bool) throws -> CompiledFilter {
        func read(_ name: String) throws -> ProfileFile {
            let path = "profiles/\(name).yaml"
            return try ProfileFile(File.read(Repository.path(path)), file: path)
        }
        let merged = try ProfileChain(from: read(profile)) { (_, reference) throws(ProfileChain.Missing) in
            do { return try read(reference.target) } catch { throw .absent("\(error)") }
        }.profile()
        let parts = try merged.syscalls.parts(relay: false, hostDirectory: hostDirectory).map { name in
            try PolicyPart(
                file: "\(name).json", json: File.read(Repository.path("profiles/seccomp/\(name).json")))
        }
        return try FilterCache(directory: nil, policies: nil).filter(parts: parts)
    }
}
