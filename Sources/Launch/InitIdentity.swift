import CLinux
import Glibc
import InitPlan
import Linux

/// What a file of sandbox-init says of itself, asked outside of any sandbox.
package struct InitIdentity: Sendable, Hashable {
    package let path: String
    /// The version of the plans that it carries out; nil where it does not say, as another program.
    package let planVersion: UInt32?
    /// The version of the plans that this launcher makes.
    package static let expected = PlanFormat.version

    package var matches: Bool { planVersion == Self.expected }

    /// Asks the file that a launch would take.
    /// - Throws: `initMissing`; also where it cannot be executed.
    package static func ask() throws(LaunchError) -> InitIdentity {
        let candidates = InitExecutable.candidates()
        guard let path = candidates.first(where: { unsafe access($0, R_OK | X_OK) == 0 }) else {
            throw .initMissing(looked: candidates)
        }
        do throws(SystemError) {
            return InitIdentity(path: path, planVersion: try ask(path))
        } catch {
            throw .system(error, doing: "asking sandbox-init for its version")
        }
    }

    private static func ask(_ path: String) throws(SystemError) -> UInt32? {
        let channel = try Channel.make()
        let (outer, inner) = (channel.outer.number, channel.inner.number)
        let question = ControlMessage(.identify).words
        _ = try call("sendmsg", on: path) {
            unsafe withUnsafePointer(to: question) { bytes in
                unsafe clinux_send(outer, bytes, ControlMessage.size, nil, 0)
            }
        }
        let program = HostProgram(path: path, words: ["sandbox-init"], environment: [])
        // One that is none may do anything, also nothing for ever.
        _ = try program.run(timeout: 5000, descriptors: [inner])
        var words: [8 of UInt64] = .init(repeating: 0)
        var descriptors: [8 of CInt] = .init(repeating: -1)
        var (count, truncated) = (0, CInt(0))
        let size = unsafe withUnsafeMutablePointer(to: &words) { bytes in
            unsafe withUnsafeMutablePointer(to: &descriptors) { fds in
                unsafe clinux_receive(
                    outer, bytes, ControlMessage.size,
                    UnsafeMutableRawPointer(fds).assumingMemoryBound(to: CInt.self), &count, &truncated,
                    CInt(MSG_DONTWAIT))
            }
        }
        for index in 0..<min(count, 8) { _ = close(descriptors[index]) }
        guard size == ControlMessage.size, truncated == 0, let answer = ControlMessage(words),
            answer.kind == .identity
        else { return nil }
        return UInt32(truncatingIfNeeded: answer.a)
    }
}
