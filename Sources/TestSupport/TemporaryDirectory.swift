import Glibc
package import Linux

/// A directory of one test's own, removed with everything in it when the value goes.
package final class TemporaryDirectory: Sendable {
    package let path: String

    /// Makes the directory below `/tmp`, short enough for a unix socket's path and independent of
    /// `TMPDIR`, which the build points into its own directory.
    /// - Parameter mode: 0755 lets a program that runs as another user in; give it 0777 to write.
    package init(mode: UInt32 = 0o755) throws(SystemError) {
        var template = Array("/tmp/corral-test.XXXXXX".utf8CString)
        var span = template.mutableSpan
        let made = unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe buffer.baseAddress.flatMap { unsafe mkdtemp($0) }.map { unsafe String(cString: $0) }
        }
        guard let made else { throw SystemError("mkdtemp", "/tmp", Errno(rawValue: errno)) }
        path = made
        _ = try call("chmod", on: made) { unsafe chmod(made, mode) }
    }

    // A test that leaves something that cannot be removed is found by the census of /tmp in
    // scripts/census.sh; a deinit has nobody to throw to.
    deinit { try? File.remove(path) }

    /// The absolute path of a name in here.
    package func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Plants a text file, with the directories above it, and returns its absolute path.
    @discardableResult
    package func write(_ name: String, _ text: String, mode: UInt32 = 0o644) throws(SystemError) -> String {
        let target = self(name)
        try File.makeDirectories(Repository.directory(of: target))
        try File.write(Array(text.utf8), to: target, mode: mode)
        return target
    }
}
